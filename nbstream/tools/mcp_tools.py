"""The tools of an MCP server, as a set that a model may call."""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
import threading
import weakref
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, overload

from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import plain
from nbstream.text.suggestion import did_you_mean
from nbstream.tools.approval import checked_policy
from nbstream.tools.mcp_arguments import SchemaFaultError
from nbstream.tools.mcp_connection import Connection
from nbstream.tools.mcp_reach import reach_of
from nbstream.tools.mcp_tool import McpTool, definition_of, function_name
from nbstream.tools.tool import CallError

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import mcp_types

    from nbstream.tools.approval import Approve
    from nbstream.tools.mcp_connection import Listing
    from nbstream.tools.mcp_questions import Asker
    from nbstream.tools.mcp_reach import Reach

__all__ = ["McpTools", "mcp"]

_OLDEST_MAJOR = 2
_SECONDS = 60.0
_LONGEST_PREFIX = 24
_MOST_SHOWN = 10


class McpTools(AbstractContextManager["McpTools", None]):
    """The tools of one MCP server; `nbs.mcp` makes it.

    It is a sequence of tools, so `tools=[*files, other]`, `files[0]` and `files["read_file"]` work, too. Its server is
    started again when it is called after it has ended.
    """

    def __init__(
        self,
        reach: Reach,
        *,
        name: str | None,
        include: Collection[str] | None,
        exclude: Collection[str],
        approve: Approve | None,
        timeout: float,
    ) -> None:
        self._link = _Link(reach)
        self._end = weakref.finalize(self, self._link.close, wait=False)
        self._end.atexit = False  # the connection sees to that, and waits
        listing = self._link.listing()
        try:
            self.name = _prefix(listing.name) if name is None else name
            self._tools = self._made(_wanted(listing, reach.label, include, exclude), approve, timeout)
            self._by_name = {tool.name: tool for tool in self._tools}
            _check_names(approve, self._by_name, [tool.own_name for tool in self._tools])
        except BaseException:
            self._link.close()
            raise

    def _made(self, listed: list[mcp_types.Tool], approve: Approve | None, timeout: float) -> tuple[McpTool, ...]:
        named = approve if not isinstance(approve, str) and not callable(approve) and approve is not None else ()
        own = approve if approve == "none" or callable(approve) else None
        made: dict[str, McpTool] = {}
        for each in listed:
            name = function_name(self.name, each.name, made)
            safe = approve == "all" or each.name in named or name in named
            try:
                made[name] = McpTool(self, each, name=name, approve=own, safe=safe, timeout=timeout)
            except SchemaFaultError as error:
                raise UsageError(
                    f"the parameters of {_shown(each.name)} cannot be told to a model ({error}); "
                    f"leave it out with exclude=[{_shown(each.name)!r}]"
                ) from None
        return tuple(made.values())

    async def call(self, tool: McpTool, arguments: dict[str, Any], asker: Asker) -> mcp_types.CallToolResult:
        """Have the server run a tool; on any event loop.

        Raises:
            CallError: It cannot, or nobody knows whether it has.
        """
        return await self._link.call(tool, arguments, asker)

    def clean(self, text: str) -> str:
        """Words of the server, without the secrets that it was given."""
        return self._link.reach.clean(text)

    def close(self) -> None:
        """End the connection and, if it is a command, the server's process. The tools cannot be called any more.

        A `with` block does so at its end, and so does the end of the kernel.

        Example:
            ```python
            with nbs.mcp(["npx", "-y", "@modelcontextprotocol/server-filesystem", "."]) as files:
                nbs.stream("What is in this folder?", tools=[files])
            ```
        """
        self._link.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._link.closed

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __len__(self) -> int:
        return len(self._tools)

    def __iter__(self) -> Iterator[McpTool]:
        if self.closed:
            raise UsageError(f"the MCP tools {self.name} are closed; connect again with nbs.mcp(…)")
        return iter(self._tools)

    @overload
    def __getitem__(self, name: str | int) -> McpTool: ...
    @overload
    def __getitem__(self, name: slice) -> tuple[McpTool, ...]: ...
    def __getitem__(self, name: str | int | slice) -> McpTool | tuple[McpTool, ...]:
        """A tool by the name that the model or the server calls it, or by its place."""
        if not isinstance(name, str):
            return self._tools[name]
        for tool in self._tools:
            if name in {tool.name, tool.own_name}:
                return tool
        raise KeyError(name)

    def __repr__(self) -> str:
        if self.closed:
            return f"<McpTools {self.name}, closed>"
        names = [tool.name for tool in self._tools]
        more = [f"and {len(names) - _MOST_SHOWN} more"] if len(names) > _MOST_SHOWN else []
        return f"<McpTools {self.name}: {', '.join([*names[:_MOST_SHOWN], *more]) or 'none'}>"


