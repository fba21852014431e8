"""What a checkpoint knows of batches: which rows are in which, written before anything is paid.

A batch is noted under a marker before it is asked for, and the marker goes with it as metadata. If the process ends
in between, the batch is found again by it. A row leaves its batch in the transaction that writes its answer, so a row
is in at most one batch, and none is lost with a batch whose answers had been read but not written.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.many.checkpoint import Checkpoint

__all__ = ["BatchJournal", "NotedBatch"]

_TABLES = (
    "CREATE TABLE IF NOT EXISTS batches (marker TEXT PRIMARY KEY NOT NULL, host TEXT NOT NULL, api TEXT NOT NULL, "
    "file_id TEXT, batch_id TEXT, asked_at REAL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS batch_rows (key BLOB PRIMARY KEY NOT NULL, marker TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS rows_of_batch ON batch_rows (marker)",
)
_BATCH = "marker, host, api, file_id, batch_id, asked_at"


@dataclass(frozen=True, slots=True)
class NotedBatch:
    """A batch, as the file has it.

    Attributes:
        marker: What it is found again by.
        host: Who answers it.
        api: By which API.
        file_id: Its input file, once it is sent.
        batch_id: Its id, once that is known.
        asked_at: When it was asked for, in seconds since 1970; `None` if it was not.
    """

    marker: str
    host: str
    api: str
    file_id: str | None = None
    batch_id: str | None = None
    asked_at: float | None = None


class BatchJournal:
    """The batches of a checkpoint. Any thread may use it.

    Args:
        checkpoint: The file.

    Raises:
        sqlite3.Error: It cannot be written.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        with checkpoint.transaction() as connection:
            for each in _TABLES:
                connection.execute(each)

    def begin(self, host: str, api: str, keys: Sequence[bytes]) -> NotedBatch:
        """Note a batch of these rows, of which nothing is sent yet."""
        noted = NotedBatch(uuid.uuid4().hex, host, api)
        with self._checkpoint.transaction() as connection:
            connection.execute("INSERT INTO batches (marker, host, api) VALUES (?, ?, ?)", (noted.marker, host, api))
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

    def forget(self, marker: str) -> None:
        """It does not exist, or nothing of it is missing: none of its rows is in flight."""
        with self._checkpoint.transaction() as connection:
            connection.execute("DELETE FROM batch_rows WHERE marker = ?", (marker,))
            connection.execute("DELETE FROM batches WHERE marker = ?", (marker,))

    def tidy(self) -> None:
        """Forget the batches that have no rows any more."""
        self._note("DELETE FROM batches WHERE marker NOT IN (SELECT marker FROM batch_rows)")

    def of(self, key: bytes) -> NotedBatch | None:
        """The batch that a row is in, if any."""
        asked = f"SELECT {_BATCH} FROM batches WHERE marker = (SELECT marker FROM batch_rows WHERE key = ?)"  # noqa: S608
        with self._checkpoint.transaction() as connection:
            found = connection.execute(asked, (key,)).fetchone()
        return None if found is None else NotedBatch(*found)

    def rows_of(self, marker: str) -> list[bytes]:
        """The rows of a batch whose answers are not written."""
        with self._checkpoint.transaction() as connection:
            found = connection.execute("SELECT key FROM batch_rows WHERE marker = ?", (marker,)).fetchall()
        return [row[0] for row in found]

    def open_batches(self) -> Iterable[NotedBatch]:
        """The batches that have rows in flight."""
        asked = f"SELECT {_BATCH} FROM batches WHERE marker IN (SELECT marker FROM batch_rows)"  # noqa: S608
        with self._checkpoint.transaction() as connection:
            return [NotedBatch(*row) for row in connection.execute(asked).fetchall()]

    def _note(self, statement: str, *values: object) -> None:
        with self._checkpoint.transaction() as connection:
            connection.execute(statement, values)
