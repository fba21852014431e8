"""ES modules joined into one.

Each module except the entry becomes a function that is called once, in the order in which a browser would evaluate the
modules, and returns its exports. Names of different modules therefore never clash and nothing is renamed. Whatever
would then behave differently from an ES module is refused: import cycles, default exports other than the entry's,
exported variables, top-level await.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

import tree_sitter_javascript
from tree_sitter import Language, Parser, Query, QueryCursor

if TYPE_CHECKING:
    import pathlib

    from tree_sitter import Node

__all__ = ["has_default_export", "join_modules"]

_LANGUAGE = Language(tree_sitter_javascript.language())
_PARSER = Parser(_LANGUAGE)
_QUERY = Query(
    _LANGUAGE,
    """
    (comment) @comment
    [(string) (regex) (string_fragment)] @literal
    "await" @await
    (call_expression function: (import)) @call
    """,
)
_DECLARATIONS = {"class_declaration", "function_declaration", "generator_function_declaration"}
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function", "method_definition"} | _DECLARATIONS
_LINE_END = re.compile(r"\s*[\n\u2028\u2029]\s*")
_PUNCTUATION = re.compile(r" *([{}(),;:=]) *")  # these never merge with a neighbour


class _Piece(NamedTuple):
    """A range of bytes in a source, and what replaces it in the joined module."""

    start: int
    end: int
    replacement: str
    literal: bool = False


class _Import(NamedTuple):
    """`names` are pairs: the exported name and the local one."""

    path: pathlib.Path
    names: list[tuple[str, str]]
    node: Node


class _Module(NamedTuple):
    """A parsed file; `exports` maps exported names to local ones."""

    path: pathlib.Path
    code: str
    imports: list[_Import]
    exports: dict[str, str]


def join_modules(entry: pathlib.Path) -> str:
    """One ES module that does what the entry and its imports do, without comments and most whitespace.

    Args:
        entry: The file whose exports the joined module has.

    Raises:
        ValueError: A file is missing, has a syntax error, or uses something that cannot be joined.
    """
    modules = _in_order(entry.resolve())
    free = (name for number in itertools.count() if not any((name := f"${number}") in each.code for each in modules))
    names = {module.path: next(free) for module in modules}
    return "\n".join(_as_function(module, names) for module in modules[:-1]) + "\n" + _body(modules[-1], names)


def has_default_export(path: pathlib.Path) -> bool:
    """Whether the file is a widget's entry: anywidget takes the default export."""
    root = _PARSER.parse(path.read_bytes()).root_node
    return any(_has(node, "default") for node in root.children if node.type == "export_statement")


def _as_function(module: _Module, names: dict[pathlib.Path, str]) -> str:
    exports = ",".join(name if name == local else f"{name}:{local}" for name, local in module.exports.items())
    return f"const {names[module.path]}=(()=>{{\n{_body(module, names)}\nreturn {{{exports}}};\n}})();"


def _body(module: _Module, names: dict[pathlib.Path, str]) -> str:
    """The code after its imports, which are hoisted wherever they stand."""
    lines = []
    for path, imported, _ in module.imports:
        wanted = ",".join(name if name == local else f"{name}:{local}" for name, local in imported)
        lines += [f"const {{{wanted}}}={names[path]};"] if wanted else []
    return "\n".join([*lines, module.code])


# --- which modules ----------------------------------------------------------------------------------------------------


def _in_order(entry: pathlib.Path) -> list[_Module]:
    """The entry and everything it imports, each module after its own imports."""
    done: dict[pathlib.Path, _Module] = {}

    def visit(path: pathlib.Path, importers: tuple[pathlib.Path, ...]) -> _Module:
        if path in importers:
            cycle = " → ".join(each.name for each in (*importers[importers.index(path) :], path))
            raise ValueError(f"{path}: import cycle: {cycle}")
        if path not in done:
            module = _parsed(path, is_entry=not importers)
            for wanted in module.imports:
                if not wanted.path.is_file():
                    raise _error(path, wanted.node, f"there is no {wanted.path.name}")
                exports = visit(wanted.path, (*importers, path)).exports
                for name, _ in wanted.names:
                    if name not in exports:
                        raise _error(path, wanted.node, f"{wanted.path.name} exports no {name}")
            done[path] = module
        return done[path]

    visit(entry, ())
    return list(done.values())


