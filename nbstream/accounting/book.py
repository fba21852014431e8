"""Keeps the entries of a kernel's requests: in memory, and in a file if one is named."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import threading
import uuid
import zlib
from typing import TYPE_CHECKING

from nbstream.streaming.daemon_thread import DaemonThread
from nbstream.text.plain import exception_line, plain

if TYPE_CHECKING:
    import pathlib

    from nbstream.accounting.entry import Entry
    from nbstream.outcome import Quota, StreamWarning
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Book"]

_log = logging.getLogger("nbstream")

# The end of an answer waits so long for its entry to be written. What takes longer is written later.
_WRITING_SECONDS = 3.0
# Words are counted on the loop if there are few of them.
_MANY_CHARACTERS = 50_000
# A map makes an entry for each of its rows, and may have very many. So many together take a tenth of the memory.
_PACK = 256


class Book:
    """The entries of one kernel."""

    def __init__(self) -> None:
        self.kernel = uuid.uuid4().hex[:12]
        self._entries: list[Entry] = []
        self._packed: list[bytes] = []  # those before them
        self._unwritten: dict[pathlib.Path, list[Entry]] = {}
        self._lock = threading.Lock()
        self.quotas: dict[str, Quota] = {}
        """What relays have left for their user, by host, as they last said."""
        self.spent = 0.0
        """What the requests that have ended have cost at least, in US dollars."""
        self.in_flight: dict[int, float] = {}
        """What those that have not ended cost at least, as far as it is watched; on the loop only."""
        self._writer = DaemonThread("nbstream-ledger")

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Those of the requests that have ended."""
        with self._lock:
            packed, latest = [*self._packed], tuple(self._entries)
        return (*(entry for each in packed for entry in pickle.loads(zlib.decompress(each))), *latest)  # noqa: S301  own

    @property
    def unwritten(self) -> int:
        """How many entries are not in their file, because it could not be written."""
        with self._lock:
            return sum(map(len, self._unwritten.values()))

    async def keep(self, stream: int, request: StreamRequest, result: StreamResult) -> tuple[StreamWarning, ...]:
        """Enter a request that has ended; what the reader should know about that.

        Args:
            stream: The number of its answer.
            request: What was asked.
            result: How it ended.
        """
        from nbstream.accounting.entering import entry_of  # which loading the magics does not need

        if sum(len(part.text) for part in result.parts if hasattr(part, "text")) > _MANY_CHARACTERS:
            entry = await asyncio.to_thread(entry_of, self.kernel, stream, request, result)
        else:
            entry = entry_of(self.kernel, stream, request, result)
        with self._lock:
            self._entries.append(entry)
            if len(self._entries) >= 2 * _PACK:
                self._packed.append(zlib.compress(pickle.dumps(self._entries[:_PACK]), 1))
                del self._entries[:_PACK]
            if not entry.replayed:
                self.spent += entry.cost or entry.cost_at_least or 0.0
        if result.quota is not None:
            self.quotas = {**self.quotas, request.endpoint.name: result.quota}  # others may be reading the old one
        if request.ledger is None:
            return ()
        return await self._written(request.ledger, entry)

    def close(self) -> None:
        """Let the thread end once it has written everything."""
        self._writer.shutdown(wait=False)

    async def _written(self, path: pathlib.Path, entry: Entry) -> tuple[StreamWarning, ...]:
        """Write an entry, and those that could not be written before; wait for it, but not for ever."""
        with self._lock:
            self._unwritten.setdefault(path, []).append(entry)
        try:
            writing = asyncio.get_running_loop().run_in_executor(self._writer, self._write, path)
        except RuntimeError:  # no thread can be started any more: the program is ending
            self._write(path)
            return ()
        done, _ = await asyncio.wait({writing}, timeout=_WRITING_SECONDS)
        why = "another program holds it"
        if done:
            error = writing.exception()
            if error is None:
                return ()
            why = exception_line(error)
        count = self.unwritten
        what = f"{count} entries of the ledger are" if count > 1 else "An entry of the ledger is"
        told = f"{what} not in {plain(path.name)} ({why}); what is missing is written with the next request."
        _log.warning("nbstream: %s", told)
        from nbstream.outcome import StreamWarning

        return (StreamWarning("unwritten_ledger", told),)

    def _write(self, path: pathlib.Path) -> None:
        from nbstream.accounting.ledger_file import LedgerFile

        with self._lock:
            waiting = tuple(self._unwritten.get(path, ()))
        if not waiting:
            return
        LedgerFile(path).add(waiting)
        with self._lock:
            left = self._unwritten[path]
            with contextlib.suppress(ValueError):
                for entry in waiting:
                    left.remove(entry)
            if not left:
                del self._unwritten[path]
