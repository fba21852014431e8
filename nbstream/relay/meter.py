"""What each user has used, in an SQLite file that several relays may share and that survives their restarts."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nbstream.relay.limits import span_of
from nbstream.relay.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.relay.limits import Limits

__all__ = ["Admitted", "Charge", "EndState", "Meter", "MeterError", "Remaining"]

EndState: TypeAlias = Literal["completed", "client_gone", "broken", "refused", "lost"]
"""How a request ended: with the whole answer, because its client had gone, because the provider broke it off, because
the provider refused it, or nobody knows, because the relay itself ended."""

_APPLICATION = 0x6E62_726C  # tells this file from others: "nbrl"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    at REAL NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    usd REAL NOT NULL,
    estimated INTEGER NOT NULL,
    owner TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_of_user ON requests (user, at);
"""


class MeterError(Exception):
    """The file cannot be used; says why."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request is taken to have cost.

    Attributes:
        tokens: Of the prompt and the answer.
        usd: US dollars; 0 where no price is known.
        estimated: Whether the relay has estimated it, because the provider did not report it.
    """

    tokens: int = 0
    usd: float = 0.0
    estimated: bool = False


class Remaining(NamedTuple):
    """What is left for a user. `None` where there is no limit.

    Attributes:
        tokens: Tokens.
        usd: US dollars.
        resets_at: When counting begins anew, in seconds since 1970.
    """

    tokens: int | None
    usd: float | None
    resets_at: float | None


class Admitted(NamedTuple):
    """A request that may be sent.

    Attributes:
        entry: Its number in the file.
        remaining: What was left before it, of which other requests that run have already been taken away.
    """

    entry: int
    remaining: Remaining


class Meter:
    """Counts in a file. All its methods belong to one thread at a time.

    Args:
        path: The file; it is made if it is not there.

    Raises:
        MeterError: It is a file of something else, or cannot be written.

    Example:
        >>> import tempfile
        >>> from nbstream.relay.limits import Limits
        >>> meter = Meter(f"{tempfile.mkdtemp()}/usage.sqlite")
        >>> entry = meter.admit("ada", Limits(tokens=100), "m", Charge(10), now=0.0).entry
        >>> meter.settle(entry, Charge(30), "completed")
        >>> meter.remaining("ada", Limits(tokens=100), now=0.0).tokens
        70
        >>> meter.close()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path).expanduser()
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            made = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            os.close(made)
            self._file = sqlite3.connect(self._path, timeout=5.0, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise MeterError(f"{self._path} cannot be used ({error})") from None

    def _prepare(self) -> None:
        application, version = (self._file.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS)
        tables = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != _APPLICATION and tables:
            raise MeterError(f"{self._path} is a file of something else")
        if version > _VERSION:
            raise MeterError(f"{self._path} was written by a newer nbstream")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.executescript(_SCHEMA)
        self._file.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._file.execute(f"PRAGMA user_version = {_VERSION}")
        for (owner,) in self._file.execute("SELECT DISTINCT owner FROM requests WHERE state = 'running'").fetchall():
            if self._has_ended(owner):  # what it had reserved is what they count for
                lost = "UPDATE requests SET state = 'lost', estimated = 1 WHERE state = 'running' AND owner = ?"
                self._file.execute(lost, (owner,))

    def _has_ended(self, owner: str) -> bool:
        """Whether a relay that has left requests behind is no more; one on another machine may still run."""
        host, _, pid = owner.rpartition(":")
        if host != socket.gethostname() or owner == self._owner or os.name == "nt":
            return owner == self._owner
        try:
            os.kill(int(pid), 0)
        except (OSError, ValueError):
            return True
        return False

    def admit(self, user: str, limits: Limits, model: str, reserved: Charge, now: float) -> Admitted:
        """Note a request before it is sent, as what it may cost.

        A user whose limit is not reached may send one more request, whatever that will cost: so at most the last one
        exceeds the limit. What runs counts as what is reserved for it, so that many at once do not exceed it together.

        Args:
            user: Who asks.
            limits: What the user may use.
            model: What is asked.
            reserved: What it may cost.
            now: Seconds since 1970.

        Raises:
            Refused: The user has used all there is.
            MeterError: The file cannot be written.
        """
        with self._writing():
            left = self.remaining(user, limits, now)
            self._check(left, limits)
            values = (user, now, model, "running", reserved.tokens, reserved.usd, 1, self._owner)
            names = "user, at, model, state, tokens, usd, estimated, owner"
            made = self._file.execute(f"INSERT INTO requests ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608  names of ours
        assert made.lastrowid is not None  # SQLite gives one to every row
        return Admitted(made.lastrowid, left)

    def _check(self, left: Remaining, limits: Limits) -> None:
        until = {"day": " until midnight UTC", "month": " until the end of the month (UTC)", "total": ""}[limits.period]
        for unit, rest, limit in (("tokens", left.tokens, limits.tokens), ("US dollars", left.usd, limits.usd)):
            if rest is not None and rest <= 0:
                what = f"Your quota on this relay, {limit:,} {unit}, is used up{until}."
                raise Refused(429, what, "relay_quota", kind="insufficient_quota", retry=False)

    def settle(self, entry: int, charge: Charge, state: EndState) -> None:
        """Note what a request has cost, and how it ended.

        Raises:
            MeterError: The file cannot be written.
        """
        with self._writing():
            self._file.execute(
                "UPDATE requests SET state = ?, tokens = ?, usd = ?, estimated = ? WHERE id = ?",
                (state, charge.tokens, charge.usd, int(charge.estimated), entry),
            )

    def remaining(self, user: str, limits: Limits, now: float) -> Remaining:
        """What is left for a user.

        Raises:
            MeterError: The file cannot be read.
        """
        begin, end = span_of(limits.period, now)
        try:
            tokens, usd = self._file.execute(
                "SELECT coalesce(sum(tokens), 0), coalesce(sum(usd), 0.0) FROM requests WHERE user = ? AND at >= ?",
                (user, begin),
            ).fetchone()
        except sqlite3.Error as error:
            raise MeterError(f"{self._path} cannot be read ({error})") from None
        return Remaining(
            None if limits.tokens is None else limits.tokens - tokens,
            None if limits.usd is None else round(limits.usd - usd, 9),
            end,
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise MeterError(f"{self._path} cannot be written ({error})") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_MARKS = ("application_id", "user_version")
