"""Text as it arrives made fit for parsing: line ends, control characters, lone surrogates.

Knows nothing of Markdown. Every character is judged alone, so that a text may be cleaned piece by piece.
"""

from __future__ import annotations

import re

__all__ = ["JOINER", "clean", "lines_of"]

JOINER = "\u2060"
"""The word joiner: shown as nothing, neither white space nor punctuation, and part of no syntax."""

_KEPT = "\t\n"
# C0 controls are shown as control pictures (an ESC that reached a terminal would act); C1 controls have no picture.
_CONTROLS: dict[int, str | None] = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT}
_CONTROLS |= {0x7F: "\u2421"} | dict.fromkeys(range(0x80, 0xA0))
_SUSPECT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Return `text` with LF line ends and without control characters or lone surrogates.

    Args:
        text: Any text. Two halves of a surrogate pair next to each other become their character.

    Returns:
        The text with CR LF and CR as LF, C0 controls other than tab as control pictures, C1 controls dropped and
        lone surrogates as U+FFFD.

    Example:
        >>> clean("a\r\nb\x1b[31m")
        'a\nb␛[31m'
    """
    if not _SUSPECT.search(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def lines_of(text: str) -> list[str]:
    """Return the lines of a clean text; what follows the last line end is a line only if there is something."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines
