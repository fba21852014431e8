"""The file that keeps the answers of maps, in SQLite: each is there before its row counts as done.

A write is one transaction: whatever ends the process in the middle of it, what was written before is whole. The
journal is SQLite's ordinary one, so it is one file, and works on network drives. Several maps may share a file, at the
same time as well, because an answer is kept under what was asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.outcome import StreamState, Usage
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbstream.many.asking.runner import RowAnswer

__all__ = ["Checkpoint", "KeptAnswer"]

_APPLICATION = 0x4E424D50  # "NBMP", which SQLite keeps in the head of the file
_VERSION = 1
_NOTHING = (0, 0, 0)
_PATIENCE_SECONDS = 10.0
_MOST_AT_ONCE = 500  # of the keys that one query names
_COLUMNS = (
    *("key BLOB PRIMARY KEY NOT NULL", "run TEXT NOT NULL", "state TEXT NOT NULL", "text TEXT NOT NULL", "value TEXT"),
    *("error TEXT", "kind TEXT", "usage TEXT", "cost REAL", "model TEXT", "finish_reason TEXT"),
    *("attempts INTEGER NOT NULL", "source TEXT NOT NULL", "time TEXT NOT NULL", "question TEXT"),
)
_NAMES = [each.partition(" ")[0] for each in _COLUMNS]
_READ = ("key", "run", "state", "text", "value", "error", "kind", "usage", "cost", "attempts", "source")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, as the file has it; the fields are those of `RowAnswer`.

    Attributes:
        run: Which map it was given to.
    """

    key: bytes
    run: str
    state: StreamState
    text: str
    value: str | None
    error: str | None
    kind: str | None
    usage: Usage | None
    cost: float | None
    attempts: int
    source: Any