def _parsed(path: pathlib.Path, *, is_entry: bool) -> _Module:
    source = path.read_text("utf-8").encode()
    root = _PARSER.parse(source).root_node
    if root.has_error:
        raise _error(path, _first_error(root), "syntax error")
    found = QueryCursor(_QUERY).captures(root)
    _refuse_unjoinable(path, found)
    pieces = [_Piece(node.start_byte, node.end_byte, _as_whitespace(node)) for node in found.get("comment", [])]
    pieces += [_Piece(node.start_byte, node.end_byte, _text(node), literal=True) for node in found.get("literal", [])]
    imports: list[_Import] = []
    exports: dict[str, str] = {}
    for node in root.children:
        if node.type == "import_statement":
            imports.append(_import(path, node))
            pieces.append(_Piece(node.start_byte, node.end_byte, "\n"))
        elif node.type == "export_statement" and not is_entry:
            exports |= _exports(path, node)
            kept = node.child_by_field_name("declaration")
            pieces.append(_Piece(node.start_byte, node.end_byte if kept is None else kept.start_byte, "\n"))
    return _Module(path, _code(source, pieces), imports, exports)


def _import(path: pathlib.Path, node: Node) -> _Import:
    source = node.child_by_field_name("source")
    address = "" if source is None else _text(source)[1:-1]
    if not address.startswith(("./", "../")):
        raise _error(path, node, f"only relative imports can be joined, not {address!r}")
    names = []
    for clause in (child for child in node.named_children if child.type != "string"):
        for part in clause.named_children:
            if part.type != "named_imports":
                raise _error(path, node, "only named imports can be joined: import { name }")
            names += [_pair(path, each) for each in part.named_children if each.type == "import_specifier"]
    return _Import((path.parent / address).resolve(), names, node)


def _exports(path: pathlib.Path, node: Node) -> dict[str, str]:
    declaration = node.child_by_field_name("declaration")
    if _has(node, "default"):
        raise _error(path, node, "only the entry may have a default export; use a named one")
    if declaration is None:
        clause = next((child for child in node.named_children if child.type == "export_clause"), None)
        if clause is None or node.child_by_field_name("source") is not None:
            raise _error(path, node, "re-exports cannot be joined; import from the module that declares the name")
        pairs = [_pair(path, each) for each in clause.named_children if each.type == "export_specifier"]
        return {exported: local for local, exported in pairs}
    if declaration.type in _DECLARATIONS:
        names = [declaration.child_by_field_name("name")]
    elif _has(declaration, "const"):
        names = [each.child_by_field_name("name") for each in declaration.named_children if each.type != "comment"]
    else:
        raise _error(path, node, "an exported variable would not change for its importers; export a constant")
    if any(name is None or name.type != "identifier" for name in names):
        raise _error(path, node, "destructured exports cannot be joined; declare each constant by its name")
    return {_text(name): _text(name) for name in names if name is not None}


def _pair(path: pathlib.Path, specifier: Node) -> tuple[str, str]:
    """The names before and after `as`."""
    name, alias = specifier.child_by_field_name("name"), specifier.child_by_field_name("alias")
    used = [_text(each) for each in (name, alias) if each is not None and each.type == "identifier"]
    if len(used) != 1 + _has(specifier, "as") or "default" in used:
        raise _error(path, specifier, "only identifiers can be imported and exported, and not as default")
    return used[0], used[-1]


def _refuse_unjoinable(path: pathlib.Path, found: dict[str, list[Node]]) -> None:
    for node in found.get("await", []):
        around = node.parent
        while around is not None and around.type not in _FUNCTIONS:
            around = around.parent
        if around is None:
            raise _error(path, node, "a module with top-level await cannot be joined")
    for node in found.get("call", []):
        raise _error(path, node, "import() cannot be joined, because its path would be relative to the joined module")


# --- text -------------------------------------------------------------------------------------------------------------


def _as_whitespace(comment: Node) -> str:
    """What a comment means to the parser: a space, or a line end, which may end a statement."""
    return "\n" if _LINE_END.search(_text(comment)) else " "


def _code(source: bytes, pieces: list[_Piece]) -> str:
    """The source with its pieces replaced."""
    text, run, end = [], [], 0
    for piece in sorted(pieces):
        if piece.start < end:
            continue  # within another
        run.append(source[end : piece.start].decode())
        end = piece.end
        if piece.literal:
            text += [_tightened("".join(run)), piece.replacement]
            run = []
        else:
            run.append(piece.replacement)
    text.append(_tightened("".join([*run, source[end:].decode()])))
    return "".join(text).strip()


def _tightened(code: str) -> str:
    """Code that contains no literals, without the whitespace that only readers need; line ends stay line ends."""
    return _PUNCTUATION.sub(r"\1", _LINE_END.sub("\n", code))


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _has(node: Node, token: str) -> bool:
    return any(child.type == token for child in node.children)


def _first_error(node: Node) -> Node:
    return next((_first_error(child) for child in node.children if child.has_error or child.is_missing), node)


def _error(path: pathlib.Path, node: Node, words: str) -> ValueError:
    return ValueError(f"{path}, line {node.start_point.row + 1}: {words}")
