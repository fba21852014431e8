"""One asyncio loop on one background thread runs every stream; callers on any thread submit and cancel.

The engine is the package's only global. It never assumes one stream at a time. It does not care what a stream does or
where it is drawn. Coroutines inherit the submitting thread's context variables, which is how a kernel finds the cell
that an output belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from nbstream.accounting.book import Book
from nbstream.errors import UsageError
from nbstream.recording.uses import Uses
from nbstream.streaming.cost import installed, price_list
from nbstream.streaming.forks import halted_for_forks, import_now, importing, parked
from nbstream.streaming.notices import Notices
from nbstream.streaming.observers import Observers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractAsyncContextManager
    from typing import Any

    from nbstream.request import StreamRequest, Target
    from nbstream.result import StreamResult
    from nbstream.streaming.observers import StreamWatch
    from nbstream.streaming.running import Running
    from nbstream.streaming.tape import Tape
    from nbstream.streaming.workers import Workers
    from nbstream.transport.byte_stream import ByteSource, ByteStream
    from nbstream.transport.event_stream import EventStream, StreamSource
    from nbstream.transport.open import ClientPool

__all__ = ["Engine", "engine", "replace_engine"]

_WAKE_UP_SECONDS = 0.1  # in which an interrupt is heard
T = TypeVar("T")

# How long a fork waits for blocking calls: those that lock or import something are short, but names may resolve slowly.
_WORKERS_SECONDS = 2.0
_TRANSPORT = "nbstream.transport.open"
_ENTERING = "nbstream.accounting.entering"

_log = logging.getLogger("nbstream")


class Engine:
    """The loop thread and the clients that live on it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.last_results: deque[StreamResult] = deque(maxlen=2)
        """The results of the streams that ended last: they can be compared, and the last one can be continued."""
        self.source: StreamSource | None = None
        """The source of streams that name none themselves; `None` means the pooled clients."""
        self._loop = asyncio.new_event_loop()
        self._workers: Workers | None = None
        with contextlib.suppress(RuntimeError):  # at the end of the program, which starts no more threads
            import_now("nbstream.streaming.workers")
            from nbstream.streaming import workers

            self._workers = workers.Workers()
            self._loop.set_default_executor(self._workers)
        self._clients: ClientPool | None = None
        self._is_prepared = False
        self._fault = "the thread that reads it has ended"
        self.doomed = False
        """Whether no engine can run in this process."""
        self.recordings = Uses()
        self.tape: Tape | None = None
        """What happens in the stream that was begun last; there is none before the first."""
        self.book = Book()
        self._running: Running | None = None
        self._making = threading.Lock()
        self.notices = Notices()
        self.observers = Observers(
            Notices("nbstream-observers"), self.book.keep
        )  # one that is slow delays no other news
        self._thread = threading.Thread(target=self._run, name="nbstream-engine", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # at the end of the program, or where there are too many threads
            self._loop.close()
            raise UsageError(f"nbstream needs a background thread, and none can be started: {error}") from None

    def alive(self) -> bool:
        """Whether streams are read: not after the end of the thread, nor in another process than the engine's."""
        return self.pid == os.getpid() and self._thread.is_alive() and not self._loop.is_closed()

    @property
    def fault(self) -> str:
        """Why it is not alive."""
        if self.pid != os.getpid():
            return "this process is a fork of the one that reads it"
        return self._fault

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `coroutine` on the loop; the future belongs to the calling side."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run `coroutine` on the loop and wait for its result; an interrupt of the waiting thread cancels it."""
        future = self.submit(coroutine)
        try:
            while True:
                try:
                    return future.result(_WAKE_UP_SECONDS)
                except TimeoutError:
                    if future.done():
                        raise
        except KeyboardInterrupt:
            future.cancel()
            raise

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Run `callback` on the loop, soon; from any thread. Does nothing if there is no loop any more."""
        if self.alive():
            with contextlib.suppress(RuntimeError):  # which has been closed meanwhile
                self._loop.call_soon_threadsafe(callback)

    @property
    def running(self) -> Running:
        """The streams that no caller waits for, with those of them that ended last; made at first use."""
        with self._making:
            if self._running is None:
                from nbstream.streaming.running import Running

                self._running = Running()
            return self._running

    @property
    def clients(self) -> ClientPool:
        """The pooled clients. Made at first use, on the loop, because importing openai takes half a second."""
        if self._clients is None:
            if _TRANSPORT not in sys.modules:
                import_now(_TRANSPORT)
            from nbstream.transport.open import ClientPool

            self._clients = ClientPool()
        return self._clients

    def watch(self, *, taped: bool = True) -> StreamWatch:
        """What tells others of a stream that begins.

        Args:
            taped: Whether it is the last one now, which can be inspected; one of many is not.
        """
        from nbstream.streaming.tape import Tape
        from nbstream.telemetry.following import followers

        if not taped:
            return self.observers.watch(followers())
        before, self.tape = self.tape, Tape()
        if before is not None:
            before.stop()
        return self.observers.watch(followers(), self.tape)

    def listed_models(self, base_url: str) -> tuple[str, ...]:
        """The models that a server listed when it was last asked; this asks nobody."""
        return () if self._clients is None else self._clients.listed.get(base_url, ())

    def prepare(self, *modules: str) -> None:
        """Import what the first stream needs now, in the background, so that the first stream starts fast.

        Args:
            modules: Others to import as well.
        """
        threading.Thread(target=self._prepare, args=(modules,), name="nbstream-prepare", daemon=True).start()

    async def ready(self, request: StreamRequest) -> None:
        """Import what a request needs before it is sent, on another thread: the loop has other streams to read.

        On the loop only. What cannot be imported is told where it is used.
        """
        from nbstream.request import EMBEDDED_URL

        elsewhere = request.source is not None or self.source is not None
        if self._is_prepared or elsewhere or request.endpoint.base_url == EMBEDDED_URL or self._workers is None:
            return
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._import_sdk)

    def _prepare(self, modules: tuple[str, ...]) -> None:
        try:
            self._import_sdk()
            for module in modules:
                import_now(module)
            if installed():
                with importing():
                    price_list()
        except Exception:  # noqa: BLE001  whatever a broken environment raises: the first stream says it where it is read
            _log.debug("nbstream could not prepare for the first stream", exc_info=True)

    def _import_sdk(self) -> None:
        """Import the SDK, and what the end of its first answer needs."""
        with importing():
            if not self._is_prepared:
                importlib.import_module(_TRANSPORT).prepare()
                importlib.import_module(_ENTERING)
                self._is_prepared = True

    def halt(self) -> Callable[[], None]:
        """Hold the loop up, so that this process can fork; the returned function lets it go on."""
        stack = contextlib.ExitStack()
        if self.alive() and threading.current_thread() is not self._thread:
            stack.enter_context(parked(self._loop.call_soon_threadsafe))
            if self._workers is not None:
                self._workers.idle_within(_WORKERS_SECONDS)
        return stack.close

    def open(self, request: StreamRequest, /) -> AbstractAsyncContextManager[EventStream]:
        """Open a stream, as a `StreamSource`: from the engine's source if it has one; on the loop only."""
        if self.source is not None:
            return self.source.open(request)
        if request.recordings is not None:
            from nbstream.recording.library import Library

            return Library(request.recordings, self, self.recordings).open(request)
        from nbstream.transport.decoded import decoded

        self._answering(request)  # which imports the SDK now: that is not the server being silent
        return decoded(self, request)

    async def open_bytes(self, request: StreamRequest, /) -> ByteStream:
        """Send a request and return the response, as a `ByteSource`; on the loop only.

        Raises:
            StreamError: There is no response, or one with an error status.
        """
        if request.admit is not None:
            await request.admit()
        return await self._answering(request).open_bytes(request)

    async def moderated(self, target: Target, texts: Sequence[str], model: str) -> list[dict[str, Any]]:
        """What a moderation endpoint says of each text; on the loop only.

        Raises:
            StreamError: It does not answer, or refuses.
        """
        pool = self.clients
        from nbstream.transport.moderations import moderated

        return await moderated(pool, target, texts, model)

    def _answering(self, request: StreamRequest) -> ByteSource:
        """What answers a request: the pooled clients, or the demo model where it has no server."""
        from nbstream.request import EMBEDDED_URL

        if request.endpoint.base_url != EMBEDDED_URL:
            return self.clients
        from nbstream.transport.embedded import EmbeddedDemo

        return EmbeddedDemo()

    def close(self) -> None:
        """Cancel what runs, close the connections and end the thread. Closing again does nothing."""
        if self._loop.is_closed() or self.pid != os.getpid():
            return
        if self._thread.is_alive():
            self.submit(self._shut_down()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        else:  # nobody else runs the loop, so the caller may
            self._loop.run_until_complete(self._shut_down())
        self._loop.close()
        self.notices.close()
        self.observers.close()
        self.book.close()

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
            except Exception as error:  # noqa: BLE001  a loop cannot run here, as where gevent has replaced what it needs
                _log.info("nbstream's loop has ended", exc_info=True)
                self.doomed = True
                self._fault = f"its loop cannot run in the background ({_first_line(error)}){_advice()}"
                return None


_lock = threading.Lock()
_engine: Engine | None = None


def engine() -> Engine:
    """The process's engine, started at first use. A forked child gets its own: threads do not survive a fork."""
    global _engine  # noqa: PLW0603  the one global of the package
    with _lock:
        if _engine is None or not _engine.alive():
            _engine = Engine()
            halted_for_forks(_halt, _unlock)
        return _engine


def _halt() -> Callable[[], None]:
    """Hold up what a fork must not interrupt; the returned function lets it go on."""
    locked = _lock.acquire(timeout=1.0)
    go_on = _engine.halt() if _engine is not None else bool

    def undo() -> None:
        go_on()
        if locked:
            _lock.release()

    return undo


def _unlock() -> None:
    """In a child: whoever held the lock is not here."""
    global _lock  # noqa: PLW0603  see above
    _lock = threading.Lock()


def _advice() -> str:
    gevent = sys.modules.get("gevent.monkey")
    if gevent is None or not (gevent.is_module_patched("threading") or gevent.is_module_patched("select")):
        return ""
    return "; gevent has replaced parts of Python that it needs: use a process without gevent.monkey.patch_all()"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


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
