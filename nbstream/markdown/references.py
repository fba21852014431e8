"""Link reference definitions: what stands in front of a paragraph without belonging to it.

Knows the grammar of a definition; the block phase decides when a paragraph is asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.markdown.links import label_at, normalise, title_at, unescape, url_at

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["LONGEST_OPEN", "may_define", "take_definitions"]

LONGEST_OPEN = 1_000
"""A definition that is not complete by then is shown as it comes: it would be read again at each update."""

_GAP = re.compile(r"[ \t]*(?:\n[ \t]*)?")
_MAX_LABEL = 1000
_OPEN_TITLE = re.compile(
    r"""\"(?:[^"\\]|\\.)*\\?"?[ \t]*\Z|'(?:[^'\\]|\\.)*\\?'?[ \t]*\Z|\((?:[^()\\]|\\.)*\\?\)?[ \t]*\Z""", re.DOTALL
)
_OPEN_DEFINITION = re.compile(rf":\s*(?:<[^<>\n]*\Z|\S*\s*(?:\Z|{_OPEN_TITLE.pattern}))", re.DOTALL)
_LINE_END = re.compile(r"[ \t]*(?:\n|\Z)")


def take_definitions(text: str, references: MutableMapping[str, str]) -> str:
    r"""Move the definitions at the start of a paragraph into `references` and return what is left of it.

    The first definition of a label wins. A footnote (`[^1]: …`) is not a definition.

    Example:
        >>> found = {}
        >>> take_definitions("[a]: /url\nrest", found), found
        ('rest', {'a': '/url'})
    """
    start = 0
    while text.startswith("[", start):
        read = _definition(text, start)
        if read is None:
            break
        label, url, start = read
        references.setdefault(normalise(unescape(label)), url)
    return text[start:]


def _definition(text: str, start: int) -> tuple[str, str, int] | None:
    label = label_at(text, start)
    if label is None or label[1].startswith("^") or not text.startswith(":", label.end()):
        return None
    read = url_at(text, _gap(text, label.end() + 1))
    if read is None:
        return None
    url, after = read
    gap = _gap(text, after)
    title = title_at(text, gap) if gap > after else None
    if title is not None and (end := _LINE_END.match(text, title[1])):
        return label[1], url, end.end()
    end = _LINE_END.match(text, after)
    return (label[1], url, end.end()) if end else None


def _gap(text: str, start: int) -> int:
    found = _GAP.match(text, start)
    return found.end() if found else start


def may_define(text: str) -> bool:
    """Whether a paragraph that starts with `text` may still turn out to hold nothing but definitions."""
    if len(text) > LONGEST_OPEN:
        return False
    rest = take_definitions(text, {})
    if not rest or (rest != text and _OPEN_TITLE.match(rest)):
        return True
    if not rest.startswith("[") or rest.startswith("[^"):
        return False
    label = label_at(rest, 0)
    if label is None:
        return "]" not in rest.replace("\\]", "") and len(rest) < _MAX_LABEL
    return label.end() == len(rest) or _OPEN_DEFINITION.match(rest, label.end()) is not None
