"""A server that misbehaves on command: exact bytes at exact moments, over real HTTP on loopback.

It speaks HTTP/1.1 and knows no API: what it answers are bytes (`bodies` builds some that OpenAI's clients understand).
Only the standard library, on a thread and a loop of its own.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from nbstream.testing.answers import Answer, AnswerOptions, Piece, Received, Responder
from nbstream.testing.bodies import error_body
from nbstream.testing.connection import ClientReader, read_request, reset, write
from nbstream.testing.gates import Gates

if TYPE_CHECKING:
    from typing import Unpack

__all__ = ["FaultServer"]

HOST = "127.0.0.1"
PATIENCE = 10.0
BACKLOG = 1024


class FaultServer:
    r"""An OpenAI-compatible HTTP server that sends exactly the bytes it is told to, to whatever is asked.

    It runs from its construction until `close`, or for the length of a `with` block. `send` scripts one answer after
    the other; the last one serves all further requests. Every path and method is answered alike, and every key is
    accepted: `requests` tells what was asked.

    Attributes:
        base_url: The address to give to a client, `http://127.0.0.1:PORT/v1`.
        api_key: A key to give to a client.
        requests: What was asked, as `Received` values, oldest first.
        arrived: Set with the first request.
        client_left: Set once some client has left in the middle of its answer. Each request has such an event too.

    Raises:
        OSError: There is no free port on loopback.

    Example:
        >>> import http.client, urllib.request
        >>> from nbstream.testing import FaultServer, chat_body
        >>> with FaultServer() as server:
        ...     server.send(chat_body("Hel", "lo"), cut=40, then="close")
        ...     with urllib.request.urlopen(f"{server.base_url}/models") as response:
        ...         try:
        ...             response.read()
        ...         except http.client.IncompleteRead as error:
        ...             print(len(error.partial), server.requests[0].path)
        40 /v1/models
    """

    api_key = "sk-fault-server"

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.arrived = threading.Event()
        self.client_left = threading.Event()
        self._changed = threading.Condition()
        self._script: deque[Answer | Responder] = deque()
        self._last: Answer | Responder = _NOTHING_SCRIPTED
        self._connections = 0
        self._serving: set[asyncio.Task[Any]] = set()
        self._gates = Gates()
        self._closed = False
        listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        self.base_url = f"http://{HOST}:{listener.getsockname()[1]}/v1"
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, args=(listener, started), name="fault-server", daemon=True)
        self._thread.start()
        self._loop, self._halted = started.result()

    def __repr__(self) -> str:
        return f"<FaultServer {self.base_url}{', closed' if self._closed else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connections(self) -> int:
        """How many connections clients have made so far, those that have ended included."""
        return self._connections

    def send(self, *pieces: Piece, **options: Unpack[AnswerOptions]) -> None:
        r"""Script the next answer.

        Args:
            pieces: The body: bytes or text (one segment each), seconds to pause, `threading.Event`s to wait for.
            options: As of `Answer`: `status`, `headers`, `then`, `chunked`, `cut`, `split`, `drip` (bytes, seconds),
                `before_head` (seconds or an event), `head`.

        Raises:
            ValueError: An option makes no sense.

        Example:
            ```python
            server.send(chat_body("Hello"), drip=(1, 0.01))                     # a byte every 10 ms
            server.send(error_body("Slow down"), status=429, headers={"retry-after": "1"})
            server.send(chat_body("Hel", finish_reason=None, done=False), then="hold")  # stalls in the middle
            ```
        """
        self._script.append(Answer(*pieces, **options))

    def respond(self, responder: Responder) -> None:
        """Script an answer that depends on the request, for clients whose requests come in any order.

        Args:
            responder: Called with each `Received` on the server's thread; returns an `Answer`, or a body.

        Example:
            ```python
            server.respond(lambda received: chat_body(received.json["messages"][-1]["content"].upper()))
            ```
        """
        self._script.append(responder)

    def wait(self, *, requests: int = 0, answered: int = 0, left: int = 0, timeout: float = PATIENCE) -> None:
        """Wait until at least so much has happened since the server was made.

        Args:
            requests: Requests that have come.
            answered: Answers that were sent in full.
            left: Clients that have left in the middle of their answer.
            timeout: Maximum seconds to wait.

        Raises:
            TimeoutError: It has not happened in time.

        Example:
            >>> with FaultServer() as server:
            ...     server.wait(requests=1, timeout=0.01)
            Traceback (most recent call last):
            TimeoutError: in 0.01 s: 0 of 1 requests, 0 of 0 answered, 0 of 0 left
        """

        def seen() -> tuple[int, int, int]:
            taken = list(self.requests)
            return (
                len(taken),
                sum(each.answered.is_set() for each in taken),
                sum(each.client_left.is_set() for each in taken),
            )

        wanted = (requests, answered, left)
        with self._changed:
            if not self._changed.wait_for(lambda: all(a >= b for a, b in zip(seen(), wanted, strict=True)), timeout):
                names = ("requests", "answered", "left")
                facts = ", ".join(f"{a} of {b} {name}" for a, b, name in zip(seen(), wanted, names, strict=True))
                raise TimeoutError(f"in {timeout:g} s: {facts}")

    def close(self) -> None:
        """Break off every answer, close every connection and the port. May be called more than once."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._halted.set)
            self._thread.join()
            self._gates.close()

    # --- on the server's thread ---------------------------------------------------------------------------------------

    def _run(self, listener: socket.socket, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._listen(listener, started))

    async def _listen(
        self, listener: socket.socket, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]
    ) -> None:
        loop, halted = asyncio.get_running_loop(), asyncio.Event()

        def connected() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(ClientReader(loop), self._serve, loop=loop)

        server = await loop.create_server(connected, sock=listener, backlog=BACKLOG)
        started.set_result((loop, halted))
        await halted.wait()
        server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first request to its end."""
        assert isinstance(reader, ClientReader)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._connections += 1
        number = self._connections
        writer.transport.set_write_buffer_limits(high=0)  # `drain` returns when the kernel has all
        # asyncio does so only for sockets that name their protocol, which accepted ones do not.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while (received := await read_request(reader, number)) is not None:
                if not await self._exchange(received, reader, writer):
                    break
            writer.close()
        except (OSError, EOFError, ValueError):  # the client broke off its request, or it is not HTTP
            pass
        except asyncio.CancelledError:
            if not self._closed:
                raise
        finally:
            if not writer.is_closing():
                writer.transport.abort()
            self._serving.discard(task)

    async def _exchange(self, received: Received, reader: ClientReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection can be used again."""
        answer = self._next(received)
        answering = asyncio.create_task(self._answer(answer, writer))

        def gone(_: object) -> None:
            answering.cancel()

        reader.gone.add_done_callback(gone)
        with self._changed:
            self.requests.append(received)
            self.arrived.set()
            self._changed.notify_all()
        happened = received.answered
        try:
            await answering
        except (ConnectionError, asyncio.CancelledError):
            if self._closed:
                raise
            happened = received.client_left
        finally:
            reader.gone.remove_done_callback(gone)
        with self._changed:
            happened.set()
            if happened is received.client_left:
                self.client_left.set()
            self._changed.notify_all()
        return answer.reusable and happened is received.answered

    def _next(self, received: Received) -> Answer:
        if self._script:
            self._last = self._script.popleft()
        if isinstance(self._last, Answer):
            return self._last
        try:
            made = self._last(received)
        except Exception as error:  # noqa: BLE001  the test's own function; its client is told
            return _apology(f"the responder failed: {error!r}")
        return made if isinstance(made, Answer) else Answer(made)

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        await self._pause(answer.before_head)
        await write(answer.head, writer)
        for step in answer.steps():
            if isinstance(step, bytes):
                await write(b"%x\r\n%b\r\n" % (len(step), step) if answer.framed else step, writer)
            else:
                await self._pause(step)
        if answer.then == "end" and answer.framed:
            await write(b"0\r\n\r\n", writer)
        elif answer.then == "reset":
            await reset(writer)
        elif answer.then == "hold":
            await asyncio.Event().wait()  # broken off when the client leaves

    async def _pause(self, until: float | threading.Event) -> None:
        if isinstance(until, threading.Event):
            await self._gates.passed(until)
        elif until == float("inf"):
            await asyncio.Event().wait()
        elif until:
            await asyncio.sleep(until)


def _apology(message: str) -> Answer:
    return Answer(error_body(f"FaultServer: {message}"), status=400, headers={"content-type": "application/json"})


_NOTHING_SCRIPTED = _apology("nothing is scripted; call send() first")
