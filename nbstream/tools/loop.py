"""Answers the calls of a round: each is checked, allowed, run once, and its result sent back with the others.

What is attempted is written down before it runs, so that whatever happens nothing runs twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.errors import ApprovalError
from nbstream.parts import ToolCallPart, ToolRun
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamState, StreamWarning
from nbstream.streaming.errands import ToolInterrupted
from nbstream.text.plain import encodable, exception_line, plain
from nbstream.tools.approval import Allowance, Approved, Denied, Question, decided
from nbstream.tools.asking import Asking
from nbstream.tools.captured import Captured
from nbstream.tools.journal import asked_of, unsettled
from nbstream.tools.next_request import next_request
from nbstream.tools.outputs import OutputError, bounded
from nbstream.tools.pausing import Pausing
from nbstream.tools.remote_calls import RemoteCalls, has_remote_tools, withdrawn
from nbstream.tools.tool import ArgumentsError, CallError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.errors import StreamError
    from nbstream.parts import Part
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.errands import Errands
    from nbstream.tools.approval import Decision
    from nbstream.tools.asking import Readers
    from nbstream.tools.journal import Journal
    from nbstream.tools.tool import Tool

__all__ = ["ToolLoop", "needs_loop"]

_LONGEST_REASON = 1000
_BEGUN_BEFORE = "This was begun before, and nobody knows whether it was done."


def needs_loop(request: StreamRequest) -> bool:
    """Whether there may be calls to answer."""
    return bool(request.tools) or has_remote_tools(request)


class ToolLoop:
    """Answers the calls of each round of one answer.

    Args:
        readers: Whom to ask.
        errands: Runs functions where the caller is.
    """

    def __init__(self, readers: Readers, errands: Errands) -> None:
        self._readers = readers
        self._errands = errands
        self._ask = Asking(readers, errands).ask
        self._journal: Journal | None = None
        self._result: StreamResult
        self._show: Callable[[StreamResult], object]
        self._without_key: Callable[[str], str]  # a function may come upon it, for example in the environment

    async def next(
        self, request: StreamRequest, result: StreamResult, show: Callable[[StreamResult], object]
    ) -> StreamRequest | StreamResult:
        """Answer the calls of a round; see `nbstream.streaming.rounds.FollowUp`."""
        begin = 0 if request.earlier is None else len(request.earlier.parts)
        calls = {
            place: part
            for place, part in enumerate(result.parts)
            if place >= begin and isinstance(part, ToolCallPart) and not part.open
        }
        tools = {tool.name: tool for tool in request.tools}
        remote = RemoteCalls(request, result)
        if not (calls or remote) or result.finish_reason not in {"tool_calls", "stop"} or result.choices:
            return result
        if calls and (not tools or any(each.name in _names_of_others(request, tools) for each in calls.values())):
            return result  # the caller answers some of them, so the round is the caller's
        if request.max_rounds <= 1:
            return replace(result, warnings=(*result.warnings, _too_many_rounds(request)))
        # Ids of our own must be unlike those of other answers, because no call is run twice.
        calls = {
            place: call if call.id else replace(call, id=f"call_{secrets.token_hex(8)}")
            for place, call in calls.items()
        }
        self._result, self._show, self._journal = _with(result, calls), show, request.journal
        self._without_key = request.endpoint.redaction().without_key
        first: dict[tuple[str | None, tuple[str, str]], int] = {}
        repeated = {
            place: same
            for place, call in calls.items()
            if (same := first.setdefault((call.id, asked_of(call)), place)) != place
        }
        answers = [
            self._answer(place, call, tools.get(call.name), request)
            for place, call in calls.items()
            if place not in repeated
        ]
        answers += [self._allow(remote, place) for place in remote.places]
        try:
            ended = await asyncio.gather(*answers, return_exceptions=True)
        except asyncio.CancelledError:
            return self._ended(tools, StreamState.CANCELLED)
        for error in ended:
            if isinstance(error, ApprovalError):
                error.result, error.place = self._ended(tools, StreamState.FAILED, error), request.place
                return error.result
            if error is not None:
                raise error
        for place, same in repeated.items():  # the same call, sent twice
            part = self._result.parts[same]
            assert isinstance(part, ToolCallPart)
            assert part.run is not None
            self._note(place, part.run)
        if any(part.run and part.run.error == "interrupted" for part in self._result.tool_runs):
            return self._ended(tools, StreamState.CANCELLED)
        return next_request(request, self._result, remote.answers)

    async def _answer(self, place: int, call: ToolCallPart, tool: Tool | None, request: StreamRequest) -> None:
        if tool is None:
            names = ", ".join(each.name for each in request.tools)
            called = call.name or "without a name"
            self._note(place, ToolRun("failed", f"There is no tool {called}. There are: {names}.", "unknown_tool"))
            return
        try:
            given = tool.given(call.arguments, free=call.custom)
        except (ArgumentsError, ValueError) as error:
            self._note(place, ToolRun("failed", f"The arguments do not fit: {error}", "invalid_arguments"))
            return
        if self._journal is not None and (run := self._journal.earlier(call)) is not None:
            self._note(place, run)
            return
        begun = not tool.safe and self._is_unsettled(place, call)
        description = f"{_BEGUN_BEFORE} {tool.description}".rstrip() if begun else tool.description
        question = Question(call.id or "", tool.name, given, description, tool.fault_of)
        decision = await self._decision(place, question, tool, request, begun=begun)
        if isinstance(decision, Approved) and decision.digest != question.digest:
            decision = Denied("The approval was given for another call.")
        if isinstance(decision, Denied):
            self._note(place, _denied(decision))
            return
        await self._run(place, tool, question, decision)

    def _is_unsettled(self, place: int, call: ToolCallPart) -> bool:
        """Whether the same was begun before, and nobody knows how that ended."""
        before = asked_of(call) in unsettled(self._result.parts[:place])
        return before or (self._journal is not None and self._journal.is_unsettled(call))

    async def _allow(self, remote: RemoteCalls, place: int) -> None:
        """Say whether a call may run that the provider makes."""
        question = remote.question(place)
        try:
            decision = remote.decided(question)
        except Exception as error:  # noqa: BLE001  as above
            decision = Denied(f"Deciding on it failed: {exception_line(error)}")
        if decision is None:
            self._change(remote.waiting(place))
            if (decision := await self._ask(question)) is None:
                raise _nobody_to_ask(question)
        self._change(remote.answer(place, question, decision))

    async def _decision(
        self, place: int, question: Question, tool: Tool, request: StreamRequest, *, begun: bool
    ) -> Decision:
        try:
            decision = decided(question, tool, request.approve)
        except Exception as error:  # noqa: BLE001  whatever the reader's function raises: then nothing is allowed
            return Denied(f"Deciding on it failed: {exception_line(error)}")
        if decision is None and tool.always and not begun:  # what may have been done already is asked about
            self._readers.allowed(Allowance(tool))
            decision = Approved(question.digest)
        if decision is not None:
            return decision
        self._note(place, ToolRun("waiting"))
        if (decision := await self._ask(question)) is None:
            raise _nobody_to_ask(question)
        if isinstance(decision, Approved) and decision.always:
            tool.always = True
            self._readers.allowed(Allowance(tool))
        return decision

    async def _run(self, place: int, tool: Tool, question: Question, approved: Approved) -> None:
        """Run a call that was approved, once."""
        given = question.arguments if approved.arguments is None else approved.arguments
        edited = None if approved.arguments is None else json.dumps(given, ensure_ascii=False)
        try:
            arguments = tool.arguments(given)
        except ArgumentsError as error:
            self._note(place, ToolRun("failed", f"The arguments do not fit: {error}", "invalid_arguments", edited))
            return
        if not await self._begun(place, edited):
            return
        began, captured = time.monotonic(), Captured()
        run = await self._outcome(tool, arguments, captured)
        seconds, output, printed = time.monotonic() - began, run.output, captured.text
        output, printed = self._without_key(output), self._without_key(printed)
        self._note(place, replace(run, arguments=edited, seconds=seconds, output=output, printed=printed))
        if self._journal is not None:
            with contextlib.suppress(OSError):  # then its end is unknown to who reads the file
                await self._journal.write(self._result.parts)

    async def _begun(self, place: int, edited: str | None) -> bool:
        """Write down that a call is attempted; whether that could be done."""
        self._note(place, ToolRun("running", arguments=edited))
        if self._journal is None:
            return True
        try:
            await self._journal.write(self._result.parts)
        except asyncio.CancelledError:
            self._note(place, _stopped("began"))
            raise
        except OSError as error:
            words = f"The call was not made, because it could not be written down beside the chat's file: {error}"
            self._note(place, ToolRun("failed", words, "not_recorded"))
            return False
        return True

    async def _outcome(self, tool: Tool, arguments: dict[str, Any], captured: Captured) -> ToolRun:
        try:
            async with asyncio.timeout(tool.timeout) as limit:
                ask = Pausing(limit).during(self._ask)
                value = await tool.run(arguments, self._errands, ask, captured)
                return ToolRun("completed", value.text, images=value.images)
        except CallError as error:
            return ToolRun("unknown" if error.unknown else "failed", bounded(str(error)), error.kind)
        except OutputError as error:
            return ToolRun("failed", str(error), "unserialisable")
        except ToolInterrupted:
            return ToolRun("unknown", "The user interrupted the tool.", "interrupted")
        except TimeoutError as error:
            if limit.expired():
                words = f"The tool took longer than {tool.timeout:g} s. {tool.left_running}".rstrip()
                return ToolRun("unknown", words, "timeout")
            return _raised(error)
        except Exception as error:  # noqa: BLE001  whatever a function raises is for the model to read
            return _raised(error)

    def _note(self, place: int, run: ToolRun) -> None:
        """Write down what has become of a call, and show it."""
        part = self._result.parts[place]
        assert isinstance(part, ToolCallPart)
        self._change({place: replace(part, run=run)})

    def _change(self, parts: Mapping[int, Part]) -> None:
        """Put other parts in their places, and show them."""
        self._result = _with(self._result, parts)
        self._show(self._result)

    def _ended(self, tools: Mapping[str, Tool], state: StreamState, error: StreamError | None = None) -> StreamResult:
        """The answer, if it ends while calls are being answered. What was attempted has an unknown end."""
        for place, part in enumerate(self._result.parts):
            if taken_back := withdrawn(place, part):
                self._change(taken_back)
            if not isinstance(part, ToolCallPart) or part.open:
                continue
            if (run := part.run) is None:
                self._note(place, _stopped("began"))
                continue
            if run.state == "running":
                left = tools[part.name].left_running if part.name in tools else ""
                words = f"The answer was stopped while the tool ran. {left}".rstrip()
                self._note(place, replace(run, state="unknown", output=words))
            elif run.state == "waiting":
                self._note(place, _stopped("was allowed"))
        return replace(self._result, state=state, error=error)


def _with(result: StreamResult, parts: Mapping[int, Part]) -> StreamResult:
    """The answer with these parts in their places."""
    return replace(result, parts=tuple(parts.get(place, part) for place, part in enumerate(result.parts)))


def _names_of_others(request: StreamRequest, tools: dict[str, Tool]) -> set[str]:
    """The tools that the model was told of and that the caller answers."""
    names: set[str] = set()
    for told in request.params.get("tools") or ():
        if isinstance(told, dict):
            inner = told.get(str(told.get("type")))
            name = (inner if isinstance(inner, dict) else told).get("name")
            names.add(str(name))
    return names - tools.keys()


def _denied(decision: Denied) -> ToolRun:
    """What the model is told of a refusal; the reason may be anything that was typed."""
    words = " ".join(plain(encodable(str(decision.reason))).split())
    reason = f" The reason: {words[:_LONGEST_REASON]}" if words else ""
    return ToolRun("denied", f"The user did not allow this call; do not try it again.{reason}", "denied")


def _stopped(before_it: str) -> ToolRun:
    """What the model is told of a call if the answer was stopped first and then goes on: it may ask again."""
    return ToolRun("denied", f"The answer was stopped before the call {before_it}.", "stopped")


def _raised(error: Exception) -> ToolRun:
    return ToolRun("failed", bounded(f"The tool raised {exception_line(error)}."), "exception")


def _nobody_to_ask(question: Question) -> ApprovalError:
    return ApprovalError(
        f"The model wants to call {question.tool}, and nobody can be asked here whether it may.",
        remedies=[Remedy(RemedyKind.ALLOW_TOOL, question.tool)],
    )


def _too_many_rounds(request: StreamRequest) -> StreamWarning:
    rounds = 1 + (0 if request.earlier is None else len(request.earlier.all_rounds))
    return StreamWarning(
        "too_many_rounds",
        f"The model wanted to call tools again after {rounds} requests; its last calls were not answered.",
        (Remedy(RemedyKind.MORE_ROUNDS),),
    )
