"""Style sheets joined into one, imports first, without comments and indentation. It must not know widgets or wheels."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import tinycss2

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

__all__ = ["join_styles"]


class _Cut(NamedTuple):
    """A stretch of a text that nobody but its readers needs, and what is to stand there."""

    start: int
    end: int
    instead: str


def join_styles(entry: pathlib.Path) -> str:
    """One style sheet with the same rules in the same order as the entry and what it imports.

    Args:
        entry: The style sheet that may begin with imports, such as `@import "./answer.css";`.

    Raises:
        ValueError: A file is missing, is not CSS, or imports in a way that cannot be joined.
    """
    return "\n".join(_texts(entry.resolve(), []))


def _texts(path: pathlib.Path, seen: list[pathlib.Path]) -> Iterator[str]:
    """The text of each style sheet once, behind those that it imports."""
    seen.append(path)
    source = path.read_text("utf-8").replace("\f", "\n")
    starts: list[int] = list(itertools.accumulate((len(line) + 1 for line in source.split("\n")), initial=0))

    def place(node: Any) -> int:
        return starts[int(node.source_line) - 1] + int(node.source_column) - 1

    *nodes, closed = tinycss2.parse_component_value_list(source + "}")  # an error, unless it closes something
    if closed.type != "error":
        raise ValueError(f"{path}: something in it is not closed")
    cuts = [_cut(node, place(node)) for node in _blanks(path, nodes)]
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
        raise ValueError(f'{where}: only files can be joined, and without conditions: @import "./name.css";')
    imported = path.parent.joinpath(words[0].value).resolve()
    if not imported.is_file():
        raise ValueError(f"{where}: there is no {imported.name}")
    return imported


def _blanks(path: pathlib.Path, nodes: list[Any]) -> Iterator[Any]:
    for node in nodes:
        if node.type == "error":
            raise ValueError(f"{path}, line {node.source_line}: this is not CSS: {node.message}")
        if node.type in {"whitespace", "comment"}:
            yield node
        for inner in (getattr(node, "content", None), getattr(node, "arguments", None)):
            yield from _blanks(path, inner or [])


def _cut(node: Any, start: int) -> _Cut:
    if node.type == "comment":
        return _Cut(start, start + len(node.value) + len("/**/"), "")
    return _Cut(start, start + len(node.value), "\n" if "\n" in node.value else " ")


def _without(source: str, cuts: list[_Cut]) -> str:
    """The source, with one blank for each stretch that is cut; a comment between two tokens goes on parting them."""
    text: list[str] = []
    end = 0
    while cuts:
        stretch = [cuts.pop(0)]
        while cuts and cuts[0].start <= max(cut.end for cut in stretch):
            stretch.append(cuts.pop(0))
        blanks = {cut.instead for cut in stretch}
        text += [source[end : stretch[0].start], next((blank for blank in ("\n", " ") if blank in blanks), "/**/")]
        end = max(cut.end for cut in stretch)
    return "".join([*text, source[end:]]).strip()
