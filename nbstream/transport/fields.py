"""Fields that both wire formats share and that servers fill in loosely: errors, counts, optional strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.events import Failed
from nbstream.plain import encodable, plain
from nbstream.result import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["error_in", "failed", "name_or_none", "text_or_none", "usage_from"]


def error_in(payload: dict[str, Any], event: str = "") -> dict[str, Any] | None:
    """The error that a JSON object reports, as `{"message", "code", …}`; `None` if it reports none.

    Args:
        payload: The object, from the stream or from a body with an error status.
        event: The SSE event name, for servers that say `event: error` and leave out the `error` key.
    """
    error = payload.get("error")
    if isinstance(error, dict) and (error or "choices" not in payload):
        return error
    if isinstance(error, str) and error:
        return {"message": error}
    if event == "error" or payload.get("type") == "error" or payload.get("object") == "error":
        return payload
    if "detail" in payload and "choices" not in payload and "type" not in payload:
        return payload  # FastAPI's habit
    return None


def failed(error: dict[str, Any], redact: Callable[[str], str] = str) -> Failed:
    """The event for an error object, whose fields vary between servers.

    Args:
        error: The object.
        redact: Takes the key out of the server's words, which may repeat what it was sent.
    """
    message = error.get("message") or error.get("detail") or "no message"
    code = error.get("code") or error.get("type")
    said = plain(encodable(redact(str(message))))
    return Failed(said, None if code is None else plain(encodable(redact(str(code)))))


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


def text_or_none(value: Any) -> str | None:
    """A string that says something, or `None`."""
    return value if isinstance(value, str) and value else None


def name_or_none(value: Any) -> str | None:
    """A name (of a model, an answer, a tool, a reason) that is fit to be shown and stored, or `None`."""
    return plain(encodable(value)) or None if isinstance(value, str) else None


def _first_count(counts: dict[str, Any], *names: str) -> int | None:
    return next((count for name in names if isinstance(count := counts.get(name), int)), None)


def _detail(usage: dict[str, Any], groups: tuple[str, ...], name: str) -> int | None:
    details = next((group for key in groups if isinstance(group := usage.get(key), dict)), {})
    return _first_count(details, name)
