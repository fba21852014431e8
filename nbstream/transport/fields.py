"""Fields that both wire formats share and that servers fill in loosely: errors, reasons, counts, optional strings."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from nbstream.events import Annotated, Failed, Warned
from nbstream.result import Usage
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "UNSHOWN_MEDIA",
    "annotated",
    "bytes_of",
    "data_of",
    "error_in",
    "failed",
    "name_or_none",
    "objects",
    "reason_or_none",
    "text_or_none",
    "usage_from",
]


def error_in(payload: dict[str, Any], event: str = "") -> dict[str, Any] | None:
    """The error that a JSON object reports, as `{"message", "code", …}`; `None` if it reports none.

    Args:
        payload: The object, from the stream or from a body with an error status.
        event: The SSE event name, for servers that say `event: error` and leave out the `error` key.
    """
    error = payload.get("error")
    if isinstance(error, dict) and (error or "choices" not in payload):
        return error
    if error and not isinstance(error, dict):
        return {"message": error if isinstance(error, str | list) else payload.get("message")}
    if "choices" not in payload and (errors := payload.get("errors")):
        return {"message": errors}
    if event == "error" or payload.get("type") == "error" or payload.get("object") == "error":
        return payload
    if "choices" not in payload and "type" not in payload and ("detail" in payload or _says_something(payload)):
        return payload  # FastAPI's habit, and that of servers that give no name to the event
    return None


def _says_something(payload: dict[str, Any]) -> bool:
    """Whether it has a message and a code that does not mean success."""
    code = payload.get("code")
    return isinstance(payload.get("message"), str) and bool(code) and not str(code).startswith("2")


def failed(error: Mapping[str, Any], status: int | None = None) -> Failed:
    """The event for an error object, whose fields vary between servers.

    Args:
        error: The object.
        status: The HTTP status, if the error is the body of a response that has one.
    """
    words = error.get("message") or error.get("detail") or "no message"
    if isinstance(words, list):
        words = "; ".join(map(_in_words, words))
    message = plain(encodable(str(words)))
    names = [error.get("code"), error.get("type")]
    said = [plain(encodable(str(name))) for name in names if isinstance(name, str | int) and name not in ("", "error")]
    kind, retryable = _judged(" ".join(said).lower(), message.lower(), status or _status_in(error))
    return Failed(message, said[0] if said else None, kind, retryable)


def _in_words(detail: Any) -> str:
    """One of several things that are wrong; FastAPI says where (`loc`) and what (`msg`)."""
    if not isinstance(detail, dict) or not (said := detail.get("msg") or detail.get("message")):
        return str(detail)
    place = detail.get("loc")
    return f"{'.'.join(map(str, place))}: {said}" if isinstance(place, list) and place else str(said)


_QUOTA = re.compile(r"insufficient_quota|billing|quota_exceeded|insufficient.(credit|balance|fund)|current quota")
_CONTEXT = re.compile(
    r"context_length|context.(length|window|size)|maximum context|too many tokens|token limit|prompt is too long|"
    r"exceed\w* the available context"
)
_RATE = re.compile(r"rate.?limit|too_many_requests|throttl")
_SERVER = re.compile(r"server_error|internal_error|overloaded|unavailable|timeout|bad_gateway")
_AUTHENTICATION = re.compile(r"invalid_api_key|authentication|permission|unauthorized|forbidden")
_REJECTED = re.compile(r"invalid_request|invalid_value|bad_?request|unprocessable")


def _judged(code: str, message: str, status: int | None) -> tuple[str, bool]:
    """What an error amounts to, as the kind of a `StreamError`, and whether sending again may help."""
    if _QUOTA.search(code) or status == 402 or (_QUOTA.search(message) and status in {None, 403, 429}):
        return "quota", False
    if _CONTEXT.search(code) or (status != 429 and _CONTEXT.search(message)):
        return "context_length", False
    if status == 429 or (status is None and _RATE.search(code)):
        return "rate_limit", True
    if status in {401, 403} or (status is None and _AUTHENTICATION.search(code)):
        return "authentication", False
    if status == 404 or "model_not_found" in code:
        return "not_found", False
    if status is not None and status < 500:
        return "rejected", status in {408, 409, 425}
    if status is None and _REJECTED.search(code):
        return "rejected", False
    return "server", status is not None or bool(_SERVER.search(code))


def _status_in(error: Mapping[str, Any]) -> int | None:
    """The HTTP status that an error object inside a stream names; the response itself had status 200."""
    for name in ("code", "status", "status_code", "http_status_code"):
        value = error.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


_REASONS = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "safety": "content_filter",
    "content-filter": "content_filter",
}
_OPENAI_REASONS = {"stop", "length", "tool_calls", "content_filter"}


def reason_or_none(value: Any) -> str | None:
    """Why an answer ends: in OpenAI's word where the server's means the same, else in the server's own."""
    reason = name_or_none(value)
    if reason is None:
        return None
    lower = reason.lower()
    return lower if lower in _OPENAI_REASONS else _REASONS.get(lower, reason)


def usage_from(usage: Any) -> Usage | None:
    """Read a `usage` object of either API; one without counts, or with nothing but zeros, says nothing."""
    if not isinstance(usage, dict):
        return None
    given = _first_count(usage, "prompt_tokens", "input_tokens")
    made = _first_count(usage, "completion_tokens", "output_tokens")
    if given is None or made is None or not (given or made):
        return None
    return Usage(
        input_tokens=given,
        output_tokens=made,
        total_tokens=_first_count(usage, "total_tokens") or given + made,
        cached_tokens=_detail(usage, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens"),
        reasoning_tokens=_detail(usage, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens"),
    )


_LONGEST_NAME = 500

UNSHOWN_MEDIA = Warned("unshown_media", "The answer holds an image or sound, which is not shown.")


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, which may be anything."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_or_none(value: Any) -> str | None:
    """A string that says something, or `None`."""
    return value if isinstance(value, str) and value else None


def name_or_none(value: Any) -> str | None:
    """A name (of a model, an answer, a tool, a reason) that is fit to be shown and stored, or `None`."""
    return plain(encodable(value[:_LONGEST_NAME])) or None if isinstance(value, str) else None


def annotated(annotation: dict[str, Any], part: int | None = None, choice: int = 0) -> Annotated:
    """The event for a citation; Chat Completions puts the fields of one into an object of its own."""
    inner = annotation.get(str(annotation.get("type")))
    fields = inner if isinstance(inner, dict) else annotation
    start, end = fields.get("start_index"), fields.get("end_index")
    if type(start) is int and type(end) is int and 0 <= start <= end:
        return Annotated(annotation, part, start, end, choice)
    return Annotated(annotation, part, choice=choice)


def bytes_of(value: Any) -> bytes:
    """The bytes that a string of base64 stands for; none if it is something else."""
    if not isinstance(value, str):
        return b""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return b""


def data_of(url: str) -> tuple[bytes, str | None]:
    """The bytes and the MIME type of a `data:` address (RFC 2397)."""
    head, _, coded = url.removeprefix("data:").partition(",")
    media_type, *parameters = head.split(";")
    data = bytes_of(coded) if "base64" in parameters else unquote_to_bytes(coded.encode("utf-8", "replace"))
    return data, name_or_none(media_type)


def _first_count(counts: dict[str, Any], *names: str) -> int | None:
    return next((count for name in names if type(count := counts.get(name)) is int and count >= 0), None)


def _detail(usage: dict[str, Any], groups: tuple[str, ...], name: str) -> int | None:
    details = next((group for key in groups if isinstance(group := usage.get(key), dict)), {})
    return _first_count(details, name)
