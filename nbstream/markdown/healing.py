"""Half-open inline marks completed for display, so that a growing line does not flicker.

Only ever applied to a leaf that is still growing; the final rendering never sees it.
"""

from __future__ import annotations

import re

from nbstream.markdown.spans import SPECIAL, span_at

__all__ = ["heal"]

_SPECIAL = re.compile(SPECIAL)
_OPEN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\Z")
_STRONG = re.compile(r"\*\*(?=[^\s*])|(?<=[^\s*])\*\*")
_TRAILING_MARKS = re.compile(r"[*_~`]+\Z")


def heal(text: str) -> str:
    """Return `text` with an unclosed code span or strong emphasis closed and an unfinished link shown as its text.

    Example:
        >>> heal("a **bold wo")
        'a **bold wo**'
        >>> heal("see [docs](https://exa")
        'see docs'
    """
    outside, position, start = [], 0, 0
    while found := _SPECIAL.search(text, start):
        start = found.end()
        span = span_at(text, found.start())
        if span is None:
            continue
        if span.kind == "text" and found[0][0] == "`":
            # A run without a partner: everything behind it will be code, unless it is only just being typed.
            content = text[span.end :]
            return text[: found.start()] if not content.strip() else text.rstrip("`") + found[0]
        outside.append(text[position : found.start()])
        position = start = span.end
    tail = text[position:]
    if link := _OPEN_LINK.search(tail):
        return text[:position] + tail[: link.start()] + link[1]
    outside.append(tail)
    if len(_STRONG.findall("\0".join(outside))) % 2:
        return _TRAILING_MARKS.sub("", text).rstrip() + "**"
    return text
