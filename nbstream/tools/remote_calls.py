"""Calls of an MCP server that the provider makes, and asks about first: the question, and the answer to it. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.parts import ActivityPart
from nbstream.tools.approval import Approved, Denied, Question, decided

if TYPE_CHECKING:
    from nbstream.parts import Part
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Decision

__all__ = ["RemoteCalls", "has_remote_tools", "withdrawn"]

_KIND = "mcp_approval_request"
_WAITING = "waiting"


def has_remote_tools(request: StreamRequest) -> bool:
    """Whether the provider may call tools of MCP servers, and ask about it."""
    told = request.params.get("tools")
    return isinstance(told, list | tuple) and any(isinstance(each, dict) and each.get("type") == "mcp" for each in told)


class RemoteCalls:
    """The calls of one round that the provider asks about.

    Args:
        request: What the round asked.
        result: The answer so far.

    Attributes:
        places: Where they are among the parts.
    """

    def __init__(self, request: StreamRequest, result: StreamResult) -> None:
        begin = 0 if request.earlier is None else len(request.earlier.parts)
        self._request = request
        self._parts: dict[int, ActivityPart] = {
            place: part
            for place, part in enumerate(result.parts)
            if place >= begin and isinstance(part, ActivityPart) and _is_asked(part)
        }
        self.places = tuple(self._parts) if has_remote_tools(request) else ()
        self._answers: dict[int, dict[str, Any]] = {}

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The input items that answer them, in their order, whichever was decided first."""
        return [self._answers[place] for place in sorted(self._answers)]

    def __bool__(self) -> bool:
        return bool(self.places)

    def question(self, place: int) -> Question:
        """What the reader is asked."""
        part = self._parts[place]
        server = part.item.get("server_label")
        name = f"{server}.{part.name}" if isinstance(server, str) and server else part.name
        about = "The provider calls this tool of an MCP server, and sends it these arguments."
        return Question(str(part.item["id"]), name, _arguments(part), about, kind="remote")

    def decided(self, question: Question) -> Decision | None:
        """What the policy says; `None` if the reader is to be asked.

        Raises:
            Exception: Whatever the policy's function raises.
        """
        return decided(question, None, self._request.approve)

    def waiting(self, place: int) -> dict[int, Part]:
        """The part that says that the reader is asked."""
        return self._noted(place, _WAITING)

    def answer(self, place: int, question: Question, decision: Decision) -> dict[int, Part]:
        """Answer a call; the part that says so."""
        if isinstance(decision, Approved) and (decision.digest != question.digest or decision.arguments is not None):
            decision = Denied("The approval was given for another call, or for other arguments.")
        answer: dict[str, Any] = {"type": "mcp_approval_response", "approval_request_id": question.call_id}
        if isinstance(decision, Denied):
            reason = {"reason": decision.reason} if decision.reason else {}
            self._answers[place] = {**answer, "approve": False, **reason}
            return self._noted(place, "denied")
        self._answers[place] = {**answer, "approve": True}
        return self._noted(place, "approved")

    def _noted(self, place: int, status: str) -> dict[int, Part]:
        return {place: replace(self._parts[place], status=status)}


def withdrawn(place: int, part: Part) -> dict[int, Part]:
    """A call whose question is taken back, because the answer has ended; nothing if none was open."""
    if isinstance(part, ActivityPart) and part.kind == _KIND and part.status == _WAITING:
        return {place: replace(part, status="denied")}
    return {}


def _is_asked(part: ActivityPart) -> bool:
    return (
        part.kind == _KIND and not part.open and bool(part.item.get("id")) and part.status not in {"approved", "denied"}
    )


def _arguments(part: ActivityPart) -> dict[str, Any]:
    """The arguments as far as they are JSON; they are only shown."""
    try:
        arguments = json.loads(part.input or "{}")
    except (ValueError, RecursionError):
        arguments = part.input
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}
