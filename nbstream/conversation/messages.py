"""OpenAI messages in and out: plain dicts become turns and turns become dicts again, without loss."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from nbstream.conversation.answer_images import image_parts, images_to_send
from nbstream.conversation.turn import Content, Turn, new_id
from nbstream.errors import UsageError
from nbstream.request import messages_from
from nbstream.result import StreamState
from nbstream.text.plain import encodable, portable_json, prompt_text
from nbstream.tools.call_messages import round_messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbstream.result import StreamResult

_CUT_SHORT = {
    StreamState.CANCELLED: "[The user stopped this answer here.]",
    StreamState.FAILED: "[This answer broke off here.]",
}

__all__ = [
    "answered_calls",
    "content_from",
    "content_of",
    "has_something_to_send",
    "message_of",
    "messages_to_send",
    "turns_from",
]


def content_from(prompt: str | list[dict[str, Any]]) -> str | tuple[Mapping[str, Any], ...]:
    """Check a prompt, and keep a copy of it.

    Args:
        prompt: Text, or OpenAI content parts (`{"type": "text", …}`, `{"type": "image_url", …}`).

    Raises:
        UsageError: It is empty, or neither.
    """
    if isinstance(prompt, str):
        if not prompt.strip():
            raise UsageError("the prompt is empty")
        return prompt_text(prompt)
    if not isinstance(prompt, list) or not prompt:
        raise UsageError('a prompt is a string or a list of parts, such as {"type": "text", "text": "…"}')
    return _parts(prompt, "the prompt")


def turns_from(messages: list[dict[str, Any]]) -> tuple[str | None, list[Turn]]:
    """The system prompt, if the messages begin with a plain one, and the other messages as turns.

    Raises:
        UsageError: They are not OpenAI messages.
    """
    if not isinstance(messages, list):
        raise UsageError('the messages are not a list of OpenAI messages: [{"role": …, "content": …}, …]')
    try:
        given = messages_from(messages) if messages else ()
    except ValueError as error:
        raise UsageError(str(error)) from None
    system = None
    if given and given[0].keys() == {"role", "content"} and given[0]["role"] == "system":
        first = given[0]["content"]
        if isinstance(first, str) and first:
            system, given = first, given[1:]
    return system, [_turn(message, f"message {number}") for number, message in enumerate(given)]


def message_of(turn: Turn) -> dict[str, Any]:
    """The turn as an OpenAI message of its own, which may be changed."""
    message: dict[str, Any] = {"role": turn.role, "content": content_of(turn)}
    if turn.answer is not None and turn.refusal:
        message["refusal"] = turn.refusal
    return message | copy.deepcopy(dict(turn.extra))


def answered_calls(turns: Iterable[Turn]) -> set[Any]:
    """The ids of the tool calls that have their results among the turns."""
    ids = (turn.extra.get("tool_call_id") for turn in turns if turn.role == "tool")
    return {each for each in ids if isinstance(each, str | int)}


def has_something_to_send(turn: Turn, answered: set[Any]) -> bool:
    """Whether an assistant turn is more than unanswered tool calls."""
    answered_here = turn.answer is not None and bool(turn.answer.tool_runs)
    said = turn.content or turn.refusal or answered_here or images_to_send(turn.answer)
    return bool(said or _calls(turn, answered))


def messages_to_send(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The messages of a request, in a form that every server takes.

    A refusal is sent as what the model said. Calls of tools that were never answered are not sent. A partial answer
    says that it is one, so that the model does not take it for all that it had to say. What an answer shows is among
    its content; `transport` puts it where a server takes it.
    """
    answered = answered_calls(turns)
    return [message for turn in turns for message in _to_send(turn, answered)]


def content_of(turn: Turn) -> str | list[Any] | None:
    """The content as OpenAI wants it, as a copy."""
    return copy.deepcopy(list(turn.content)) if isinstance(turn.content, tuple) else turn.content


def _to_send(turn: Turn, answered: set[Any]) -> list[dict[str, Any]]:
    if turn.answer is not None and (rounds := _rounds_to_send(turn.answer)):
        return rounds
    content: Any = list(turn.content) if isinstance(turn.content, tuple) else turn.content
    if turn.answer is not None and isinstance(content, str) and content and turn.state in _CUT_SHORT:
        content = f"{content}\n\n{_CUT_SHORT[turn.state]}"
    content = _with_images(content, turn.answer)
    extra = turn.extra if not turn.refusal else {k: value for k, value in turn.extra.items() if k != "refusal"}
    message = {"role": turn.role, "content": content or turn.refusal or content, **extra}
    if "tool_calls" in message and not _calls(turn, answered):
        del message["tool_calls"]
    return [message]


def _rounds_to_send(answer: StreamResult) -> list[dict[str, Any]]:
    """The messages of an answer whose calls were answered here; none if there are no such calls."""
    messages, said = round_messages(answer.parts)
    if not messages:
        return []
    said += [_CUT_SHORT[answer.state]] if said and answer.state in _CUT_SHORT else []
    content = _with_images("\n\n".join(said), answer)
    return messages + ([{"role": "assistant", "content": content}] if content else [])


def _with_images(content: Any, answer: StreamResult | None) -> Any:
    """What an answer says, and what it shows."""
    if not isinstance(content, str | None) or not (images := image_parts(answer)):
        return content
    return [*([{"type": "text", "text": content}] if content else []), *images]


def _calls(turn: Turn, answered: set[Any]) -> Any:
    """The calls that may be sent: a server refuses a call without its result."""
    calls = turn.extra.get("tool_calls") or []
    ids = [call.get("id") if isinstance(call, dict) else None for call in calls]
    return calls if all(isinstance(each, str | int) and each in answered for each in ids) else []


def _turn(message: Mapping[str, Any], where: str) -> Turn:
    role, content = message["role"], message.get("content")
    if not isinstance(role, str) or not role:
        raise UsageError(f'{where} has no "role" that is a string')
    extra = {name: value for name, value in message.items() if name not in {"role", "content"}}
    return Turn(new_id(), role, _content(content, where), extra=_json_copy(extra, where))


def _content(content: Any, where: str) -> Content:
    if content is None or isinstance(content, str):
        return content and encodable(content)
    if isinstance(content, list):
        return _parts(content, where)
    raise UsageError(f"the content of {where} is neither text nor a list of parts")


def _parts(parts: list[Any], where: str) -> tuple[Mapping[str, Any], ...]:
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise UsageError(f'a part of {where} has no "type"; a part is {{"type": "text", "text": "…"}}')
    return tuple(_json_copy(parts, where))


def _json_copy(value: Any, where: str) -> Any:
    """A copy that is JSON, because it will be sent and saved as JSON."""
    try:
        json.dumps(value, allow_nan=False)
        return portable_json(value)
    except (TypeError, ValueError, RecursionError):
        raise UsageError(f"{where} holds something that is not JSON") from None
