"""A second decoder to measure the first one by: a whole body in, the answer's text after each event out.

Written plainly from the WHATWG rules and the two API references, and sharing no code with the package. It guesses and
forgives nothing: at the first event that is odd in any way it stops, and says only what stood before it. It must not
know how the package decides any odd case.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    _ReadPayload = Callable[["Reading", dict[str, Any]], None]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_UNKNOWN_FIELD = re.compile(rb"[a-z][a-z0-9_-]*")
_REASONS = {None, "", "stop", "length", "content_filter", "tool_calls", "function_call"}
_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
_WITHOUT_TEXT = {"response.created", "response.queued", "response.in_progress", "response.content_part.added"}
_ITEMS_WITHOUT_TEXT = {"function_call", "reasoning", "web_search_call"}
_WITHOUT_TEXT_GROUPS = (
    "response.function_call_arguments.",
    "response.output_text.annotation.",
    "response.reasoning_",
    "response.refusal.",
    "response.web_search_call.",
)


class _OddError(Exception):
    """Something that only a forgiving decoder reads on from."""


def joined(text: str, *, more_may_come: bool) -> str:
    """`text` with its surrogate halves joined; a high half at the very end waits for its other half."""
    if more_may_come and text and "\ud800" <= text[-1] <= "\udbff":
        text = text[:-1]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@dataclass
class Reading:
    """What a body says up to its first odd event."""

    text: str = ""
    finish_reason: str | None = None
    usage: tuple[int, int] | None = None
    whole: bool = False  # read to the end of the answer, and nothing was odd
    steps: list[tuple[int, str]] = field(default_factory=list)  # after so many bytes: so much text, halves unjoined

    over: bool = False  # the wire's own last event has come
    part: tuple[Any, ...] | None = None  # Responses: which content part the text belongs to
    part_done: bool = False


def strict_reading(body: bytes, api: str) -> Reading:
    """Read a body as far as it is beyond doubt."""
    reading = Reading()
    try:
        _read(reading, body, _read_chat if api == "chat" else _read_responses)
    except (_OddError, ValueError, TypeError, LookupError, RecursionError):
        # Values of another type than the reference gives them are odd like the rest.
        reading.text = reading.steps[-1][1] if reading.steps else ""
    else:
        reading.whole = True
    return reading


def _read(reading: Reading, body: bytes, read_payload: _ReadPayload) -> None:
    data: list[bytes] = []
    event = b""
    position = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    for end in _LINE_END.finditer(body, position):
        line, position = body[position : end.start()], end.end()
        name, colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                _dispatch(reading, b"\n".join(data), event.decode(), read_payload)
                reading.steps.append((position, reading.text))
                if reading.over:
                    return
            data, event = [], b""
        elif name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
        elif name in {b"", b"id", b"retry"}:
            continue  # a comment, or what serves reconnection
        elif name == b"error" or not colon or not _UNKNOWN_FIELD.fullmatch(name):
            raise _OddError
    if data or position < len(body):
        raise _OddError


def _dispatch(reading: Reading, data: bytes, event: str, read_payload: _ReadPayload) -> None:
    if data == b"[DONE]":
        reading.over = True
        return
    payload = json.loads(data.decode(), parse_constant=_refuse)
    if not isinstance(payload, dict):
        raise _OddError
    if event not in {"", "message", payload.get("type")} or payload.get("error") is not None or "detail" in payload:
        raise _OddError
    read_payload(reading, payload)
    if "<think>" in reading.text or "</think>" in reading.text:
        raise _OddError


def _refuse(constant: str) -> None:
    raise _OddError(constant)


def _count_usage(reading: Reading, usage: Any, given: str, made: str) -> None:
    if isinstance(usage, dict) and type(usage.get(given)) is type(usage.get(made)) is int:
        reading.usage = (usage[given], usage[made])


# --- Chat Completions -------------------------------------------------------------------------------------------------


def _read_chat(reading: Reading, payload: dict[str, Any]) -> None:
    choices = payload.get("choices")
    if "type" in payload or payload.get("object") == "error" or not isinstance(choices, list):
        raise _OddError
    _count_usage(reading, payload.get("usage"), "prompt_tokens", "completion_tokens")
    texts = [_choice_text(reading, choice) for choice in choices]
    reading.text += "".join(texts)


def _choice_text(reading: Reading, choice: Any) -> str:
    """The text that a choice adds to the first answer."""
    if not isinstance(choice, dict) or {"error", "message", "text"} & set(choice):
        raise _OddError
    index, delta, reason = choice.get("index"), choice.get("delta") or {}, choice.get("finish_reason")
    if type(index) is not int or index < 0 or not isinstance(delta, dict) or reason not in _REASONS:
        raise _OddError
    content = delta.get("content") or ""
    if not isinstance(content, str):
        raise _OddError
    if index:
        if not (reading.text or reading.finish_reason):
            raise _OddError  # is there a first answer at all?
        return ""
    if reason:
        reading.finish_reason = reason
        if content and reading.text and content.startswith(reading.text):
            raise _OddError  # the last piece, or the whole answer once more?
    return content


# --- Responses --------------------------------------------------------------------------------------------------------


def _read_responses(reading: Reading, payload: dict[str, Any]) -> None:
    kind = payload.get("type")
    if kind == "response.output_text.delta":
        _same_part(reading, payload.get("item_id"), payload.get("output_index"), payload.get("content_index"))
        delta = payload.get("delta")
        if reading.part_done or not isinstance(delta, str):
            raise _OddError
        reading.text += delta
    elif kind == "response.output_text.done":
        _same_part(reading, payload.get("item_id"), payload.get("output_index"), payload.get("content_index"))
        _same_text(reading, payload.get("text"))
    elif kind == "response.content_part.done":
        _same_part(reading, payload.get("item_id"), payload.get("output_index"), payload.get("content_index"))
        _same_text(reading, _part_text(payload.get("part")))
    elif kind in {"response.output_item.added", "response.output_item.done"}:
        _read_item(reading, payload.get("output_index"), payload.get("item"), kind)
    elif kind in {"response.completed", "response.incomplete"}:
        _end_responses(reading, kind, payload.get("response"))
    elif kind not in _WITHOUT_TEXT and not (isinstance(kind, str) and kind.startswith(_WITHOUT_TEXT_GROUPS)):
        raise _OddError


def _read_item(reading: Reading, output_index: Any, item: Any, kind: Any) -> None:
    if isinstance(item, dict) and item.get("type") == "message":
        _same_part(reading, item.get("id"), output_index, 0)
        if kind == "response.output_item.added" and reading.text:
            raise _OddError  # the same message again, or a second one?
    if text := _item_text(item):
        _same_text(reading, text)


def _end_responses(reading: Reading, kind: Any, response: Any) -> None:
    if not isinstance(response, dict) or response.get("error") is not None:
        raise _OddError
    if response.get("status") != kind.removeprefix("response."):
        raise _OddError
    if text := "".join(_item_text(item) for item in response.get("output") or ()):
        _same_text(reading, text)
    _count_usage(reading, response.get("usage"), "input_tokens", "output_tokens")
    details = response.get("incomplete_details")
    if (details is None) != (kind == "response.completed"):
        raise _OddError
    reading.finish_reason = "stop" if details is None else _INCOMPLETE[details["reason"]]
    reading.over = True


def _same_part(reading: Reading, *part: Any) -> None:
    reading.part = reading.part or part
    if part != reading.part or [type(value) for value in part] != [str, int, int]:
        raise _OddError


def _same_text(reading: Reading, text: Any) -> None:
    if not isinstance(text, str) or joined(text, more_may_come=False) != joined(reading.text, more_may_come=False):
        raise _OddError
    reading.part_done = True


def _item_text(item: Any) -> str:
    if not isinstance(item, dict):
        raise _OddError
    if item.get("type") in _ITEMS_WITHOUT_TEXT:
        return ""
    if item.get("type") != "message":
        raise _OddError
    return "".join(_part_text(part) for part in item.get("content") or ())


def _part_text(part: Any) -> str:
    if not isinstance(part, dict) or part.get("type") not in {"output_text", "refusal"}:
        raise _OddError
    text = part.get("text") or ""
    if not isinstance(text, str):
        raise _OddError
    return text
