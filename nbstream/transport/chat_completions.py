"""The Chat Completions wire format: chunks into events.

Source: the OpenAI API reference, "Chat Completions: streaming", and how other servers vary it: `choices` empty or null,
`delta` null, `message` in its place, content as a list of parts, usage on any chunk or inside other fields, a finish
reason on every chunk, tool calls without a slot, arguments as an object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbstream.events import (
    Event,
    Finished,
    LogprobsReported,
    ReasoningDelta,
    ReasoningRevised,
    RefusalDelta,
    Started,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    UsageReported,
    Warned,
)
from nbstream.parts import PARAGRAPH_BREAK
from nbstream.remedies import Remedy, RemedyKind
from nbstream.transport.cumulative import Pieces
from nbstream.transport.error_kind import failed
from nbstream.transport.fields import (
    annotated,
    name_or_none,
    objects,
    reason_or_none,
    text_or_none,
    usage_from,
)
from nbstream.transport.media import medium, sound_in
from nbstream.transport.moderation import verdicts_in
from nbstream.transport.sources import SourceLists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbstream.parts import MediaKind
    from nbstream.transport.wire import Adapter

__all__ = ["ChatCompletionsAdapter"]

_MEDIA: Mapping[str, MediaKind] = {
    "image": "image",
    "image_url": "image",
    "audio": "audio",
    "input_audio": "audio",
    "output_audio": "audio",
    "video_url": "video",
}
_OTHER_API = Warned(
    "other_api", "The server answered in the Responses format.", (Remedy(RemedyKind.USE_API, "responses"),)
)


class ChatCompletionsAdapter:
    """Translates the chunks of one stream.

    Args:
        responses: Makes the adapter of the other API, for servers that answer in its format.
    """

    sequence_number: int | None = None  # the API does not number its events

    def __init__(self, responses: Callable[[], Adapter] | None = None) -> None:
        self.ended = False  # and marks its end outside JSON
        self._new_responses = responses
        self._responses: Adapter | None = None
        self._model: Any = None
        self._id: Any = None
        self._texts = texts = Pieces(TextDelta, lambda text, choice: TextRevised(text, choice=choice))
        self._plain_texts = texts.plain
        self._reasoning = reasoning = Pieces(ReasoningDelta, ReasoningRevised)
        self._plain_reasoning = reasoning.plain
        self._thoughts_back: list[str] = []  # some servers refuse the results of calls without them
        self._sources = SourceLists()
        self._in_deltas: set[int] = set()  # the answers that come in deltas, with messages beside them

    def decode(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that one chunk stands for, or `None` if it is none."""
        events: list[Event] = []
        model, response_id = payload.get("model"), payload.get("id")
        if model != self._model or response_id != self._id:
            self._model, self._id = model, response_id
            started = Started(name_or_none(model), name_or_none(response_id))
            if started.model or started.response_id:
                events.append(started)
        choices = payload.get("choices")
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict):
                    self._decode_choice(choice, events)
        elif str(payload.get("type")).startswith("response."):
            return self._decode_response(payload)
        if "citations" in payload or "search_results" in payload or "moderation" in payload:
            events += [*verdicts_in(payload.get("moderation")), *self._sources.take(payload)]
        if usage := payload.get("usage"):
            events.extend(_usage(usage))
        if own := payload.get("x_groq"):
            events.extend(_usage(own.get("usage") if isinstance(own, dict) else None))
        return events if events or "choices" in payload else None

    def decode_whole(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that a whole answer stands for, or `None` if the object is not an answer."""
        if isinstance(payload.get("output"), list):
            return self._decode_response(payload)
        return self.decode(payload) if isinstance(payload.get("choices"), list) and payload["choices"] else None

    def _decode_choice(self, choice: dict[str, Any], events: list[Event]) -> None:
        index = number if isinstance(number := choice.get("index"), int) else 0
        reason = choice.get("finish_reason")
        delta = self._said_in(choice, index) if "message" in choice else choice.get("delta")
        rest: dict[str, Any] | None = None
        if isinstance(delta, dict):
            content = delta.get("content")
            if len(delta) > 1 or type(content) is not str:  # most deltas are nothing but text
                rest = delta
                self._decode_before_text(delta, index, events)
        else:
            content = choice.get("text")  # as the older Completions API has it
        if content and isinstance(content, str):
            if index in self._plain_texts:
                events.append(TextDelta(content, index, bool(reason)))
            else:
                events += self._texts.take(content, index, last=bool(reason))
        if rest is not None:
            _decode_after_text(rest, index, events)
        if not index and (logprobs := choice.get("logprobs")):
            events.extend(_logprobs(logprobs))
        if reason and (known := reason_or_none(reason)) is not None:
            events.append(Finished(known, index, self._output()))
        if usage := choice.get("usage"):
            events.extend(_usage(usage))
        if error := choice.get("error"):
            events.append(failed(error if isinstance(error, dict) else {"message": error}))

    def _output(self) -> tuple[dict[str, Any], ...]:
        thoughts = "".join(self._thoughts_back)
        return ({"reasoning_content": thoughts},) if thoughts else ()

    def _decode_before_text(self, delta: dict[str, Any], index: int, events: list[Event]) -> None:
        """What a delta holds besides its text, as far as models give it before that."""
        if thought := text_or_none(delta.get("reasoning_content")):
            self._thoughts_back.append(thought)
        for thought in _thoughts(delta):
            if index in self._plain_reasoning:
                events.append(ReasoningDelta(thought, index))
            else:
                events += self._reasoning.take(thought, index)
        if refusal := text_or_none(delta.get("refusal")):
            events.append(RefusalDelta(refusal, index))
        audio = delta.get("audio")
        if isinstance(audio, dict) and (transcript := text_or_none(audio.get("transcript"))):
            events.append(TextDelta(transcript, index))
        if isinstance(content := delta.get("content"), list):
            for part in _parts(content, index):
                if type(part) is TextDelta and index not in self._plain_texts:
                    events += self._texts.take(part.text, index)
                else:
                    events.append(part)

    def _said_in(self, choice: dict[str, Any], index: int) -> Any:
        """What is new in a choice with a message: its delta, if it says anything, else the message.

        Where an answer comes in deltas, a message beside them is the whole so far.
        """
        delta, message = choice.get("delta"), choice["message"]
        if not isinstance(message, dict) or not isinstance(delta, dict):
            return delta or message
        if any(value for name, value in delta.items() if name != "role"):
            self._in_deltas.add(index)
        return delta if index in self._in_deltas else message

    def _decode_response(self, payload: dict[str, Any]) -> list[Event] | None:
        """Decode an event of the other API, as some servers send here."""
        is_first = self._responses is None
        if self._responses is None:
            if self._new_responses is None:
                return None
            self._responses = self._new_responses()
        whole = self._responses.decode_whole if "output" in payload else self._responses.decode
        decoded = whole(payload)
        self.ended = self._responses.ended
        if decoded is None and is_first:
            self._responses = None  # what nobody knows says nothing about the rest
        return [_OTHER_API, *decoded] if decoded is not None and is_first else decoded


def _usage(usage: Any) -> list[Event]:
    counts = usage_from(usage)
    return [] if counts is None else [UsageReported(counts)]


def _logprobs(logprobs: Any) -> list[Event]:
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    return [LogprobsReported(tuple(tokens))] if isinstance(tokens, list) and tokens else []


def _decode_after_text(delta: dict[str, Any], index: int, events: list[Event]) -> None:
    """What a delta holds besides its text, as far as models give it after that."""
    if audio := delta.get("audio"):
        events += sound_in(audio, index)
    for image in objects(delta.get("images")):
        events += medium("image", image, choice=index)
    events.extend(annotated(annotation, choice=index) for annotation in objects(delta.get("annotations")))
    if calls := delta.get("tool_calls"):
        events.extend(_tool_call(call, index) for call in objects(calls))
    if isinstance(call := delta.get("function_call"), dict) and any(call.values()):
        events.append(_tool_call({"index": 0, "function": call}, index))


def _thoughts(delta: dict[str, Any]) -> Iterator[str]:
    """The reasoning, which has two names and may come under both, or only as a list of details."""
    fields = [text for name in ("reasoning_content", "reasoning") if (text := text_or_none(delta.get(name)))]
    details = delta.get("reasoning_details")
    if details:
        told = (text_or_none(each.get("text")) or text_or_none(each.get("summary")) for each in objects(details))
        thoughts = [thought for thought in told if thought]
        # Those of one delta are parts of their own: pieces of one part come in deltas of their own.
        if thoughts and (not fields or fields[0] == "".join(thoughts)):
            yield PARAGRAPH_BREAK.join(thoughts)
            return
    yield from dict.fromkeys(fields)


def _parts(content: list[Any], index: int) -> Iterator[Event]:
    """Content as a list of parts: text, thoughts (which are lists of parts again), media."""
    thought = False  # whether the part before is one
    for part in content:
        after, thought = thought, isinstance(part, dict) and part.get("type") == "thinking"
        if isinstance(part, str) and part:
            yield TextDelta(part, index)
        elif isinstance(part, dict):
            kind = part.get("type")
            if kind == "thinking":
                inner = part.get("thinking")
                texts = [inner] if isinstance(inner, str) else [each.get("text") for each in objects(inner)]
                if said := "".join(text for text in texts if isinstance(text, str)):
                    yield ReasoningDelta(PARAGRAPH_BREAK + said if after else said, index)
            elif text := text_or_none(part.get("text")):
                yield TextDelta(text, index)
            elif refusal := text_or_none(part.get("refusal")):
                yield RefusalDelta(refusal, index)
            elif kind == "reference":
                yield annotated(part, choice=index)
            elif isinstance(kind, str) and kind in _MEDIA:
                yield from medium(_MEDIA[kind], part, choice=index)


def _tool_call(call: dict[str, Any], choice: int) -> ToolCallDelta:
    is_custom = isinstance(call.get("custom"), dict) and not call.get("function")
    function = named if isinstance(named := call.get("custom" if is_custom else "function"), dict) else {}
    arguments = function.get("input" if is_custom else "arguments")
    if isinstance(arguments, dict | list):
        arguments = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    return ToolCallDelta(
        index=index if isinstance(index := call.get("index"), int) else None,
        id=name_or_none(call.get("id")),
        name=name_or_none(function.get("name")),
        arguments=text_or_none(arguments) or "",
        choice=choice,
        custom=is_custom,
    )
