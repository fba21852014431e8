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

from nbstream.text.plain import exception_line
from nbstream.tools.mcp_http import delivered
from nbstream.tools.mcp_questions import refused
from nbstream.tools.mcp_reach import TOO_LARGE
from nbstream.tools.tool import CallError

if TYPE_CHECKING:
    import mcp
    import mcp_types

    from nbstream.tools.mcp_http import Delivery
    from nbstream.tools.mcp_questions import Asker
    from nbstream.tools.mcp_reach import Reach

__all__ = ["Connection", "Listing"]

_START_SECONDS = 60.0  # a command may have to be downloaded first
_CLOSE_SECONDS = 10.0  # the SDK gives a process about half of that
_WAKE_UP_SECONDS = 0.2
_MOST_PAGES, _MOST_TOOLS, _LARGEST_LIST = 100, 1_000, 3_000_000  # checking it takes 4 s a megabyte

_LONGEST_ERROR = 2_000  # characters
_MAYBE = "It is not known whether it did what it was asked to do."

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
        self._fault = ""  # what the server has done that ended the connection
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
                self.ready.set_exception(self._reach.failure(error, _START_SECONDS, self._fault))
        finally:
            self._closed = True
            if not self.ready.done():
                self.ready.set_exception(self._reach.failure(None, _START_SECONDS, self._fault))
            atexit.unregister(self.close)

    async def _live(self) -> None:
        logging.getLogger("mcp").addHandler(_SILENT)  # what a server writes amiss would be printed with a traceback
        with self._lock:
            self._loop, self._closing, self._task = asyncio.get_running_loop(), asyncio.Event(), asyncio.current_task()
            if self._closed:
                return
        async with contextlib.AsyncExitStack() as opened:
            async with asyncio.timeout(_START_SECONDS):
                listed = delivered()
                transport = await self._reach.transport(opened, self._ended)
                client = await opened.enter_async_context(self._new_client(transport))
                try:
                    tools = await _tools_of(client)
                except Exception:
                    self._fault = self._fault or (TOO_LARGE if listed.too_large else "")
                    raise
                listing = Listing(client.server_info.name if client.server_info else "", tools)
            self._client = client
            self.ready.set_result(listing)
            try:
                await self._closing.wait()
            finally:
                self._closed = True
                self._closing.set()

    def _ended(self, fault: str) -> None:
        """Take note that the server has ended, or has to, because of what it has done."""
        if fault:
            if not self._fault:  # once: what is cancelled again does not end in order
                self._fault = fault
                self._wind_up()
        elif self._closing is not None and not self._reach.is_address:
            self._closing.set()

    def _new_client(self, transport: Any) -> mcp.Client:
        from mcp import Client

        return Client(transport, elicitation_callback=self._elicited, cache=None)

    async def _called(self, name: str, arguments: dict[str, Any], asker: Asker) -> mcp_types.CallToolResult:
        from mcp import MCPError

        assert self._client is not None
        assert self._closing is not None
        _asker.set(asker)
        self._calls.append(asker)
        delivery = delivered()
        try:
            return await self._client.call_tool(name, arguments)
        except asyncio.CancelledError:
            if self._closing.is_set():
                raise self._lost(delivery) from None
            raise
        except MCPError as error:
            raise self._refused(error, delivery) from None
        except Exception as error:  # noqa: BLE001  whatever the SDK raises for what is no result
            words = f"{_sentence(self._reach.label)} answered with something else than a result"
            words = self._reach.clean(f"{words} ({exception_line(error)[:_LONGEST_ERROR]}). {_MAYBE}")
            raise CallError(words, "no_result", unknown=True) from None
        finally:
            self._calls.remove(asker)

    def _refused(self, error: mcp.MCPError, delivery: Delivery) -> CallError:
        """Why there is no result, from what the SDK raises: some of it is the server's word, some its own."""
        from mcp_types import CONNECTION_CLOSED, PARSE_ERROR

        assert self._closing is not None
        server = _sentence(self._reach.label)
        if delivery.too_large:
            words = f"The answer of {self._reach.label} was not read: {TOO_LARGE}. {_MAYBE}"
            return CallError(words, "too_large", unknown=True)
        # A process may answer with this number, too: it is the first of those that are free for a server's own errors.
        if error.code == CONNECTION_CLOSED and (self._reach.is_address or error.message == _CLOSED):
            if not self._reach.is_address:
                self._closing.set()
            return self._lost(delivery)
        said = f"{server} answered with an error: {error.message[:_LONGEST_ERROR]}"
        if delivery.doubtful or (self._reach.is_address and error.code == PARSE_ERROR):
            return CallError(self._reach.clean(f"{said.rstrip('.')}. {_MAYBE}"), "server_error", unknown=True)
        return CallError(self._reach.clean(said), "server_error")

    async def _elicited(self, context: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        """Ask what a server wants to know: who reads the answer that the call belongs to."""
        del context
        # An older protocol does not say which call a question belongs to.
        asker = _asker.get() or (self._calls[-1] if self._calls else None)
        return refused() if asker is None else await asker.asked(params)

    def _lost(self, delivery: Delivery) -> CallError:
        server, said = _sentence(self._reach.label), self._reach.last_words()
        if self._fault:
            return CallError(f"{server} was disconnected: {self._fault}. {_MAYBE}", "lost", unknown=True)
        if self._reach.is_address and not delivery.begun:
            return CallError(f"{server} cannot be reached; nothing was called.", "lost")
        words = f"{server} ended before it answered{f' ({said})' if said else ''}."
        return CallError(f"{words} {_MAYBE}", "lost", unknown=True)


_CLOSED = "Connection closed"
"""What the SDK says of one."""

_SILENT = logging.NullHandler()


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


class _ListError(Exception):
    """A list of tools is none that can be used."""

    @property
    def message(self) -> str:
        """What is wrong with it."""
        return str(self)


async def _tools_of(client: mcp.Client) -> list[mcp_types.Tool]:
    """All tools, page by page.

    Raises:
        _ListError: There are too many.
    """
    tools: list[mcp_types.Tool] = []
    cursor, size = None, 0
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        size += sum(map(_size, page.tools))
        if len(tools) > _MOST_TOOLS:
            raise _ListError(f"it has more than {_MOST_TOOLS:,} tools")
        if size > _LARGEST_LIST:
            raise _ListError(f"what it says of its tools is longer than {_LARGEST_LIST // 1_000_000} MB")
        if (cursor := page.next_cursor) is None:
            return tools
    raise _ListError(f"its list of tools has more than {_MOST_PAGES} pages")


def _size(tool: mcp_types.Tool) -> int:
    try:
        return len(tool.model_dump_json())
    except (ValueError, RecursionError):  # of a server in this process; it is refused for what it is
        return 0
