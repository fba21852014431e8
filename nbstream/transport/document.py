"""Recognises a body that is one document, or lines of them, instead of an event stream.

Pure: bytes in, words out. What a document means is not its concern.
"""

from __future__ import annotations

import jiter

__all__ = ["BOM", "HTML_PAGE", "NDJSON", "TOO_LARGE", "Document", "is_lines_of_json"]

BOM = b"\xef\xbb\xbf"

HTML_PAGE = "answered with an HTML page instead of a stream"
TOO_LARGE = "sent a JSON document without an end"
NDJSON = "answered with lines of JSON (NDJSON) instead of an event stream"


class Document:
    """The beginning of a body that may not be an event stream; lines of those never begin with `<`, `{` or `[`.

    Args:
        max_bytes: The size at which a document is given up.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self.size = 0
        """How many bytes there are of it."""
        self._head = b""
        self._is_one = False
        self._first_line_is_whole: bool | None = None  # None until there is one

    @property
    def body(self) -> bytes:
        """The document so far; empty while there is none."""
        return b"".join(self._pieces) if self._is_one else b""

    def sift(self, chunk: bytes) -> tuple[bytes, str]:
        """Take the next bytes.

        Returns:
            The bytes of an event stream so far, without white space before it, if it is clear that it is one; and what
            is wrong, if that is clear.
        """
        if not self._is_one:
            head = self._head + chunk
            start = head.removeprefix(BOM).lstrip()
            if not start or (len(head) < len(BOM) and BOM.startswith(head)):
                self._head = head[: len(BOM)] if BOM.startswith(head[: len(BOM)]) else b""  # white space says nothing
                return b"", ""
            if start[:1] not in {b"<", b"{", b"["}:
                return start, ""
            if start.startswith(b"<"):
                return b"", HTML_PAGE
            self._is_one = True
            chunk = start
        self._pieces.append(chunk)
        self.size += len(chunk)
        if self.size > self._max_bytes:
            return b"", TOO_LARGE
        if self._first_line_is_whole is None and b"\n" in chunk:
            first, _, chunk = self.body.partition(b"\n")
            self._first_line_is_whole = is_lines_of_json(first)
        return b"", NDJSON if self._first_line_is_whole and chunk.strip() else ""


def is_lines_of_json(body: bytes) -> bool:
    """Whether the first line is a document of its own."""
    try:
        jiter.from_json(body.partition(b"\n")[0])
    except ValueError:
        return False
    return True
