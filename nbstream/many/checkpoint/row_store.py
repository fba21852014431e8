"""What a checkpoint keeps of maps themselves: what is asked, and of which rows, so that another kernel can go on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbstream.many.checkpoint.checkpoint import Checkpoint

__all__ = ["RowStore", "StoredJob", "StoredRow"]

_JOBS = ("run TEXT PRIMARY KEY NOT NULL", "time TEXT NOT NULL", "asked TEXT NOT NULL", "total INTEGER")
_ROWS = ("run TEXT NOT NULL", "number INTEGER NOT NULL", "label TEXT", "messages TEXT", "error TEXT")
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS jobs ({', '.join(_JOBS)})",
    f"CREATE TABLE IF NOT EXISTS job_rows ({', '.join(_ROWS)}, PRIMARY KEY (run, number)) WITHOUT ROWID",
)
_PAGE = 200


class StoredRow(NamedTuple):
    """A row, as the file has it.

    Attributes:
        label: The label that the input has for it.
        messages: What it asks; `None` if it could not be asked.
        error: Why it could not be.
    """

    label: Any
    messages: tuple[Mapping[str, Any], ...] | None
    error: str | None = None


class StoredJob(NamedTuple):
    """A map, as the file has it.

    Attributes:
        run: Its name.
        asked: What every row is asked with.
        total: How many rows it has; `None` if they were not all read.
    """

    run: str
    asked: dict[str, Any]
    total: int | None


class RowStore:
    """The maps of a checkpoint and their rows. Any thread may use it.

    Args:
        checkpoint: The file.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        with checkpoint.transaction() as connection:
            for each in _TABLES:
                connection.execute(each)

    def begin(self, run: str, asked: Mapping[str, Any]) -> None:
        """A map begins; it takes the place of an earlier one that asks the same."""
        told = json.dumps(asked, sort_keys=True)
        same = "SELECT run FROM jobs WHERE asked = ? OR run = ?"
        with self._checkpoint.transaction() as connection:
            connection.execute(f"DELETE FROM job_rows WHERE run IN ({same})", (told, run))  # noqa: S608  own words
            connection.execute("DELETE FROM jobs WHERE asked = ? OR run = ?", (told, run))
            values = (run, datetime.now(UTC).isoformat(), told)
            connection.execute("INSERT INTO jobs (run, time, asked) VALUES (?, ?, ?)", values)

    def add(self, run: str, first: int, rows: Sequence[StoredRow]) -> None:
        """Keep rows.

        Args:
            run: Of which map.
            first: The number of the first.
            rows: Them.
        """
        values = [
            (run, first + place, json.dumps(row.label, default=str), json.dumps(row.messages), row.error)
            for place, row in enumerate(rows)
        ]
        with self._checkpoint.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO job_rows VALUES (?, ?, ?, ?, ?)", values)

    def end(self, run: str, total: int) -> None:
        """All rows of a map are kept."""
        with self._checkpoint.transaction() as connection:
            connection.execute("UPDATE jobs SET total = ? WHERE run = ?", (total, run))

    def last(self) -> StoredJob | None:
        """The map that has begun last."""
        with self._checkpoint.transaction() as connection:
            found = connection.execute("SELECT run, asked, total FROM jobs ORDER BY time DESC LIMIT 1").fetchone()
        return None if found is None else StoredJob(found[0], json.loads(found[1]), found[2])

    def asked(self) -> list[dict[str, Any]]:
        """What the maps that have begun were asked with, the latest one last."""
        with self._checkpoint.transaction() as connection:
            found = connection.execute("SELECT asked FROM jobs ORDER BY time").fetchall()
        return [json.loads(each) for (each,) in found]

    def row(self, run: str, number: int) -> StoredRow | None:
        """One row."""
        return next(iter(self._some(run, number, 1)), None)

    def messages(self, run: str, numbers: Sequence[int]) -> dict[int, tuple[Mapping[str, Any], ...]]:
        """What some rows ask, by their numbers; those that ask nothing are left out.

        Args:
            run: Of which map.
            numbers: Which rows, a few hundred at most.
        """
        places = ", ".join("?" * len(numbers))
        asked = f"SELECT number, messages FROM job_rows WHERE run = ? AND number IN ({places})"  # noqa: S608  own words
        with self._checkpoint.transaction() as connection:
            found = connection.execute(asked, (run, *numbers)).fetchall()
        return {number: tuple(read) for number, messages in found if (read := json.loads(messages)) is not None}

    def rows(self, run: str) -> Iterator[StoredRow]:
        """All rows of a map, read page by page."""
        start = 0
        while page := self._some(run, start, _PAGE):
            yield from page
            start += len(page)

    def _some(self, run: str, start: int, count: int) -> list[StoredRow]:
        asked = (
            "SELECT label, messages, error FROM job_rows WHERE run = ? AND number >= ? AND number < ? ORDER BY number"
        )
        with self._checkpoint.transaction() as connection:
            found = connection.execute(asked, (run, start, start + count)).fetchall()
        return [_row(*each) for each in found]


def _row(label: str, messages: str, error: str | None) -> StoredRow:
    read = json.loads(messages)
    return StoredRow(json.loads(label), None if read is None else tuple(read), error)
