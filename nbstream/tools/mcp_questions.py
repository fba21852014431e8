"""What an MCP server asks for in the middle of a call, as a question to the reader, and the answer that it gets."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbstream.text.plain import encodable, plain, truncated
from nbstream.tools.approval import Denied, Question
from nbstream.tools.mcp_arguments import SchemaFaultError, faults_by

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from typing import Literal

    import mcp_types

    from nbstream.tools.approval import Decision

__all__ = ["Asker", "refused"]

_MOST_QUESTIONS, _MOST_FIELDS = 10, 50
_LONGEST_MESSAGE, _LONGEST_FIELD = 2000, 200


class Asker:
    """Whom a server may ask during one call; made on the loop on which the reader is asked.

    Args:
        tool: The tool that is called.
        ask: Asks the reader; `None` if nobody can be asked.

    Attributes:
        refusals: What was not asked, and why, in words for who reads the result.
    """

    def __init__(self, tool: str, ask: Callable[[Question], Awaitable[Decision | None]]) -> None:
        self.refusals: list[str] = []
        self._tool = tool
        self._ask = ask
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._asked: list[Future[Decision | None]] = []

    async def asked(self, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        """Ask the reader; on any loop."""
        from mcp_types import ElicitRequestFormParams, ElicitResult

        self._count += 1
        message = _shortened(params.message, _LONGEST_MESSAGE)
        if not isinstance(params, ElicitRequestFormParams):
            host = plain(urlsplit(params.url).hostname or "?")
            return self._refused(f"The server wants you to open a page of {host}, which nbstream does not do", message)
        if self._count > _MOST_QUESTIONS:
            return self._refused(f"The server has asked {_MOST_QUESTIONS} questions already", message)
        try:
            question = _question(self._tool, message, params.requested_schema)
        except SchemaFaultError:
            return self._refused("The server asks for something that cannot be put into a form", message)
        future = asyncio.run_coroutine_threadsafe(self._put(question), self._loop)
        self._asked.append(future)
        try:
            decision = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancelled():
                raise
            return refused("cancel")  # the call is over
        if decision is None:
            return self._refused("The server asks for something, and nobody can be asked here", message)
        if isinstance(decision, Denied):
            return refused()
        content = question.arguments if decision.arguments is None else decision.arguments
        return refused() if question.fault_of(content) else ElicitResult(action="accept", content=content)

    def close(self) -> None:
        """Take back what is still asked: the call is over."""
        for each in self._asked:
            each.cancel()

    async def _put(self, question: Question) -> Decision | None:
        return await self._ask(question)

    def _refused(self, why: str, message: str) -> mcp_types.ElicitResult:
        if len(self.refusals) < _MOST_QUESTIONS:
            self.refusals.append(f"{why}: {message}")
        return refused("cancel")


def refused(action: Literal["decline", "cancel"] = "decline") -> mcp_types.ElicitResult:
    """The answer to a server that gets none."""
    from mcp_types import ElicitResult

    return ElicitResult(action=action)


def _question(tool: str, message: str, schema: Any) -> Question:
    faults = faults_by(schema)
    fields = schema.get("properties")
    fields = fields if isinstance(fields, dict) else {}
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    filled = {
        name: field.get("default", _EMPTY.get(str(field.get("type"))))
        for name, field in fields.items()
        if isinstance(field, dict) and ("default" in field or name in required)
    }
    shown = itertools.islice(fields.items(), _MOST_FIELDS)
    about = [message, *(_about(name, field, name in required) for name, field in shown)]
    about += [f"and {len(fields) - _MOST_FIELDS} more"] if len(fields) > _MOST_FIELDS else []
    return Question(secrets.token_hex(8), tool, filled, "\n".join(about), faults, kind="input")


_EMPTY: dict[str, Any] = {"string": "", "boolean": False, "array": []}


def _about(name: str, field: Any, required: bool) -> str:  # noqa: FBT001  a fact, not a switch
    """A field of the form, in a line."""
    field = field if isinstance(field, dict) else {}
    kind, choices = field.get("type"), field.get("enum")
    facts = [str(kind) if kind else "", "" if required else "optional"]
    facts += [f"one of {', '.join(map(str, choices))}"] if isinstance(choices, list) else []
    said = ", ".join(filter(None, facts))
    description = field.get("description") or field.get("title") or ""
    return _shortened(f"{name} ({said}){': ' if description else ''}{description}", _LONGEST_FIELD)


def _shortened(text: str, longest: int) -> str:
    return truncated(plain(encodable(text)).strip(), longest)