class Checkpoint:
    """One file, open until it is closed. Any thread may use it.

    Args:
        path: Where it is; it is made if it is not there.
        durable: Whether what is written is to survive the end of the machine, not only that of the process.

    Raises:
        UsageError: It is something else, is damaged, or cannot be written.

    Example:
        ```python
        kept = Checkpoint(pathlib.Path("moods.sqlite")).of([key])
        ```
    """

    def __init__(self, path: pathlib.Path, *, durable: bool = True) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._pid = os.getpid()
        if path.exists() and not path.is_file():
            raise UsageError(f"{self._name} is no file, so it cannot be a checkpoint")
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder {plain(str(path.parent))} for a checkpoint")
        try:
            self._connection = sqlite3.connect(
                path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._wrong(error) from None
        try:
            self._made_ready(durable=durable)
        except sqlite3.Error as error:
            self._connection.close()
            raise self._wrong(error) from None
        except BaseException:
            self._connection.close()
            raise

    def __len__(self) -> int:
        """How many whole answers there are."""
        with self._lock:
            asked = "SELECT count(*) FROM answers WHERE state = 'completed'"
            return int(self._connection.execute(asked).fetchone()[0])

    def of(self, keys: Sequence[bytes]) -> dict[bytes, KeptAnswer]:
        """The answers that there are under these keys.

        Args:
            keys: Of the rows.

        Raises:
            UsageError: The file cannot be read.
        """
        found: dict[bytes, KeptAnswer] = {}
        try:
            for start in range(0, len(keys), _MOST_AT_ONCE):
                some = keys[start : start + _MOST_AT_ONCE]
                places = ", ".join("?" * len(some))
                asked = f"SELECT {', '.join(_READ)} FROM answers WHERE key IN ({places})"  # noqa: S608  own names
                with self._lock:
                    rows = self._connection.execute(asked, some).fetchall()
                found |= {row[0]: _kept(row) for row in rows}
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise self._wrong(error) from None
        return found

    def question_of(self, key: bytes) -> tuple[Mapping[str, Any], ...] | None:
        """What was asked, if the answer is not whole."""
        with self._lock:
            row = self._connection.execute("SELECT question FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None or row[0] is None else tuple(json.loads(row[0]))

    def keep(self, run: str, answers: Iterable[RowAnswer]) -> None:
        """Write answers: all of them, or none. A whole answer that is there stays.

        Args:
            run: Which map they are given to.
            answers: Them.

        Raises:
            sqlite3.Error: It cannot be written.
        """
        answers = list(answers)
        rows = [_row(run, each) for each in answers]
        changed = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
        written = (
            f"INSERT INTO answers ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))}) "  # noqa: S608  own
            f"ON CONFLICT (key) DO UPDATE SET {changed} WHERE answers.state != 'completed'"
        )
        from_batches = [(each.row.key,) for each in answers if each.source == "batch"]
        with self._lock, self._transaction():
            self._connection.executemany(written, rows)
            if from_batches:  # with its answer a row leaves the batch that it was in
                self._connection.executemany("DELETE FROM batch_rows WHERE key = ?", from_batches)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection within a transaction, for what else is kept in the file.

        Raises:
            sqlite3.Error: It cannot be written.
        """
        with self._lock, self._transaction():
            yield self._connection

    def close(self) -> None:
        """Close the file. Nothing is lost."""
        with self._lock:
            if self._pid == os.getpid():
                self._connection.close()

    @property
    def _name(self) -> str:
        return plain(str(self.path))

    def _made_ready(self, *, durable: bool) -> None:
        execute = self._connection.execute
        kind = self._kind()
        if kind == _NOTHING:
            with self._transaction():
                if self._kind() == _NOTHING:  # no other process has begun it meanwhile
                    execute(f"CREATE TABLE answers ({', '.join(_COLUMNS)})")
                    execute(f"PRAGMA application_id = {_APPLICATION}")
                    execute(f"PRAGMA user_version = {_VERSION}")
            kind = self._kind()
        application, version, _ = kind
        if application != _APPLICATION:
            raise UsageError(f"{self._name} is a database of something else, not a checkpoint of nbstream")
        if version > _VERSION:
            what = f"{self._name} is a checkpoint of a newer nbstream (format {version})"
            raise UsageError(f"{what}; update nbstream, or name another file")
        execute("BEGIN IMMEDIATE")  # whether it can be written
        execute("ROLLBACK")
        if not os.access(self.path.parent, os.W_OK):  # where the journal of a transaction goes
            raise UsageError(f"{self._name} cannot be used as a checkpoint (its folder is read-only)")
        if [row[0] for row in execute("PRAGMA quick_check(1)")] != ["ok"]:
            raise self._wrong(None)
        execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")

    def _kind(self) -> tuple[int, int, int]:
        """Whose the file is, of which format, and how many tables it has."""
        asked = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        application, version, tables = (int(self._connection.execute(each).fetchone()[0]) for each in asked)
        return application, version, tables

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """A transaction that takes the lock that it needs at once, so that others wait instead of failing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _wrong(self, error: Exception | None) -> UsageError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            return UsageError(f"{self._name} is something else, not a checkpoint of nbstream; name another file")
        if code == sqlite3.SQLITE_CORRUPT:
            advice = "nothing was changed; name another file, or restore it from a copy"
            return UsageError(f"the checkpoint {self._name} is damaged: {advice}")
        return UsageError(f"the checkpoint {self._name} cannot be used ({plain(str(error))})")


def _row(run: str, answer: RowAnswer) -> list[Any]:
    usage = None if answer.usage is None else json.dumps(asdict(answer.usage))
    question = None if answer.is_whole or not answer.row.messages else json.dumps(answer.row.messages, default=str)
    texts = (answer.text, answer.value, answer.error)
    text, value, error = (None if each is None else encodable(each) for each in texts)
    return [
        *(answer.row.key, run, str(answer.state), text, value, error, answer.kind, usage, answer.cost),
        *(answer.model, answer.finish_reason, answer.attempts, answer.source),
        *(datetime.now(UTC).isoformat(timespec="milliseconds"), question),
    ]


def _kept(row: tuple[Any, ...]) -> KeptAnswer:
    values = dict(zip(_READ, row, strict=True))
    usage = values["usage"]
    values |= {"state": StreamState(values["state"]), "usage": None if usage is None else Usage(**json.loads(usage))}
    return KeptAnswer(**values)
