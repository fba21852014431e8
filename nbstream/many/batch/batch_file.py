"""The file of one batch while it is written: on disk, within the limits of providers."""

from __future__ import annotations

import tempfile
from typing import IO

from nbstream.transport.batch_wire import LARGEST_FILE, MOST_REQUESTS

__all__ = ["BatchFile"]


class BatchFile:
    """Lines of requests, and which rows they are of.

    Args:
        most_requests: How many there may be.
        largest: How many bytes there may be.

    Attributes:
        rows: The numbers of the rows, by their keys.
        size: Its bytes so far.
    """

    def __init__(self, most_requests: int = MOST_REQUESTS, largest: int = LARGEST_FILE) -> None:
        self.rows: dict[bytes, int] = {}
        self.size = 0
        self._most, self._largest = most_requests, largest
        self._content: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`

    def has_room_for(self, line: bytes) -> bool:
        """Whether a line fits in as well."""
        return len(self.rows) < self._most and self.size + len(line) <= self._largest

    def add(self, key: bytes, number: int, line: bytes) -> None:
        """Take a line."""
        self._content.write(line)
        self.size += len(line)
        self.rows[key] = number

    def content(self) -> IO[bytes]:
        """What it holds, from the beginning."""
        self._content.seek(0)
        return self._content

    def close(self) -> None:
        """Delete it."""
        self._content.close()
