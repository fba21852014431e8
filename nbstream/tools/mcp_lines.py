"""Bounds the lines of a server that is a process: the SDK reads lines of any length, each piece with all before it.

The SDK decodes what it reads with an encoding of the caller's choice, so this is one: UTF-8 that gives whole lines, and
none that is too long.
"""

from __future__ import annotations

import codecs
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONGEST_MESSAGE", "lines_encoding"]

LONGEST_MESSAGE = 32_000_000
"""How much a server may send at once: an image of 20 MB in base64 fits."""

_NAME = "nbstream_mcp_lines"
_tell: ContextVar[Callable[[], object]] = ContextVar("nbstream_mcp_lines_tell")


def lines_encoding(too_long: Callable[[], object]) -> str:
    """The name of the encoding.

    Args:
        too_long: Called for a line that is too long, if that is read by a task that is begun from here.
    """
    _tell.set(too_long)
    try:
        codecs.lookup(_NAME)
    except LookupError:
        codecs.register(_found)
    return _NAME


def _found(name: str) -> codecs.CodecInfo | None:
    if name != _NAME:
        return None
    utf8 = codecs.lookup("utf-8")
    return codecs.CodecInfo(utf8.encode, utf8.decode, incrementaldecoder=_Lines, name=_NAME)


class _Lines(codecs.IncrementalDecoder):
    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors)
        self._begun: list[str] = []  # of the last line
        self._length = 0
        self._too_long = _tell.get()

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: FBT001, FBT002  theirs
        """The lines that are whole now."""
        lines, line_end, rest = self._decoder.decode(data, final).rpartition("\n")
        self._take(lines if line_end else rest)
        if not line_end:
            return ""
        whole, self._begun, self._length = "".join(self._begun), [], 0
        self._take(rest)
        return whole + line_end

    def _take(self, text: str) -> None:
        self._length += len(text)
        if self._length <= LONGEST_MESSAGE:
            self._begun.append(text)
        else:
            self._begun.clear()
            self._too_long()
