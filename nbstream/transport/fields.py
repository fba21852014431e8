"""Fields that both wire formats share and that servers fill in loosely: reasons, counts, optional strings."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote_to_bytes

from nbstream.events import Annotated
from nbstream.result import Usage
from nbstream.text.plain import encodable, plain

__all__ = [
    "annotated",
    "bytes_of",
    "data_of",
    "name_or_none",
    "objects",
    "reason_or_none",
    "text_or_none",
    "usage_from",
]


_REASONS = {
    "complete": "stop",
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
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "prohibited_content": "content_filter",
    "sensitive": "content_filter",
}
_NO_REASONS = {"null", "none", "undefined"}  # DashScope's word on all chunks but the last
_OPENAI_REASONS = {"stop", "length", "tool_calls", "content_filter"}


def reason_or_none(value: Any) -> str | None:
    """Why an answer ends: in OpenAI's word where the server's means the same, else in the server's own."""
    reason = name_or_none(value)
    if reason is None or (lower := reason.lower()) in _NO_REASONS:
        return None
    return lower if lower in _OPENAI_REASONS else _REASONS.get(lower, reason)


def usage_from(usage: Any) -> Usage | None:
    """Read a `usage` object of either API; one without counts, or with nothing but zeros, says nothing."""
    if not isinstance(usage, dict):
        return None
    given = _first_count(usage, "prompt_tokens", "input_tokens")
    made = _first_count(usage, "completion_tokens", "output_tokens")
    if given is None or made is None or not (given or made):
        return None
    of_input = ("prompt_tokens_details", "input_tokens_details")
    cached, written = (_detail(usage, of_input, name) for name in ("cached_tokens", "cache_write_tokens"))
    if written is None:  # as proxies for Anthropic's models have it
        written = _first_count(usage, "cache_creation_input_tokens")
    if cached is None:  # Moonshot and DeepSeek have it beside the other counts
        cached = _first_count(usage, "cached_tokens", "prompt_cache_hit_tokens")
    return Usage(
        input_tokens=given,
        output_tokens=made,
        total_tokens=_first_count(usage, "total_tokens") or given + made,
        cached_tokens=cached,
        reasoning_tokens=_detail(usage, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens"),
        cache_write_tokens=written,
    )


_LONGEST_NAME = 500


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
