"""Link reference definitions: what stands in front of a paragraph and is no part of it.

Knows the grammar of a definition; the block phase decides when a paragraph is asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.markdown.links import label_at, normalise, title_at, url_at

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["may_define", "take_definitions"]

_GAP = re.compile(r"[ \t]*(?:\n[ \t]*)?")
_LINE_END = re.compile(r"[ \t]*(?:\n|\Z)")


def take_definitions(text: str, references: MutableMapping[str, str]) -> str:
    """Move the definitions at the start of a paragraph into `references` and return what is left of it.

    The first definition of a label wins. A footnote (`[^1]: …`) is not a definition.

    Example:
        >>> found = {}
        >>> take_definitions("[a]: /url\\nrest", found), found
        ('rest', {'a': '/url'})
    """
    start = 0
    while text.startswith("[", start):
        read = _definition(text, start)
        if read is None:
            break
        label, url, start = read
        references.setdefault(normalise(label), url)
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
    """Whether a paragraph that starts with `text` may still turn out to be a definition."""
    if not text.startswith("[") or text.startswith("[^"):
        return False
    label = label_at(text, 0)
    if label is None:
        return "]" not in text.replace("\\]", "") and len(text) < 1000
    after = text[label.end() : label.end() + 1]
    return after in {"", ":"}
