"""Half-open inline marks completed for display, so that a growing line does not flicker.

Only ever applied to a leaf that is still growing; the final rendering never sees it.
"""

from __future__ import annotations

import re

from nbstream.markdown.emphasis import unclosed
from nbstream.markdown.literals import SPECIAL, Literals

__all__ = ["heal"]

_SPECIAL = re.compile(SPECIAL)
_OPEN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\Z")
_TRAILING_MARK = re.compile(r"(?:\*+|~~?)\Z")
# A lone asterisk further back is one: emphasis is short.
_LONGEST_EMPHASIS = 200


def heal(text: str) -> str:
    """Return `text` with unclosed code spans and emphasis closed and an unfinished link shown as its text.

    A mark at the very end is not shown until it is known what it marks.

    Example:
        >>> heal("a **bold wo")
        'a **bold wo**'
        >>> heal("see [docs](https://exa")
        'see docs'
    """
    literals = Literals(text)
    outside, position, start = [], 0, 0
    while found := _SPECIAL.search(text, start):
        start = found.end()
        span = literals.at(found.start())
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
    bare = _TRAILING_MARK.sub("", tail)
    closers = _closers("\0".join([*outside[:-1], bare]))
    return text if bare == tail and not closers else (text.removesuffix(tail) + bare).rstrip() + closers


def _closers(words: str) -> str:
    """Return what closes the emphasis and strikethrough that is open at the end of `words`."""
    if "*" not in words and "~~" not in words:
        return ""
    opened = [(at, mark) for at, mark in unclosed(words) if mark.startswith("*") or mark == "~~"]
    while opened and opened[0][1] == "*" and len(words) - opened[0][0] > _LONGEST_EMPHASIS:
        del opened[0]
    return "".join(mark for _, mark in reversed(opened))
