"""ES modules joined into one. It must not know widgets, wheels or style sheets.

Each module but the entry becomes a function that is called once, in the order in which a browser would run them, and
returns what the module exports. So names of different modules never meet, and nothing has to be renamed. What this
cannot say as an ES module would is refused: circles, default exports other than the entry's, variables that are
exported and may change.
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
_WORTH_A_LOOK = Query(
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
_PUNCTUATION = re.compile(r" *([{}(),;:=]) *")  # signs that stay what they are beside any other token


class _Piece(NamedTuple):
    """A stretch of a source, and what the joined module has in its place."""

    start: int
    end: int
    instead: str
    literal: bool = False


class _Import(NamedTuple):
    """`names` are pairs: what the other module calls it, what this one does."""

    path: pathlib.Path
    names: list[tuple[str, str]]
    node: Node


class _Module(NamedTuple):
    """A parsed file; `exports` has the local name of each exported one."""

    path: pathlib.Path
    code: str
    imports: list[_Import]
    exports: dict[str, str]


def join_modules(entry: pathlib.Path) -> str:
    """One ES module that does what the entry and its imports do, without comments and most blanks.

    Args:
        entry: The file whose exports the joined module has.

    Raises:
        ValueError: A file is missing, is not JavaScript, or has something that cannot be joined.
    """
    modules = _in_order(entry.resolve())
    free = (name for number in itertools.count() if not any((name := f"${number}") in each.code for each in modules))
    names = {module.path: next(free) for module in modules}
    return "\n".join(_as_function(module, names) for module in modules[:-1]) + "\n" + _body(modules[-1], names)


def has_default_export(path: pathlib.Path) -> bool:
    """Whether the file is an entry: anywidget finds a widget in the default export."""
    root = _PARSER.parse(path.read_bytes()).root_node
    return any(_has(node, "default") for node in root.children if node.type == "export_statement")


def _as_function(module: _Module, names: dict[pathlib.Path, str]) -> str:
    exports = ",".join(name if name == local else f"{name}:{local}" for name, local in module.exports.items())
    return f"const {names[module.path]}=(()=>{{\n{_body(module, names)}\nreturn {{{exports}}};\n}})();"


def _body(module: _Module, names: dict[pathlib.Path, str]) -> str:
    """The code, behind its imports: they count for the whole module, wherever they stand."""
    lines = []
    for path, imported, _ in module.imports:
        wanted = ",".join(name if name == local else f"{name}:{local}" for name, local in imported)
        lines += [f"const {{{wanted}}}={names[path]};"] if wanted else []
    return "\n".join([*lines, module.code])


# --- which modules ----------------------------------------------------------------------------------------------------


def _in_order(entry: pathlib.Path) -> list[_Module]:
    """The entry and all that it needs, each behind what it imports."""
    done: dict[pathlib.Path, _Module] = {}

    def visit(path: pathlib.Path, way: tuple[pathlib.Path, ...]) -> _Module:
        if path in way:
            circle = " → ".join(each.name for each in (*way[way.index(path) :], path))
            raise ValueError(f"{path}: modules import each other in a circle: {circle}")
        if path not in done:
            module = _parsed(path, is_entry=not way)
            for wanted in module.imports:
                if not wanted.path.is_file():
                    raise _refusal(path, wanted.node, f"there is no {wanted.path.name}")
                exports = visit(wanted.path, (*way, path)).exports
                for name, _ in wanted.names:
                    if name not in exports:
                        raise _refusal(path, wanted.node, f"{wanted.path.name} exports no {name}")
            done[path] = module
        return done[path]

    visit(entry, ())
    return list(done.values())


def _parsed(path: pathlib.Path, *, is_entry: bool) -> _Module:
    source = path.read_text("utf-8").encode()
    root = _PARSER.parse(source).root_node
    if root.has_error:
        raise _refusal(path, _first_error(root), "this is not JavaScript")
    found = QueryCursor(_WORTH_A_LOOK).captures(root)
    _refuse_what_depends_on_the_place(path, found)
    pieces = [_Piece(node.start_byte, node.end_byte, _blank(node)) for node in found.get("comment", [])]
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
        raise _refusal(path, node, f"only files can be joined, by a path that begins with ./ or ../, not {address!r}")
    names = []
    for clause in (child for child in node.named_children if child.type != "string"):
        for part in clause.named_children:
            if part.type != "named_imports":
                raise _refusal(path, node, "a module can be joined only if what is imported has a name: { name }")
            names += [_pair(path, each) for each in part.named_children if each.type == "import_specifier"]
    return _Import((path.parent / address).resolve(), names, node)


def _exports(path: pathlib.Path, node: Node) -> dict[str, str]:
    declaration = node.child_by_field_name("declaration")
    if _has(node, "default"):
        raise _refusal(path, node, "only a widget's own module has a default export; what this exports needs a name")
    if declaration is None:
        clause = next((child for child in node.named_children if child.type == "export_clause"), None)
        if clause is None or node.child_by_field_name("source") is not None:
            raise _refusal(path, node, "exports of another module are imported from that module")
        pairs = [_pair(path, each) for each in clause.named_children if each.type == "export_specifier"]
        return {exported: local for local, exported in pairs}
    if declaration.type in _DECLARATIONS:
        names = [declaration.child_by_field_name("name")]
    elif _has(declaration, "const"):
        names = [each.child_by_field_name("name") for each in declaration.named_children if each.type != "comment"]
    else:
        raise _refusal(path, node, "a variable that is exported may change only inside its module; export a constant")
    if any(name is None or name.type != "identifier" for name in names):
        raise _refusal(path, node, "each constant that is exported is declared by its name")
    return {_text(name): _text(name) for name in names if name is not None}


def _pair(path: pathlib.Path, specifier: Node) -> tuple[str, str]:
    """The name before `as`, and the one behind it."""
    name, alias = specifier.child_by_field_name("name"), specifier.child_by_field_name("alias")
    used = [_text(each) for each in (name, alias) if each is not None and each.type == "identifier"]
    if len(used) != 1 + _has(specifier, "as") or "default" in used:
        raise _refusal(path, specifier, "only names can be imported and exported, and default is none")
    return used[0], used[-1]


def _refuse_what_depends_on_the_place(path: pathlib.Path, found: dict[str, list[Node]]) -> None:
    for node in found.get("await", []):
        around = node.parent
        while around is not None and around.type not in _FUNCTIONS:
            around = around.parent
        if around is None:
            raise _refusal(path, node, "a module that waits while it is loaded cannot be joined")
    for node in found.get("call", []):
        raise _refusal(path, node, "what is imported by a call would be looked for beside the joined module")


# --- text -------------------------------------------------------------------------------------------------------------


def _blank(comment: Node) -> str:
    """What a comment is to the parser: a space, or the end of a line, which may end a statement."""
    return "\n" if _LINE_END.search(_text(comment)) else " "


def _code(source: bytes, pieces: list[_Piece]) -> str:
    """The source with these pieces in it."""
    text, run, end = [], [], 0
    for piece in sorted(pieces):
        if piece.start < end:
            continue  # within another
        run.append(source[end : piece.start].decode())
        end = piece.end
        if piece.literal:
            text += [_tightened("".join(run)), piece.instead]
            run = []
        else:
            run.append(piece.instead)
    text.append(_tightened("".join([*run, source[end:].decode()])))
    return "".join(text).strip()


def _tightened(code: str) -> str:
    """Code in which nothing is literal, without the blanks that only its readers need; lines end where they ended."""
    return _PUNCTUATION.sub(r"\1", _LINE_END.sub("\n", code))


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _has(node: Node, token: str) -> bool:
    return any(child.type == token for child in node.children)


def _first_error(node: Node) -> Node:
    return next((_first_error(child) for child in node.children if child.has_error or child.is_missing), node)


def _refusal(path: pathlib.Path, node: Node, words: str) -> ValueError:
    return ValueError(f"{path}, line {node.start_point.row + 1}: {words}")
