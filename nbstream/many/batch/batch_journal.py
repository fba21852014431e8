"""What a checkpoint knows of batches: which rows are in which, written before anything is paid.

A batch is noted under a marker before it is asked for, and the marker goes with it as metadata. If the process ends
in between, the batch is found again by it. A row leaves its batch in the transaction that writes its answer, so a row
is in at most one batch, and none is lost with a batch whose answers had been read but not written.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.many.checkpoint.checkpoint import Checkpoint

__all__ = ["BatchJournal", "NotedBatch"]

_COLUMNS = (
    *("marker TEXT PRIMARY KEY NOT NULL", "host TEXT NOT NULL", "api TEXT NOT NULL", "owner TEXT NOT NULL"),
    *("begun_at REAL NOT NULL", "file_id TEXT", "batch_id TEXT", "asked_at REAL"),
)
_BATCH = ", ".join(each.partition(" ")[0] for each in _COLUMNS)
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS batches ({', '.join(_COLUMNS)}) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS batch_rows (key BLOB PRIMARY KEY NOT NULL, marker TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS rows_of_batch ON batch_rows (marker)",
)
# Another process that may still be alive takes no longer than so many seconds, to send a file and to ask for a batch.
_LONGEST_SENDING, _LONGEST_ASKING = 3600.0, 300.0


@dataclass(frozen=True, slots=True)
class NotedBatch:
    """A batch, as the file has it.

    Attributes:
        marker: What it is found again by.
        host: Who answers it.
        api: By which API.
        owner: Which process asks for it.
        begun_at: When it was noted, in seconds since 1970.
        file_id: Its input file, once it is sent.
        batch_id: Its id, once that is known.
        asked_at: When it was asked for, in seconds since 1970; `None` if it was not.
    """

    marker: str
    host: str
    api: str
    owner: str
    begun_at: float
    file_id: str | None = None
    batch_id: str | None = None
    asked_at: float | None = None

    @property
    def age(self) -> float:
        """Seconds since it was asked for, or else noted."""
        return time.time() - (self.asked_at or self.begun_at)


class BatchJournal:
    """The batches of a checkpoint. Any thread may use it.

    Args:
        checkpoint: The file.

    Raises:
        sqlite3.Error: It cannot be written.
    """

    _asked_for_here: ClassVar[set[str]] = set()
    """The markers of the batches that this process asks for now."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        with checkpoint.transaction() as connection:
            for each in _TABLES:
                connection.execute(each)

    def begin(self, host: str, api: str, keys: Sequence[bytes]) -> NotedBatch:
        """Note a batch of these rows, of which nothing is sent yet."""
        noted = NotedBatch(uuid.uuid4().hex, host, api, _this_process(), time.time())
        self._asked_for_here.add(noted.marker)
        with self._checkpoint.transaction() as connection:
            insert = "INSERT INTO batches (marker, host, api, owner, begun_at) VALUES (?, ?, ?, ?, ?)"
            connection.execute(insert, (noted.marker, host, api, noted.owner, noted.begun_at))
            rows = [(key, noted.marker) for key in keys]
            connection.executemany("INSERT OR REPLACE INTO batch_rows (key, marker) VALUES (?, ?)", rows)
        return noted

    def sent(self, marker: str, file_id: str) -> None:
        """Its file has been sent."""
        self._note("UPDATE batches SET file_id = ? WHERE marker = ?", file_id, marker)

    def asking(self, marker: str) -> None:
        """It is asked for now: from here on it may exist."""
        self._note("UPDATE batches SET asked_at = ? WHERE marker = ?", time.time(), marker)

    def made(self, marker: str, batch_id: str) -> None:
        """It exists."""
        self._note("UPDATE batches SET batch_id = ? WHERE marker = ?", batch_id, marker)
        self._asked_for_here.discard(marker)

    def claim(self, noted: NotedBatch) -> bool:
        """Take the place of a process that was asking for a batch and has gone; whether nobody else has."""
        owner = _this_process()
        with self._checkpoint.transaction() as connection:
            claimed = connection.execute(
                "UPDATE batches SET owner = ? WHERE marker = ? AND owner = ?", (owner, noted.marker, noted.owner)
            )
        if claimed.rowcount != 1:
            return False
        self._asked_for_here.add(noted.marker)
        return True

    def leave(self, marker: str) -> None:
        """This process asks for it no longer."""
        self._asked_for_here.discard(marker)

    def forget(self, marker: str) -> None:
        """It does not exist, or nothing of it is missing: none of its rows is in flight."""
        with self._checkpoint.transaction() as connection:
            connection.execute("DELETE FROM batch_rows WHERE marker = ?", (marker,))
            connection.execute("DELETE FROM batches WHERE marker = ?", (marker,))
        self._asked_for_here.discard(marker)

    def is_abandoned(self, noted: NotedBatch) -> bool:
        """Whether the process that was asking for a batch has gone in the middle of that."""
        if noted.batch_id is not None:
            return False
        host, _, pid = noted.owner.rpartition(":")
        if host == socket.gethostname() and int(pid) == os.getpid():
            return noted.marker not in self._asked_for_here
        if host == socket.gethostname() and not _is_alive(int(pid)):
            return True
        return noted.age > (_LONGEST_SENDING if noted.asked_at is None else _LONGEST_ASKING)

    def tidy(self) -> None:
        """Forget the batches that have no rows any more."""
        self._note("DELETE FROM batches WHERE marker NOT IN (SELECT marker FROM batch_rows)")

    def rows(self) -> dict[bytes, str]:
        """The rows in flight, each with the marker of its batch."""
        with self._checkpoint.transaction() as connection:
            return dict(connection.execute("SELECT key, marker FROM batch_rows").fetchall())

    def batch(self, marker: str) -> NotedBatch | None:
        """What is known of a batch; `None` if it was forgotten."""
        asked = f"SELECT {_BATCH} FROM batches WHERE marker = ?"  # noqa: S608  own names
        with self._checkpoint.transaction() as connection:
            found = connection.execute(asked, (marker,)).fetchone()
        return None if found is None else NotedBatch(*found)

    def open_batches(self) -> list[NotedBatch]:
        """The batches that have rows in flight."""
        asked = f"SELECT {_BATCH} FROM batches WHERE marker IN (SELECT marker FROM batch_rows)"  # noqa: S608
        with self._checkpoint.transaction() as connection:
            return [NotedBatch(*row) for row in connection.execute(asked).fetchall()]

    def _note(self, statement: str, *values: object) -> None:
        with self._checkpoint.transaction() as connection:
            connection.execute(statement, values)


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
