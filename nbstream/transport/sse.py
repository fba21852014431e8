"""Incremental decoder for server-sent events: bytes in, events out, whatever the cuts.

Rules: WHATWG HTML, section 9.2.6 "Interpreting an event stream". `id` and `retry` serve reconnection, which a POSTed
answer does not have, so they are ignored.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

__all__ = ["OverflowingEventError", "SSEDecoder", "ServerSentEvent"]

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One dispatched event. `data` stays bytes: the JSON parser reads bytes, and decoding twice costs."""

    data: bytes
    event: str = ""


class OverflowingEventError(ValueError):
    """One event grew past the limit, so its end will not come; without a limit it would fill the memory.

    Attributes:
        before: The events that had come before it.
    """

    def __init__(self, before: list[ServerSentEvent]) -> None:
        super().__init__()
        self.before = before


class SSEDecoder:
    r"""Turns the bytes of one response into events.

    Args:
        max_event_bytes: The size at which a single event is given up.

    Example:
        >>> decoder = SSEDecoder()
        >>> decoder.feed(b'data: {"a"')
        []
        >>> decoder.feed(b": 1}\n\n")
        [ServerSentEvent(data=b'{"a": 1}', event='')]
    """

    def __init__(self, max_event_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_event_bytes = max_event_bytes
        # Pieces of the unfinished event. Joined only when a blank line arrives: joining a long event at each piece
        # would copy it over and over.
        self._pieces: list[bytes] = []
        self._size = 0
        self._bom_possible = True
        self._after_cr = False
        self._after_line_end = False

    @property
    def size(self) -> int:
        """How many bytes there are of the unfinished event."""
        return self._size

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events they complete.

        Raises:
            OverflowingEventError: An event passed the limit.
        """
        chunk = self._normalise(chunk)
        self._pieces.append(chunk)
        self._size += len(chunk)
        after_line_end, self._after_line_end = self._after_line_end, chunk.endswith(b"\n")
        if b"\n\n" not in chunk and not (after_line_end and chunk.startswith(b"\n")):
            self._after_line_end = self._after_line_end or (after_line_end and not chunk)
            if self._size > self._max_event_bytes:
                raise OverflowingEventError([])
            return []
        all_fit = self._size <= self._max_event_bytes
        # Splitting at blank lines leaves the unfinished event as the last part. A blank line cut in two by the
        # network is whole again here, because the pieces have been joined.
        *blocks, rest = self._take().split(b"\n\n")
        self._pieces = [rest]
        self._size = len(rest)
        self._after_line_end = rest.endswith(b"\n")
        if all_fit or max(map(len, (*blocks, rest))) <= self._max_event_bytes:
            return [event for block in blocks if (event := _parse(block)) is not None]
        whole = itertools.takewhile(lambda block: len(block) <= self._max_event_bytes, blocks)
        raise OverflowingEventError([event for block in whole if (event := _parse(block)) is not None])

    def flush(self) -> ServerSentEvent | None:
        """Return the event that the end of the bytes cut short, if it has data.

        The standard discards it; some servers forget the last blank line, so the caller may see whether it is whole.
        """
        return _parse(self._take())

    def _take(self) -> bytes:
        joined = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._size = 0
        return joined

    def _normalise(self, chunk: bytes) -> bytes:
        r"""Strip the one byte order mark and turn CR and CRLF into LF, also where CR and LF come apart."""
        if self._bom_possible:
            chunk = b"".join([*self._pieces, chunk])
            self._pieces = []
            self._size = 0
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                return chunk  # still undecided
            self._bom_possible = False
            chunk = chunk.removeprefix(_BOM)
        if self._after_cr and chunk:
            # The CR has already been taken for a line end; its LF belongs to it.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk


def _parse(block: bytes) -> ServerSentEvent | None:
    """Read the lines of one event; `None` if it has no data: the standard dispatches nothing then."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return ServerSentEvent(block[6:])  # what nearly every event of one API looks like
    if block.startswith(b"event: ") and block.count(b"\n") == 1:
        name, separator, value = block.partition(b"\ndata: ")
        if separator:
            return ServerSentEvent(value, name[7:].decode("utf-8", "replace"))  # and of the other
    data: list[bytes] = []
    event = ""
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"error":
            # Not in the standard: what some servers send instead of `event: error` and `data`.
            event = "error"
            data.append(value)
    if not data and block.lstrip()[:1] in {b"{", b"["}:
        data.append(block)  # JSON without a field's name, as some servers break off with
    return ServerSentEvent(b"\n".join(data), event) if data else None
