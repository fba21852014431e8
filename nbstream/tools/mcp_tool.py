"""One tool of an MCP server, which a model calls like any other. What the server says of it is not trusted."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from nbstream.text.plain import encodable, encodable_json, plain, truncated
from nbstream.tools.mcp_arguments import SchemaFaultError, faults_by, object_from
from nbstream.tools.mcp_content import content_of
from nbstream.tools.mcp_questions import Asker
from nbstream.tools.outputs import returned
from nbstream.tools.tool import ArgumentsError, CallError, Tool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    import mcp_types

    from nbstream.streaming.errands import Errands
    from nbstream.tools.approval import Approve, Decision, Question
    from nbstream.tools.captured import Captured
    from nbstream.tools.mcp_content import Content
    from nbstream.tools.outputs import Returned

__all__ = ["McpTool", "definition_of", "function_name"]

_LONGEST_NAME = 64
_LONGEST_DESCRIPTION = 10_000
_HASH = 8


class Owner(Protocol):
    """The set that a tool belongs to."""

    async def call(self, tool: McpTool, arguments: dict[str, Any], asker: Asker) -> mcp_types.CallToolResult:
        """Have the server run a tool."""
        ...

    def clean(self, text: str) -> str:
        """Words of the server, without the secrets that it was given."""
        ...


class McpTool(Tool):
    """A tool of a server. Whether it is safe is for the user to say, whatever the server says.

    Args:
        owner: The set of tools that it belongs to.
        told: What the server says of it.
        name: What the model calls it.
        approve: Who allows its calls, if not the request.
        safe: Whether it may run without being asked for.
        timeout: Seconds that one call may take.

    Raises:
        SchemaFaultError: Its parameters cannot be told to a model.
    """

    def __init__(
        self,
        owner: Owner,
        told: mcp_types.Tool,
        *,
        name: str,
        approve: Approve | None,
        safe: bool,
        timeout: float,
    ) -> None:
        description, parameters = definition_of(told)
        super().__init__(_nothing, name=name, description=description, safe=safe, timeout=timeout)
        self.own_name = told.name
        self.function = self._called_here
        self.parameters = parameters
        self.approve = approve
        self._owner = owner
        self._faults = faults_by(self.parameters)

    left_running = "It may still be running."  # though its server was told

    def arguments(self, given: str | dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call, checked against what the server says; see `Tool.arguments`."""
        try:
            arguments = object_from(given)
        except ValueError as error:
            raise ArgumentsError(str(error)) from None
        if faults := self._faults(arguments):
            raise ArgumentsError(faults)
        return arguments

    async def run(
        self,
        arguments: dict[str, Any],
        errands: Errands,
        ask: Callable[[Question], Awaitable[Decision | None]],
        captured: Captured,
    ) -> Returned:
        """Have the server run a call; its text, with its images behind it if it has any. See `Tool.run`."""
        del errands, captured  # it runs where the server is
        return await asyncio.to_thread(returned, await self._value(arguments, ask))

    async def _value(
        self, arguments: dict[str, Any], ask: Callable[[Question], Awaitable[Decision | None]]
    ) -> str | list[str | bytes] | None:
        asker = Asker(self.name, ask)
        try:
            result = await self._owner.call(self, arguments, asker)
        finally:
            asker.close()
        content, text = await asyncio.to_thread(self._told, result, asker.refusals)  # there may be much of it
        if result.is_error:
            raise CallError(text or "The tool failed, and did not say why.", "tool_error")
        if content.images:
            return [*([text] if text else []), *content.images]
        return text or None

    def _told(self, result: mcp_types.CallToolResult, refusals: list[str]) -> tuple[Content, str]:
        content = content_of(result)
        return content, self._owner.clean("\n".join([content.text, *(f"[{each}]" for each in refusals)]).strip())

    def __repr__(self) -> str:
        return f"<McpTool {self.name}>"

    def _called_here(self, **arguments: Any) -> str | list[str | bytes] | None:
        """Call it from Python, to try it; waits for the result."""

        async def nobody(_: Question) -> None:
            return None

        async def run() -> str | list[str | bytes] | None:
            async with asyncio.timeout(self.timeout):
                return await self._value(self.arguments(arguments), nobody)

        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread has a loop that runs already
            return thread.submit(asyncio.run, run()).result()


def definition_of(told: mcp_types.Tool) -> tuple[str, dict[str, Any]]:
    """What the model is told of a tool: its description and its parameters.

    Raises:
        SchemaFaultError: Its parameters cannot be told.
    """
    said = inspect.cleandoc(plain(encodable(told.description or told.title or "")))
    description = truncated(said, _LONGEST_DESCRIPTION)
    try:
        parameters = encodable_json(told.input_schema)
    except (ValueError, RecursionError):
        raise SchemaFaultError("it is nested too deeply") from None
    return description, {"type": "object", "properties": {}, **parameters}


def function_name(prefix: str, name: str, taken: Collection[str]) -> str:
    """What a model calls a tool: letters, digits, `_` and `-`, at most 64, and like no other.

    Example:
        >>> function_name("files", "read.file", ()), function_name("files", "read/file", ["files_read_file"])
        ('files_read_file', 'files_read_file_2')
    """
    own = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    own = own if own.strip("_-") else f"tool_{_digest(name)}"
    whole = f"{prefix}_{own}" if prefix else own
    if len(whole) > _LONGEST_NAME:
        whole = f"{whole[: _LONGEST_NAME - _HASH - 1]}_{_digest(name)}"
    numbered, number = whole, 1
    while numbered in taken:
        number += 1
        numbered = f"{whole[: _LONGEST_NAME - len(str(number)) - 1]}_{number}"
    return numbered


def _nothing() -> None:
    """Stands for the function, which the server has."""


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()[:_HASH]
