"""The tools that a caller gives: functions for nbstream to call, and definitions whose calls the caller answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nbstream.request import Api

__all__ = ["told_tools"]


def told_tools(
    given: Sequence[Tool | Iterable[Tool] | Callable[..., Any] | dict[str, Any]] | None, api: Api
) -> tuple[tuple[Tool, ...], list[dict[str, Any]]]:
    """The functions to call, and what the model is told of all the tools.

    Args:
        given: Tools, sets of tools, functions that become tools, and definitions in the words of the API.
        api: Which API they are told to.

    Raises:
        UsageError: Something is neither, or two have the same name.
    """
    if given is None:
        return (), []
    if isinstance(given, str | dict) or not hasattr(given, "__iter__"):
        raise UsageError("tools are a list: tools=[my_function, …]")
    functions: list[Tool] = []
    told: list[dict[str, Any]] = []
    for each in _flat(given):
        if isinstance(each, dict):
            told.append(each)
            continue
        tool = each if isinstance(each, Tool) else Tool(each)
        if any(tool.name == other.name for other in functions):
            raise UsageError(f"two tools are called {tool.name}; give one another name with @nbs.tool(name=…)")
        functions.append(tool)
        told.append(tool.definition(api))
    return tuple(functions), told


def _flat(given: Iterable[Any]) -> Iterator[Any]:
    """Each tool, also those of sets among them, such as the tools of an MCP server."""
    for each in given:
        if isinstance(each, str | dict) or callable(each) or not hasattr(each, "__iter__"):
            yield each
        else:
            yield from each
