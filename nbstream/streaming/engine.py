"""One asyncio loop on one background thread runs every stream; callers on any thread submit and cancel.

The engine is the package's only global. It never assumes one stream at a time. It does not care what a stream does or
where it is drawn. Coroutines inherit the submitting thread's context variables, which is how a kernel finds the cell
that an output belongs to.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import threading
from typing import TYPE_CHECKING, TypeVar

from nbstream.streaming.cost import installed, price_list
from nbstream.streaming.notices import Notices
from nbstream.streaming.observers import Observers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future
    from contextlib import AbstractAsyncContextManager
    from typing import Any

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.transport.event_stream import EventStream, StreamSource
    from nbstream.transport.open import ClientPool

__all__ = ["Engine", "engine", "replace_engine"]

T = TypeVar("T")

_log = logging.getLogger("nbstream")


def _prepare(modules: tuple[str, ...]) -> None:
    try:
        importlib.import_module("nbstream.transport.open").prepare()
        if installed():
            price_list()
        for module in modules:
            importlib.import_module(module)
    except Exception:  # noqa: BLE001  whatever a broken environment raises: the first stream says it where it is read
        _log.debug("nbstream could not prepare for the first stream", exc_info=True)


class Engine:
    """The loop thread and the clients that live on it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.last_result: StreamResult | None = None
        """The result of the stream that ended last, which may be continued."""
        self.source: StreamSource | None = None
        """The source of streams that name none themselves; `None` means the pooled clients."""
        self._loop = asyncio.new_event_loop()
        self._clients: ClientPool | None = None
        self.notices = Notices()
        self.observers = Observers(Notices("nbstream-observers"))  # one that is slow delays no other news
        self._thread = threading.Thread(target=self._run, name="nbstream-engine", daemon=True)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `coroutine` on the loop; the future belongs to the calling side."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Run `callback` on the loop, soon; from any thread."""
        self._loop.call_soon_threadsafe(callback)

    @property
    def clients(self) -> ClientPool:
        """The pooled clients. Made at first use, on the loop, because importing openai takes half a second."""
        if self._clients is None:
            from nbstream.transport.open import ClientPool

            self._clients = ClientPool()
        return self._clients

    def listed_models(self, base_url: str) -> tuple[str, ...]:
        """The models that a server has listed when it was last asked; this asks nobody."""
        return () if self._clients is None else self._clients.listed.get(base_url, ())

    def prepare(self, *modules: str) -> None:
        """Import what the first stream needs now, in the background, so that the first stream starts fast.

        Args:
            modules: Others to import as well.
        """
        threading.Thread(target=_prepare, args=(modules,), name="nbstream-prepare", daemon=True).start()

    def open(self, request: StreamRequest, /) -> AbstractAsyncContextManager[EventStream]:
        """Open a stream, as a `StreamSource`: from the engine's source if it has one; on the loop only."""
        source: StreamSource = self.source or self.clients
        return source.open(request)

    def close(self) -> None:
        """Cancel what runs, close the connections and end the thread. Closing again does nothing."""
        if self._loop.is_closed():
            return
        self.submit(self._shut_down()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.notices.close()
        self.observers.close()

    async def _shut_down(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._clients is not None:
            await self._clients.close()
        await self._loop.shutdown_default_executor()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while True:
            try:
                return self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):  # of one task, which has it; the others go on
                _log.exception("nbstream called code that asked to exit; only its own stream has ended")


_lock = threading.Lock()
_engine: Engine | None = None


def engine() -> Engine:
    """The process's engine, started at first use. A forked child gets its own: threads do not survive a fork."""
    global _engine  # noqa: PLW0603  the one global of the package
    with _lock:
        if _engine is None or _engine.pid != os.getpid():
            _engine = Engine()
        return _engine


def replace_engine(other: Engine | None) -> Engine | None:
    """Make another engine the process's.

    Args:
        other: The engine, or None for a new one at the next use.

    Returns:
        The previous engine, which keeps running; None if there was none.
    """
    global _engine
    with _lock:
        before, _engine = _engine, other
        return before
