"""The Chat Completions wire format: the request's body, and chunks into events.

Source: the OpenAI API reference, "Chat Completions: streaming", and what other servers make of it: `choices` empty or
null, `delta` null, `message` in its place, usage on any chunk, a finish reason on every chunk. Must not know HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.events import (
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from nbstream.transport.fields import failed, name_or_none, text_or_none, usage_from

if TYPE_CHECKING:
    from nbstream.request import StreamRequest

__all__ = ["ChatCompletionsAdapter", "request_body"]


def request_body(request: StreamRequest, *, include_usage: bool) -> dict[str, Any]:
    """The body that the SDK is to send, without `stream`.

    Args:
        request: What the user asked for.
        include_usage: Whether to ask for the usage chunk; some old servers reject the question.
    """
    system = [{"role": "system", "content": request.system}] if request.system else []
    body: dict[str, Any] = {"model": request.model, "messages": [*system, *request.messages]}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        # OpenAI's newer models refuse the old name, most other servers know only that one.
        body["max_completion_tokens" if request.endpoint.is_openai else "max_tokens"] = request.max_tokens
    if include_usage:
        body["stream_options"] = {"include_usage": True}
    return body | dict(request.params)


class ChatCompletionsAdapter:
    """Translates the chunks of one stream."""

    ended = False  # the API marks its end outside JSON

    def __init__(self) -> None:
        self._started = Started()

    def decode(self, payload: dict[str, Any]) -> list[Event]:
        """Return the events that one chunk stands for."""
        events: list[Event] = []
        started = Started(name_or_none(payload.get("model")), name_or_none(payload.get("id")))
        if started != self._started and (started.model or started.response_id):
            self._started = started
            events.append(started)
        choices = payload.get("choices")
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict) and not choice.get("index"):
                    _decode_choice(choice, events)
        if (usage := payload.get("usage")) and (counts := usage_from(usage)) is not None:
            events.append(UsageReported(counts))
        return events


def _decode_choice(choice: dict[str, Any], events: list[Event]) -> None:
    if isinstance(error := choice.get("error"), dict):
        events.append(failed(error))
        return
    delta = choice.get("delta") or choice.get("message")
    if isinstance(delta, dict):
        if (thought := delta.get("reasoning_content") or delta.get("reasoning")) and isinstance(thought, str):
            events.append(ReasoningDelta(thought))
        if (content := delta.get("content")) and isinstance(content, str):
            events.append(TextDelta(content))
        if (refusal := delta.get("refusal")) and isinstance(refusal, str):
            events.append(RefusalDelta(refusal))
        if calls := delta.get("tool_calls"):
            events.extend(_tool_calls(calls))
    if (reason := name_or_none(choice.get("finish_reason"))) is not None:
        events.append(Finished(reason))


def _tool_calls(calls: Any) -> list[Event]:
    events: list[Event] = []
    for call in calls if isinstance(calls, list) else ():
        if not isinstance(call, dict):
            continue
        function = named if isinstance(named := call.get("function"), dict) else {}
        events.append(
            ToolCallDelta(
                index=index if isinstance(index := call.get("index"), int) else 0,
                id=name_or_none(call.get("id")),
                name=name_or_none(function.get("name")),
                arguments=text_or_none(function.get("arguments")) or "",
            )
        )
    return events