class _Link:
    """The connection of a set, and the next one if the server has ended meanwhile. It does not know the set."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.closed = False
        self._lock = threading.Lock()
        self._connection = Connection(reach)
        self._shown: Listing | None = None  # what the user was shown

    def listing(self) -> Listing:
        """What the server says of itself; waits for it.

        Raises:
            UsageError: It cannot be reached.
        """
        self._shown = self._connection.listing()
        return self._shown

    async def call(self, tool: McpTool, arguments: dict[str, Any], asker: Asker) -> mcp_types.CallToolResult:
        """Have the server run a tool, started again if it has to be."""
        connection = self._connected()
        try:
            listing = await asyncio.wrap_future(connection.ready)
        except UsageError as error:
            raise CallError(f"The server of this tool has ended, and {error.happened}", "lost") from None
        if listing is not self._shown and not _has(listing, tool):
            words = "The server was started again, and says something else of this tool now; nothing was called."
            raise CallError(words, "changed_tool")
        return await connection.call(tool.own_name, arguments, asker)

    def close(self, *, wait: bool = True) -> None:
        with self._lock:
            self.closed = True
            connection = self._connection
        connection.close(wait=wait)

    def _connected(self) -> Connection:
        with self._lock:
            if self.closed:
                raise CallError("The connection to the server of this tool was closed; nothing was called.", "closed")
            if not self._connection.alive:
                self._connection = Connection(self.reach)
            return self._connection


def mcp(
    server: str | Sequence[str | os.PathLike[str]] | Any,
    *,
    name: str | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
    approve: Approve | None = None,
    timeout: float = _SECONDS,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> McpTools:
    """Connect to an MCP server; its tools are a set that a model may call, with `tools=[…]` or `--tool NAME`.

    You are asked before each call, whatever the server says of its tools. Needs `pip install "nbstream[mcp]"`.

    Args:
        server: An address (`"https://…"`), a command (`["npx", "-y", "…"]`), or a server object of the package `mcp`.
        name: Begins the name of each tool; by default what the server calls itself. `""` for none.
        include: Which tools to take, by the server's names for them, which may have `*`; by default all of them.
        exclude: Which tools to leave out, in the same way.
        approve: `"all"` runs them without asking, `"none"` runs none, a list of names runs these without asking, and a
            function decides, see `nbs.start`; by default what the request says.
        timeout: Seconds that one call may take; the time in which you are asked something does not count.
        env: More environment variables for a command. It sees few of this kernel's, and none that may be a key.
        cwd: The folder in which a command begins.
        headers: More headers for the requests to an address, such as `{"Authorization": "Bearer …"}`.

    Returns:
        The tools. `close()`, a `with` block and the end of the kernel end the connection and the command.

    Raises:
        UsageError: The server cannot be reached, there is no such tool, or the call is wrong.

    Example:
        ```python
        files = nbs.mcp(["npx", "-y", "@modelcontextprotocol/server-filesystem", "."], name="files")
        nbs.stream("Which of these files is the largest?", tools=[files])
        ```
    """
    _check_installed()
    reach = reach_of(server, env=env, cwd=cwd, headers=headers)
    if name is not None and not re.fullmatch(rf"[A-Za-z0-9_-]{{0,{_LONGEST_PREFIX}}}", name):
        raise UsageError(
            f"the name of a set of tools has letters, digits, _ and -, at most {_LONGEST_PREFIX}; not {name!r}"
        )
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise UsageError(f"the timeout of a tool is a number of seconds above 0, not {timeout!r}")
    for what, names in (("include", include), ("exclude", exclude)):
        if isinstance(names, str) or not all(isinstance(each, str) for each in names or ()):
            raise UsageError(f'{what} is a list of names of tools: {what}=["read_*"]')
    policy = None if approve is None else checked_policy(approve)
    return McpTools(reach, name=name, include=include, exclude=exclude, approve=policy, timeout=timeout)


def _check_installed() -> None:
    try:
        version = importlib.metadata.version("mcp")
    except importlib.metadata.PackageNotFoundError:
        what, package = "MCP servers need the package mcp", '"nbstream[mcp]"'
    else:
        if int(version.partition(".")[0]) >= _OLDEST_MAJOR:
            return
        what, package = f"MCP servers need the package mcp in version 2, and here is {version}", '"mcp>=2"'
    raise UsageError(what, remedies=[Remedy(RemedyKind.INSTALL, package)])


def _prefix(said: str) -> str:
    """What the names of the tools begin with, from what the server calls itself."""
    words = re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")
    return words[:_LONGEST_PREFIX].strip("_") or "mcp"


def _wanted(
    listing: Listing, server: str, include: Collection[str] | None, exclude: Collection[str]
) -> list[mcp_types.Tool]:
    names = [tool.name for tool in listing.tools]
    for pattern in (*(include or ()), *exclude):
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f"{server} has no tool {pattern}{did_you_mean(pattern, map(_shown, names), 0.6)}")
    return [
        tool
        for tool in listing.tools
        if (include is None or any(fnmatchcase(tool.name, each) for each in include))
        and not any(fnmatchcase(tool.name, each) for each in exclude)
    ]


def _check_names(approve: Approve | None, *known: Collection[str]) -> None:
    """Refuse a name that allows nothing, because it may be a slip of one that was meant."""
    if approve is None or isinstance(approve, str) or callable(approve):
        return
    names = {name for each in known for name in each}
    for name in approve:
        if name not in names:
            raise UsageError(
                f"approve names {name}, which is no tool here{did_you_mean(name, map(_shown, names), 0.6)}"
            )


def _has(listing: Listing, tool: McpTool) -> bool:
    """Whether a server that was started again says the same of a tool."""
    told = next((each for each in listing.tools if each.name == tool.own_name), None)
    try:
        return told is not None and definition_of(told) == (tool.description, tool.parameters)
    except SchemaFaultError:
        return False


def _shown(name: str) -> str:
    return " ".join(plain(name).split())[:80]
