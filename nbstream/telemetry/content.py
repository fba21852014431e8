"""What was asked and answered, as text and JSON fit to be shown: without the key, without bytes, of bounded length."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from nbstream.recording.described import described
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["answered", "asked", "event_shown", "shortened"]

_LONGEST = 10_000


def asked(request: StreamRequest) -> Any:
    """What is asked, as JSON: no address, no key, and a hash in place of each image.

    Args:
        request: What to describe.
    """
    clean = request.endpoint.redaction()
    return _mapped(clean, described(request))


def answered(result: StreamResult) -> dict[str, Any]:
    """The answer, as JSON.

    Args:
        result: Its result.
    """
    said = {
        "text": result.text,
        "reasoning": result.reasoning,
        "refusal": result.refusal,
        "tool_calls": [{"name": each.name, "arguments": each.arguments} for each in result.tool_calls],
        "error": None if result.error is None else str(result.error),
    }
    return {name: _mapped(encodable, value) for name, value in said.items() if value}


def event_shown(event: Event, longest: int = _LONGEST) -> str:
    """What an event holds, in one line.

    Args:
        event: What has come.
        longest: How many characters to show at the most.

    Example:
        >>> from nbstream.events import EndOfStream, TextDelta, ToolCallDelta
        >>> event_shown(TextDelta("Hel")), event_shown(ToolCallDelta(0, "c1", "now")), event_shown(EndOfStream(True))
        ("'Hel'", "index=0 id='c1' name='now'", 'marked=True')
    """
    held = [(each.name, getattr(event, each.name), each.default) for each in fields(event)]
    told = [(name, value) for name, value, default in held if value is not None and value not in (default, ())]
    shown = (_brief(value) if name == "text" else f"{name}={_brief(value)}" for name, value in told)
    return shortened(" ".join(shown), longest)


def shortened(text: str, longest: int) -> str:
    """The beginning of a text that is too long, with how much is missing.

    Example:
        >>> shortened("abcdef", 4)
        'abcd… (2 more characters)'
    """
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest:,} more characters)"


def _brief(value: Any) -> str:
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if isinstance(value, dict | list | tuple):
        try:
            return plain(json.dumps(value, ensure_ascii=False, default=_brief))
        except (TypeError, ValueError):
            return f"<{type(value).__name__}>"
    return plain(encodable(repr(value)))


def _mapped(clean: Any, value: Any) -> Any:
    """The value with each text in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): _mapped(clean, each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(clean, each) for each in value]
    return value
