"""Style sheets joined into one, without comments and indentation."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import tinycss2

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

__all__ = ["join_styles"]


class _Cut(NamedTuple):
    """A range of characters that only readers need, and what replaces it."""

    start: int
    end: int
    replacement: str


def join_styles(entry: pathlib.Path) -> str:
    """One style sheet with the same rules in the same order as the entry and what it imports.

    Args:
        entry: The style sheet that may begin with imports, such as `@import "./answer.css";`.

    Raises:
        ValueError: A file is missing, has a syntax error, or has an import that cannot be joined.
    """
    return "\n".join(_texts(entry.resolve(), []))


def _texts(path: pathlib.Path, seen: list[pathlib.Path]) -> Iterator[str]:
    """The text of each style sheet once, after its imports."""
    seen.append(path)
    source = path.read_text("utf-8").replace("\f", "\n")
    starts: list[int] = list(itertools.accumulate((len(line) + 1 for line in source.split("\n")), initial=0))

    def place(node: Any) -> int:
        return starts[int(node.source_line) - 1] + int(node.source_column) - 1

    *nodes, closed = tinycss2.parse_component_value_list(source + "}")  # an error, unless it closes something
    if closed.type != "error":
        raise ValueError(f"{path}: something is not closed")
    cuts = [_cut(node, place(node)) for node in _whitespace_and_comments(path, nodes)]
    for rule, after in itertools.pairwise([*tinycss2.parse_stylesheet(nodes), None]):
        if rule.type == "at-rule" and rule.lower_at_keyword == "import":
            imported = _imported(path, rule)
            if imported not in seen:
                yield from _texts(imported, seen)
            cuts.append(_Cut(place(rule), len(source) if after is None else place(after), "\n"))
    yield _without(source, sorted(cuts))


def _imported(path: pathlib.Path, rule: Any) -> pathlib.Path:
    words = [node for node in rule.prelude if node.type not in {"whitespace", "comment"}]
    where = f"{path}, line {rule.source_line}"
    if [node.type for node in words] != ["string"] or not words[0].value.startswith(("./", "../")):
        raise ValueError(f'{where}: only relative imports without conditions can be joined: @import "./name.css";')
    imported = path.parent.joinpath(words[0].value).resolve()
    if not imported.is_file():
        raise ValueError(f"{where}: there is no {imported.name}")
    return imported


def _whitespace_and_comments(path: pathlib.Path, nodes: list[Any]) -> Iterator[Any]:
    for node in nodes:
        if node.type == "error":
            raise ValueError(f"{path}, line {node.source_line}: syntax error: {node.message}")
        if node.type in {"whitespace", "comment"}:
            yield node
        for inner in (getattr(node, "content", None), getattr(node, "arguments", None)):
            yield from _whitespace_and_comments(path, inner or [])


def _cut(node: Any, start: int) -> _Cut:
    if node.type == "comment":
        return _Cut(start, start + len(node.value) + len("/**/"), "")
    return _Cut(start, start + len(node.value), "\n" if "\n" in node.value else " ")


def _without(source: str, cuts: list[_Cut]) -> str:
    """The source with each run of cuts replaced by one; a comment between two tokens keeps them apart."""
    text: list[str] = []
    end = 0
    while cuts:
        run = [cuts.pop(0)]
        while cuts and cuts[0].start <= max(cut.end for cut in run):
            run.append(cuts.pop(0))
        whitespace = {cut.replacement for cut in run}
        text += [source[end : run[0].start], next((each for each in ("\n", " ") if each in whitespace), "/**/")]
        end = max(cut.end for cut in run)
    return "".join([*text, source[end:]]).strip()
