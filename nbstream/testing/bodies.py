r"""Bodies of responses as bytes: the two OpenAI streams, error frames, error bodies.

They are well-formed; faults are made by cutting and joining them:
`chat_body("Hel", finish_reason=None, done=False) + error_frame("Overloaded")`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DONE", "chat_body", "chat_chunk", "error_body", "error_frame", "frame", "responses_body", "whole_chat"]

DONE = b"data: [DONE]\n\n"
"""The frame that ends a Chat Completions stream."""


def frame(payload: object, event: str | None = None) -> bytes:
    r"""One server-sent event.

    Args:
        payload: What the event carries: written as JSON, but a string as it is.
        event: The event's name, if it has one.

    Raises:
        TypeError: The payload cannot be written as JSON.

    Example:
        >>> frame({"a": 1}, "ping")
        b'event: ping\ndata: {"a":1}\n\n'
        >>> frame("[DONE]")
        b'data: [DONE]\n\n'
    """
    data = payload if isinstance(payload, str) else _dump(payload)
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {data}\n\n".encode()


def chat_chunk(
    delta: Mapping[str, Any] | str = "", finish_reason: str | None = None, *, index: int = 0, **fields: Any
) -> bytes:
    r"""One chunk of a Chat Completions stream, as a server-sent event.

    Args:
        delta: What is new: a piece of text, or a whole `delta` object (tool calls, reasoning, a refusal).
        finish_reason: Why the answer ends, in the chunk that says so.
        index: Which of several answers this is about.
        fields: Further fields of the chunk, or others in place of the usual ones (`model`, `id`, `usage`).

    Raises:
        TypeError: Something cannot be written as JSON.

    Example:
        >>> chunk = chat_chunk({"reasoning_content": "Hm."})
        >>> b'"delta":{"reasoning_content":"Hm."}' in chunk
        True
    """
    told: Mapping[str, Any] = ({"content": delta} if delta else {}) if isinstance(delta, str) else delta
    choice = {"index": index, "delta": told, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return frame({**head, **fields})


def chat_body(
    *pieces: str,
    finish_reason: str | None = "stop",
    usage: tuple[int, int] | None = None,
    done: bool = True,
    **fields: Any,
) -> bytes:
    r"""A Chat Completions stream.

    Args:
        pieces: The answer's text, one chunk each.
        finish_reason: Why it ends; `None` leaves out the chunk that says so.
        usage: Tokens in and out, in a last chunk; `None` leaves it out.
        done: Whether `[DONE]` ends the stream.
        fields: Fields of every chunk, such as `model="m-1"`.

    Raises:
        TypeError: A field cannot be written as JSON.

    Example:
        >>> chat_body("Hel", "lo", usage=(3, 2)).count(b"data: ")
        6
        >>> chat_body(finish_reason=None)
        b'data: [DONE]\n\n'
    """
    frames = [chat_chunk({"role": "assistant", "content": ""}, **fields)] if pieces else []
    frames += [chat_chunk(piece, **fields) for piece in pieces]
    if finish_reason is not None:
        frames.append(chat_chunk("", finish_reason, **fields))
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        frames.append(chat_chunk(**{**fields, "choices": [], "usage": counts}))
    return b"".join(frames) + (DONE if done else b"")


def whole_chat(text: str, *, finish_reason: str = "stop") -> bytes:
    """A Chat Completions answer in one piece, as servers that ignore `stream` send it: JSON, not events.

    Args:
        text: The answer.
        finish_reason: Why it ends.

    Example:
        >>> json.loads(whole_chat("Hello"))["choices"][0]["message"]["content"]
        'Hello'
    """
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    return _dump({**head, "choices": [choice]}).encode()


def responses_body(
    *pieces: str,
    status: str | None = "completed",
    reason: str = "max_output_tokens",
    usage: tuple[int, int] | None = None,
    after: int = -1,
    **fields: Any,
) -> bytes:
    r"""A Responses stream. Its events are numbered (`sequence_number`) from 0.

    Args:
        pieces: The answer's text, one event each.
        status: How it ends: `"completed"`, `"incomplete"` or `"failed"`; `None` leaves the end out.
        reason: Why, if it ends `"incomplete"`: `"max_output_tokens"` or `"content_filter"`.
        usage: Tokens in and out, as the last event reports them; `None` if it does not.
        after: Leave out the events up to this number, as a server that is asked to resume there does.
        fields: Fields of the response object, such as `id="resp_7"` or `model="m-1"`.

    Raises:
        TypeError: A field cannot be written as JSON.

    Example:
        >>> body = responses_body("Hel", "lo")
        >>> resumed = responses_body("Hel", "lo", after=4)
        >>> body.endswith(resumed), resumed.count(b"output_text.delta"), resumed[:33]
        (True, 2, b'event: response.output_text.delta')
    """
    text = "".join(pieces)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "annotations": [], "text": text}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [], **fields}
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
    item = {**message, "status": "in_progress", "content": []}
    under_way = {**response, "status": "in_progress"}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": under_way}),
        ("response.in_progress", {"response": under_way}),
        ("response.output_item.added", {"output_index": 0, "item": item}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        *(("response.output_text.delta", {**place, "delta": piece}) for piece in pieces),
    ]
    if status is not None:
        ended: dict[str, Any] = {**response, "status": status, "usage": None}
        if usage is not None:
            ended["usage"] = {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)}
        if status == "failed":
            ended["error"] = {"code": "server_error", "message": "The model failed."}
        else:
            item = {**message, "status": status, "content": [part]}
            ended |= {"output": [item]} | ({"incomplete_details": {"reason": reason}} if status != "completed" else {})
            events += [
                ("response.output_text.done", {**place, "text": text}),
                ("response.content_part.done", {**place, "part": part}),
                ("response.output_item.done", {"output_index": 0, "item": item}),
            ]
        events.append((f"response.{status}", {"response": ended}))
    numbered = [frame({"type": kind, "sequence_number": at, **rest}, kind) for at, (kind, rest) in enumerate(events)]
    return b"".join(numbered[after + 1 :])


def error_frame(
    message: str, code: str | int | None = None, kind: str | None = "server_error", *, event: str | None = None
) -> bytes:
    r"""An error inside a stream.

    Args:
        message: The server's words.
        code: Its code, if it gives one.
        kind: The error's `type`, if it gives one.
        event: The name of the server-sent event, if it has one (`"error"` on some servers).

    Example:
        >>> error_frame("Overloaded", "busy")
        b'data: {"error":{"message":"Overloaded","type":"server_error","code":"busy"}}\n\n'
    """
    return frame(json.loads(error_body(message, code, kind)), event)


def error_body(message: str, code: str | int | None = None, kind: str | None = "server_error") -> bytes:
    """The body of a response with an error status, as OpenAI writes it.

    Args:
        message: The server's words.
        code: Its code, if it gives one.
        kind: The error's `type`, if it gives one.

    Example:
        >>> error_body("Slow down", "rate_limit_exceeded", None)
        b'{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}'
    """
    given = {"message": message, "type": kind, "code": code}
    return _dump({"error": {name: value for name, value in given.items() if value is not None}}).encode()


def _dump(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
