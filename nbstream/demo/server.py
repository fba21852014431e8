"""The life of the demo server: a thread, a loop, a socket on loopback. Knows no routes; tornado comes at the start."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import sys
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from nbstream.demo.pace import Pace
from nbstream.demo.response_store import ResponseStore
from nbstream.demo.running_batches import RunningBatches

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from nbstream.demo.handlers.admission import Admission
    from nbstream.demo.record import RequestRecord

HOST = "127.0.0.1"
RECORDS_KEPT = 1000

# What is refused is read to its end and forgotten, so that its sender sees the refusal; but not more than this of it,
# and not longer.
LARGEST_BODY_READ = 64 * 1024 * 1024
LONGEST_BODY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Running:
    """What exists only while a server runs, and in which process."""

    pid: int
    port: int
    sockets: list[socket.socket]
    thread: threading.Thread
    halt: Callable[[], object]


class DemoServer:
    """An OpenAI-compatible HTTP server with scripted answers, on its own daemon thread.

    It serves one model, `demo`, on chat completions and responses, streamed or not, to this machine only and to
    clients that have its key. A conversation that ends with the beginning of the answer, as the assistant's, is
    answered with the rest.

    The latest responses are stored until the server stops, so they can be retrieved. With `background=true` a
    response is generated to its end whether or not its client stays: its events can be streamed again
    (`stream=true&starting_after=N`), and it can be cancelled. It need not be streamed; then it is retrieved until it
    has ended.

    A request's body may hold a field of its own for tutorials and tests, `"demo": {"first_token": seconds,
    "tokens_per_second": rate, "fault": name, "times": count, "retry_after": seconds}`, each key optional. The faults:
    `"cut"` closes the connection in the middle of the answer, `"stall"` falls silent in the middle, `"error"` ends
    with an error frame, `"rate_limit"` refuses with status 429 and `"overloaded"` with 503, both with `retry_after`
    (1 second) as the time to wait. With `times`, that many requests of a conversation fail, continuations of the
    answer among them, and the next one is answered well; without, all fail. In the background, `cut` and `stall`
    strike the connection of the request, not the generation, and no connection that streams the events again.

    Batches are taken too (`/files`, `/batches`): files of up to 32 MB, which stay until the server stops. A batch takes
    seconds, five at most, and its output is in no order. `"demo": {"batch": {"fault": name, "seconds": seconds}}` in
    the body of its first request makes it go wrong as a whole: `"invalid"` fails validation, `"expired"` ends with half
    of it, `"some_errors"` fails every third request, `"garbled"` damages lines of the output, and `"rate_limit"` and
    `"overloaded"` refuse to tell its state (`times`, 2 by default, with `retry_after`).

    Args:
        pace: How fast it answers; by default what `NBSTREAM_DEMO_PACE` says ("SECONDS,TOKENS_PER_SECOND" or
            "instant"), else `Pace()`.

    Raises:
        ValueError: `NBSTREAM_DEMO_PACE` holds something else.

    Example:
        >>> with DemoServer(Pace.parse("instant")) as server:
        ...     client = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = Pace.from_environment() if pace is None else pace
        self._api_key = secrets.token_urlsafe(24)
        self._records: deque[RequestRecord] = deque(maxlen=RECORDS_KEPT)
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def __repr__(self) -> str:
        return f"<DemoServer {self.base_url}>" if self.running else "<DemoServer, not running>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def api_key(self) -> str:
        """The key that requests must carry; random, new for each server object."""
        return self._api_key

    @property
    def base_url(self) -> str:
        """The address to give to a client.

        Raises:
            RuntimeError: The server is not running, so it has none.
        """
        running = self._running
        if running is None:
            raise RuntimeError("The demo server is not running: call start() first.")
        return f"http://{HOST}:{running.port}/v1"

    @property
    def running(self) -> bool:
        """Whether it answers. A server that was started before a fork does not run in the new process."""
        running = self._running
        return running is not None and running.pid == os.getpid() and running.thread.is_alive()

    @property
    def requests(self) -> list[RequestRecord]:
        """Records of the latest requests that had the key, oldest first."""
        return list(self._records)

    def start(self) -> Self:
        """Start answering, on a port that the system chooses; nothing happens if it runs already.

        Returns:
            The server itself.

        Raises:
            OSError: There is no free port on loopback.
            RuntimeError: There are no threads.
        """
        with self._lock:
            if not self.running:
                self._release()
                self._running = self._launch()
        return self

    def stop(self) -> None:
        """Close every connection and the port, and wait for the thread to end. May be called more than once."""
        with self._lock:
            self._release()

    def _launch(self) -> _Running:
        if getattr(sys.modules.get("gevent.monkey"), "is_module_patched", lambda _: False)("threading"):
            raise RuntimeError("gevent has replaced threads, and the server needs one.")
        from tornado.netutil import bind_sockets

        from nbstream.demo.application import application

        sockets = bind_sockets(0, HOST)
        store, batches = ResponseStore(), RunningBatches(self.pace)
        routes = application(api_key=self._api_key, pace=self.pace, records=self._records, store=store, batches=batches)
        started: Future[Callable[[], object]] = Future()
        serving = partial(_serve, routes, (store, batches), sockets, started)
        thread = threading.Thread(target=_run, args=(serving, started), name="nbstream-demo", daemon=True)
        thread.start()
        return _Running(os.getpid(), sockets[0].getsockname()[1], sockets, thread, started.result())

    def _release(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        if running.pid == os.getpid() and running.thread.is_alive():
            running.halt()
            running.thread.join()
        for listening in running.sockets:  # closed already, but for a copy that came through a fork
            listening.close()


def _run(serving: Callable[[], Coroutine[object, object, None]], started: Future[Callable[[], object]]) -> None:
    try:
        # tornado needs a loop with add_reader, which is not the default everywhere.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(serving())
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


async def _serve(
    routes: Admission,
    stores: tuple[ResponseStore, RunningBatches],
    sockets: list[socket.socket],
    started: Future[Callable[[], object]],
) -> None:
    from tornado.httpserver import HTTPServer

    server = HTTPServer(routes, max_body_size=LARGEST_BODY_READ, body_timeout=LONGEST_BODY_SECONDS)
    server.add_sockets(sockets)
    loop, halted = asyncio.get_running_loop(), asyncio.Event()
    started.set_result(partial(loop.call_soon_threadsafe, halted.set))
    await halted.wait()
    server.stop()
    await server.close_all_connections()
    for store in stores:
        store.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)  # whose client or whose response is just gone


class _Process:
    """The process's one shared server."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    server: ClassVar[DemoServer | None] = None


def demo_server() -> DemoServer:
    """The process's shared demo server, running; the first call starts it, and so does the first after a fork.

    Returns:
        The server. It stops when the process ends.

    Raises:
        OSError: There is no free port on loopback.
        RuntimeError: There are no threads.
        ValueError: `NBSTREAM_DEMO_PACE` holds something else than a pace.

    Example:
        >>> demo_server() is demo_server()
        True
    """
    with _Process.lock:
        current = _Process.server
        if current is None or not current.running:
            if current is not None:
                current.stop()
                atexit.unregister(current.stop)
            current = DemoServer().start()
            atexit.register(current.stop)
            _Process.server = current
        return current
