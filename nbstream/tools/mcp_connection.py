"""The connection to one MCP server: the SDK's client, on a thread and an event loop of its own.

A server in this process may block its loop, and the SDK's connections belong to the task that made them. The process
of a server that is a command ends with the connection, and the connection with this process at the latest.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import contextvars
import logging
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.tools.mcp_questions import refused
from nbstream.tools.tool import CallError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    import mcp
    import mcp_types

    from nbstream.tools.mcp_questions import Asker
    from nbstream.tools.mcp_reach import Reach

__all__ = ["Connection", "Listing"]

_START_SECONDS = 60.0  # a command may have to be downloaded first
_CLOSE_SECONDS = 10.0  # the SDK gives a process about half of that
_WAKE_UP_SECONDS = 0.2
_MOST_PAGES = 100

_asker: contextvars.ContextVar[Asker | None] = contextvars.ContextVar("nbstream_mcp_asker", default=None)


class Listing(NamedTuple):
    """What a server says of itself.

    Attributes:
        name: What it calls itself, if it does.
        tools: Its tools.
    """

    name: str
    tools: list[mcp_types.Tool]


class Connection:
    """One connection, which begins at once.

    Args:
        reach: How to reach the server.

    Attributes:
        ready: What the server says of itself, once it has said it, or why it cannot be reached.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._pid = os.getpid()
        self.ready: Future[Listing] = Future()
        self.ready.set_running_or_notify_cancel()  # so that nobody who waits for it cancels it for all
        self._lock = threading.Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._client: mcp.Client | None = None
        self._calls: list[Asker] = []  # in flight
        self._thread = threading.Thread(target=self._run, name="nbstream-mcp", daemon=True)
        atexit.register(self.close)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether calls may reach the server: not after its end, nor in another process."""
        return not self._closed and self._pid == os.getpid() and self._thread.is_alive()

    def listing(self) -> Listing:
        """What the server says of itself; waits until it has. An interrupt ends the connection.

        Raises:
            Exception: Why it cannot be reached.
        """
        try:
            while not self.ready.done():
                concurrent.futures.wait({self.ready}, timeout=_WAKE_UP_SECONDS)
        except BaseException:
            self.close()
            raise
        return self.ready.result()

    async def call(self, name: str, arguments: dict[str, Any], asker: Asker) -> mcp_types.CallToolResult:
        """Call a tool; on any event loop. Cancelling it tells the server so.

        Raises:
            CallError: The connection has ended, or the server refuses the call.
            Exception: Whatever the SDK raises for a result that it does not understand.
        """
        await asyncio.wrap_future(self.ready)
        assert self._loop is not None
        calling = self._called(name, arguments, asker)
        try:
            future = asyncio.run_coroutine_threadsafe(calling, self._loop)
        except RuntimeError:  # the loop has been closed
            calling.close()
            raise CallError(
                f"{_sentence(self._reach.label)} is not connected any more; nothing was called.", "lost"
            ) from None
        return await asyncio.wrap_future(future)

    def close(self, *, wait: bool = True) -> None:
        """End the connection, and the process of the server if it has one; from any thread.

        Args:
            wait: Whether to wait until it has ended.
        """
        if self._pid != os.getpid():
            return  # it belongs to the process that this one was forked from
        with self._lock:
            self._closed = True
            loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # which has ended
                loop.call_soon_threadsafe(self._wind_up)
        if wait and threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_SECONDS)

    def _wind_up(self) -> None:
        if self._closing is not None:
            self._closing.set()
        if not self.ready.done() and self._task is not None:
            self._task.cancel()

    # --- on the connection's own thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001  whatever the SDK, a transport or a server in this process raises
            if not self.ready.done():
                self.ready.set_exception(self._reach.failure(error, _START_SECONDS))
        finally:
            self._closed = True
            if not self.ready.done():
                self.ready.set_exception(self._reach.failure(None, _START_SECONDS))
            atexit.unregister(self.close)

    async def _live(self) -> None:
        logging.getLogger("mcp").addHandler(_SILENT)  # what a server writes amiss would be printed with a traceback
        with self._lock:
            self._loop, self._closing, self._task = asyncio.get_running_loop(), asyncio.Event(), asyncio.current_task()
            if self._closed:
                return
        async with contextlib.AsyncExitStack() as opened:
            async with asyncio.timeout(_START_SECONDS):
                transport = await self._reach.transport(opened)
                watched = _watched(transport, self._closing) if self._reach.is_process else transport
                client = await opened.enter_async_context(self._new_client(watched))
                listing = Listing(client.server_info.name if client.server_info else "", await _tools_of(client))
            self._client = client
            self.ready.set_result(listing)
            await self._closing.wait()
            self._closed = True

    def _new_client(self, transport: Any) -> mcp.Client:
        from mcp import Client

        return Client(transport, elicitation_callback=self._elicited, cache=None)

    async def _called(self, name: str, arguments: dict[str, Any], asker: Asker) -> mcp_types.CallToolResult:
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED

        assert self._client is not None
        assert self._closing is not None
        _asker.set(asker)
        self._calls.append(asker)
        try:
            return await self._client.call_tool(name, arguments)
        except asyncio.CancelledError:
            if self._closing.is_set():
                raise self._lost() from None
            raise
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                self._closing.set()
                raise self._lost() from None
            words = self._reach.clean(f"{_sentence(self._reach.label)} answered with an error: {error.message}")
            raise CallError(words, "server_error") from None
        finally:
            self._calls.remove(asker)

    async def _elicited(self, context: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        """Ask what a server wants to know: who reads the answer that the call belongs to."""
        del context
        # An older protocol does not say which call a question belongs to.
        asker = _asker.get() or (self._calls[-1] if self._calls else None)
        return refused() if asker is None else await asker.asked(params)

    def _lost(self) -> CallError:
        said = self._reach.last_words()
        words = f"{_sentence(self._reach.label)} ended before it answered{f' ({said})' if said else ''}."
        return CallError(f"{words} It is not known whether it did what it was asked to do.", "lost", unknown=True)


_SILENT = logging.NullHandler()


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


async def _tools_of(client: mcp.Client) -> list[mcp_types.Tool]:
    """All tools, page by page."""
    tools: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return tools


@contextlib.asynccontextmanager
async def _watched(transport: AbstractAsyncContextManager[Any], ended: asyncio.Event) -> AsyncIterator[Any]:
    """A transport that says when the other side has ended, also while nobody calls."""
    import anyio

    async with transport as (incoming, outgoing):
        forward, watched = anyio.create_memory_object_stream[Any](0)

        async def hand_on() -> None:
            async with forward:
                with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                    async for message in incoming:
                        await forward.send(message)
            ended.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hand_on)
            yield watched, outgoing
            tasks.cancel_scope.cancel()
