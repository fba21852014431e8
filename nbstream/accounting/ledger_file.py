"""A file of entries, in SQLite, that several kernels write and read at once.

An entry is one transaction: whatever ends a process in the middle of it, the others in the file stay as they are. The
journal is SQLite's ordinary one, because its other kind does not work on network drives, where home directories are.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbstream.accounting.entry import Entry
from nbstream.failures import UsageError
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Iterator

__all__ = ["LedgerFile"]

_APPLICATION = 0x4E425354  # "NBST", which SQLite keeps in the head of the file
_VERSION = 1
_NOTHING = (0, 0, 0)
_WAITING_SECONDS, _CHECKING_SECONDS = 10.0, 0.2
_TYPES = {"int": "INTEGER", "bool": "INTEGER", "float": "REAL"}
_NAMES = [each.name for each in fields(Entry)]
_FLAGS = {each.name for each in fields(Entry) if each.type == "bool"}
_NUMBERS = {each.name for each in fields(Entry) if str(each.type).startswith(("int", "float"))}
_NEEDED = {"time", "model", "host"}


class LedgerFile:
    """One file. It is opened for each use, so that it may be moved, or deleted, at any time.

    Args:
        path: Where it is.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    def checked(self) -> pathlib.Path:
        """Its path, if entries can be written to it; it is made if it is not there.

        Raises:
            UsageError: It is something else, or cannot be written.
        """
        try:
            with self._opened(_CHECKING_SECONDS) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            if not _is_passing(error):  # what passes is written with a later entry
                raise self._wrong(error) from None
        except OSError as error:
            raise self._wrong(error) from None
        if not os.access(self._path.parent, os.W_OK):  # where the journal of a transaction goes
            raise UsageError(f"the ledger {plain(str(self._path))} cannot be used (its folder is read-only)")
        return self._path

    def add(self, entries: Iterable[Entry]) -> None:
        """Write entries: all of them, or none.

        Raises:
            OSError: It cannot be written.
            sqlite3.Error: Likewise.
            UsageError: It is something else.
        """
        names, places = ", ".join(_NAMES), ", ".join("?" * len(_NAMES))
        rows = [_row(entry) for entry in entries]
        with self._opened() as connection, _transaction(connection):
            connection.executemany(f"INSERT INTO requests ({names}) VALUES ({places})", rows)  # noqa: S608  own names

    def read(self) -> tuple[Entry, ...]:
        """All its entries, in the order in which they were written.

        Raises:
            UsageError: There is no such file, or it is something else.
        """
        if not self._path.exists():
            raise UsageError(f"there is no ledger {plain(str(self._path))}")
        names = ", ".join(_NAMES)
        try:
            with self._opened() as connection:
                rows = connection.execute(f"SELECT {names} FROM requests ORDER BY rowid").fetchall()  # noqa: S608  own
        except (sqlite3.Error, OSError) as error:
            raise self._wrong(error) from None
        return tuple(entry for row in rows if (entry := _entry(row)) is not None)

    @contextlib.contextmanager
    def _opened(self, patience: float = _WAITING_SECONDS) -> Iterator[sqlite3.Connection]:
        """A connection to the file, which is a ledger when it is handed over."""
        if self._path.exists() and not self._path.is_file():
            raise UsageError(f"{plain(str(self._path))} is no file, so it cannot be a ledger")
        if not self._path.parent.is_dir():
            raise UsageError(f"there is no folder {plain(str(self._path.parent))} for a ledger")
        connection = sqlite3.connect(self._path, timeout=patience, isolation_level=None)
        try:
            connection.text_factory = lambda text: text.decode(errors="replace")
            self._made_ready(connection)
            yield connection
        finally:
            connection.close()

    def _made_ready(self, connection: sqlite3.Connection) -> None:
        kind = _kind(connection)
        if kind == _NOTHING:
            with _transaction(connection, "IMMEDIATE"):
                if _kind_within(connection) == _NOTHING:  # no other process has begun it meanwhile
                    columns = ", ".join(f"{each.name} {_column(str(each.type))}" for each in fields(Entry))
                    connection.execute(f"CREATE TABLE requests ({columns})")
                    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
            kind = _kind(connection)
        application, version, _ = kind
        if application != _APPLICATION:
            raise UsageError(f"{plain(str(self._path))} is a database of something else, not a ledger of nbstream")
        if version > _VERSION:
            what = f"{plain(str(self._path))} is a ledger of a newer nbstream (format {version})"
            raise UsageError(f"{what}; update nbstream, or name another file")

    def _wrong(self, error: Exception) -> UsageError:
        path = plain(str(self._path))
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_NOTADB:
            return UsageError(f"{path} is something else, not a ledger of nbstream")
        why = error.strerror if isinstance(error, OSError) else plain(str(error))
        return UsageError(f"the ledger {path} cannot be used ({why})")


def _is_passing(error: sqlite3.Error) -> bool:
    """Whether it may be otherwise in a while: the disk is full, or somebody else holds the file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """A transaction; an immediate one takes the lock that it needs at once, so that others wait instead of failing."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _kind(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """What the file is, read at one time: others may be making it."""
    with _transaction(connection, "DEFERRED"):
        return _kind_within(connection)


def _kind_within(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Whose it is, of which format, and how many tables it has."""
    asked = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    application, version, tables = (int(connection.execute(each).fetchone()[0]) for each in asked)
    return application, version, tables


def _column(kind: str) -> str:
    name, _, rest = kind.partition(" | ")
    return f"{_TYPES.get(name, 'TEXT')}{'' if rest else ' NOT NULL'}"


def _row(entry: Entry) -> list[Any]:
    values = asdict(entry) | {"time": entry.time.astimezone(UTC).isoformat(timespec="milliseconds")}
    return [encodable(value) if isinstance(value, str) else value for value in values.values()]


def _entry(row: tuple[Any, ...]) -> Entry | None:
    """The entry of a row; `None` if somebody else has written what is no entry."""
    values = dict(zip(_NAMES, row, strict=True))
    try:
        values["time"] = datetime.fromisoformat(values["time"])
    except (TypeError, ValueError):
        return None
    if values["time"].tzinfo is None or any(values[name] is None for name in _NEEDED):
        return None
    if any(isinstance(values[name], str | bytes) for name in _NUMBERS):
        return None
    kept: dict[str, Any] = {name: bool(value) if name in _FLAGS else value for name, value in values.items()}
    return Entry(**kept)
