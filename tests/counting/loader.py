"""Loads packages so that what their functions do is counted by `tests.counting.meter`.

Their source is rewritten as it is imported: calls, slices, comparisons, sums and turns of loops report what they cost,
and do what they did. Only functions are rewritten; what happens once, when a module is imported, is not of interest.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import os
import pathlib
import sys
import tempfile
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any, cast

from tests.counting.meter import hooks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["count_in", "instrumented"]

# These need the frame that they are called from, or cost nothing that grows.
_LEFT_ALONE = {
    *("super", "locals", "globals", "vars", "dir", "eval", "exec", "isinstance", "issubclass", "len", "ord", "chr"),
    *("type", "getattr", "setattr", "hasattr", "id", "callable", "bool", "int", "float", "range", "zip", "enumerate"),
    *("map", "filter", "iter", "next", "cast", "reversed", "repr", "print", "slice", "property", "object"),
}
_GO_OVER_ALL = {"sum", "list", "tuple", "set", "frozenset", "dict", "sorted", "any", "all", "deque", "max", "min"}


def count_in(*packages: str) -> None:
    """Count in these packages from now on. They must not have been imported yet."""
    imported = [name for name in packages if name in sys.modules]
    if imported:
        raise ValueError(f"imported too early: {imported}")
    # What was rewritten is kept, as Python keeps what it has compiled, but not in the same place.
    mine = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:16]
    sys.pycache_prefix = str(pathlib.Path(tempfile.gettempdir(), f"nbstream-counted-{os.getuid()}-{mine}"))
    sys.meta_path.insert(0, _Finder(packages))


def instrumented(source: str, path: str = "<source>") -> ast.Module:
    """Return the rewritten tree of a module."""
    tree = _Outside().visit(ast.parse(source, path))
    return ast.fix_missing_locations(cast("ast.Module", tree))


class _Finder(MetaPathFinder):
    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not any(fullname == each or fullname.startswith(f"{each}.") for each in self.packages):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:  # type: ignore[override]
        return compile(instrumented(bytes(data).decode(), path), path, "exec", dont_inherit=True, optimize=_optimize)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(hooks())
        super().exec_module(module)


class _Outside(ast.NodeTransformer):
    """Walks to the functions."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return _function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return _function(node)


def _function(node: Any) -> Any:
    inside = _Inside()
    node.body = [inside.visit(each) for each in node.body]
    documented = ast.get_docstring(node, clean=False) is not None
    node.body.insert(1 if documented else 0, _turn())
    return node


def _turn() -> ast.Expr:
    return ast.Expr(_hook("turn"))


def _hook(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(f"count_steps_{name}", ast.Load()), list(args), [])


class _Inside(ast.NodeTransformer):
    """Rewrites what is in a function."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return _function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return _function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return _Outside().generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        node.body = ast.BoolOp(ast.Or(), [_hook("turn"), self.visit(node.body)])
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        node.body.insert(0, _turn())
        return node

    def visit_While(self, node: ast.While) -> Any:
        self.generic_visit(node)
        node.body.insert(0, _turn())
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        if not node.is_async:
            node.iter = _hook("each", node.iter)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                value.value = self.visit(value.value)
        return _hook("made", node)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute):
            if function.attr.startswith("__") or (
                isinstance(function.value, ast.Name) and function.value.id == "super"
            ):
                return node
            owner = [function.value, ast.Constant(function.attr)]
            return ast.Call(ast.Name("count_steps_method", ast.Load()), [*owner, *node.args], node.keywords)
        if isinstance(function, ast.Name) and not function.id.startswith("count_steps_"):
            if function.id in _GO_OVER_ALL:
                if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
                    node.args = [_hook("each", node.args[0])]
            elif function.id not in _LEFT_ALONE:
                return ast.Call(ast.Name("count_steps_call", ast.Load()), [function, *node.args], node.keywords)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        if isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load):
            none = ast.Constant(None)
            bounds = [node.slice.lower or none, node.slice.upper or none, node.slice.step or none]
            return _hook("slice", node.value, ast.Call(ast.Name("slice", ast.Load()), bounds, []))
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        if len(node.ops) > 1:
            return node
        one, operator, other = node.left, node.ops[0], node.comparators[0]
        if isinstance(operator, ast.In | ast.NotIn):
            found = _hook("contains", other, one)
            return found if isinstance(operator, ast.In) else ast.UnaryOp(ast.Not(), found)
        if isinstance(operator, ast.Eq):
            return _hook("equal", one, other)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        return _hook("plus", node.left, node.right) if isinstance(node.op, ast.Add) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        node.value = self.visit(node.value)
        if isinstance(node.op, ast.Add):
            node.value = _hook("made", node.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> Any:
        node.guard = self.visit(node.guard) if node.guard is not None else None
        node.body = [self.visit(each) for each in node.body]
        return node
