"""A comparison as one Markdown document: a table, then a section an answer. Pure: answers in, bundle out.

The times are on the page, although they differ between two runs with the same answers: they are what is compared. All
else is the same for the same answers. The Markdown is inert, as that of a single answer is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.display.bundle import answer_bundle, partial_markdown
from nbstream.many.comparison.summary import HEADINGS, row_of, state_of, text_table
from nbstream.markdown import escaped
from nbstream.text.place import Place
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.markdown import Images
    from nbstream.recording.diff import Change
    from nbstream.result import StreamResult

__all__ = ["Section", "document", "growing_document", "partial_document"]

_LEVEL = 3  # of the heading of a section
_SAME = "Both say the same, word for word."


class Section(NamedTuple):
    """One answer.

    Attributes:
        name: What it is called.
        result: The answer, as it may be seen.
    """

    name: str
    result: StreamResult


def document(
    sections: Sequence[Section],
    images: Images = "link",
    *,
    place: Place = Place.COMPARISON,
    blind: bool = False,
    chosen: str | None = None,
    changes: Sequence[Change] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output of a comparison that has ended, as (data, metadata).

    Args:
        sections: The answers, in their order.
        images: Whether images from other servers are links or loaded.
        place: Where it is read.
        blind: Whether the names are still hidden.
        chosen: The name of the answer that was chosen.
        changes: The word differences between the two answers, if they are shown; empty if there are none.
    """
    rows = [_row(section, blind=blind, chosen=chosen) for section in sections]
    heads = HEADINGS[:2] if blind else HEADINGS
    markdown, words = [_table(heads, rows)], [text_table([heads, *rows])]
    for section in sections:
        data, _ = answer_bundle(section.result, images, place=place, below=_LEVEL, pictures=True)
        markdown.append(f"{_heading(section.name)}\n\n{data['text/markdown'].strip()}")
        words.append(f"{_line(section.name)}\n{'-' * len(_line(section.name))}\n{data['text/plain'].strip()}")
    if changes is not None:
        markdown.append(f"{'#' * _LEVEL} Differences\n\n{_marked(changes) or _SAME}")
        words.append(f"Differences\n-----------\n{_told(changes) or _SAME}")
    facts: dict[str, Any] = {"comparison": [_facts(section, blind=blind) for section in sections]}
    facts |= {"blind": True} if blind else {} if chosen is None else {"choice": chosen}
    return (
        {"text/markdown": "\n\n".join(map(str.strip, markdown)) + "\n", "text/plain": "\n\n".join(words)},
        {"nbstream": facts},
    )


def growing_document(sections: Sequence[Section], images: Images = "link") -> dict[str, Any]:
    """What an output without a live view shows meanwhile.

    Args:
        sections: The answers so far.
        images: Whether images from other servers are links or loaded.
    """
    markdown, words = [], []
    for name, result in sections:
        data, _ = answer_bundle(result, images, below=_LEVEL)
        state = "" if result.state.terminal else f"*{state_of(result)} …*"
        markdown.append(f"{_heading(name)}\n\n{data['text/markdown'].strip() or state}")
        words.append(f"{_line(name)}\n{data['text/plain'].strip() or state_of(result)}")
    return {"text/markdown": "\n\n".join(markdown), "text/plain": "\n\n".join(words)}


def partial_document(sections: Iterable[Section], images: Images = "link") -> str:
    """What a notebook that is saved now keeps of answers that still arrive; those are marked as partial.

    Args:
        sections: The answers so far.
        images: Whether images from other servers are links or loaded.
    """
    written = []
    for name, result in sections:
        if result.state.terminal:
            body = answer_bundle(result, images, below=_LEVEL)[0]["text/markdown"]
        else:
            body = partial_markdown(result, images)
        written.append(f"{_heading(name)}\n\n{body.strip()}")
    return "\n\n".join(written) + "\n"


def _row(section: Section, *, blind: bool, chosen: str | None) -> tuple[str, ...]:
    name, *others = row_of(*section)
    name += " (chosen)" if section.name == chosen else ""
    return (name, *others[:1]) if blind else (name, *others)


def _facts(section: Section, *, blind: bool) -> dict[str, Any]:
    if blind:
        return {"name": section.name, "state": str(section.result.state)}
    return {"name": section.name, **section.result.metadata()}


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---"] * 2 + ["--:"] * (len(heads) - 2)
    # Two prices are a formula to some parsers.
    lines = [heads, ruler, *([escaped(name), *(fact.replace("$", "\\$") for fact in facts)] for name, *facts in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _heading(name: str) -> str:
    return f"{'#' * _LEVEL} {escaped(_line(name))}"


def _line(name: str) -> str:
    return " ".join(plain(name).split())


def _marked(changes: Iterable[Change]) -> str:
    """Word differences in Markdown: the two elements that mean it, which every front end shows."""
    tags = {"same": ("", ""), "removed": ("<del>", "</del>"), "added": ("<ins>", "</ins>")}
    marked = []
    for what, text in changes:
        begin, end = tags[what]
        lines = plain(encodable(text)).split("\n")
        marked.append("<br>\n".join(f"{begin}{_literal(line)}{end}" if line.strip() else "" for line in lines))
    return "".join(marked)


def _literal(line: str) -> str:
    """A line in the middle of a paragraph, whatever it begins with."""
    words = escaped(line.strip())
    before, after = line[: len(line) - len(line.lstrip())], line[len(line.rstrip()) :]
    return f"{' ' * bool(before)}{words}{' ' * bool(after)}"


def _told(changes: Iterable[Change]) -> str:
    forms = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(forms[what].format(plain(encodable(text))) for what, text in changes)
