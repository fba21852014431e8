"""The edge at which a server's words come in: without the key that they may repeat, and fit to be shown.

What the answer consists of stays exactly as it came: text, thoughts, a refusal, the arguments of calls, log
probabilities. Everything else that is text (ids, names, reasons, codes, messages, citations, items) is cleaned here.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, get_args

from nbstream.events import (
    Event,
    LogprobsReported,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    ToolCallRevised,
    UsageReported,
    Warned,
)
from nbstream.text.plain import truncated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import Endpoint

__all__ = ["EXACT", "ServerWords", "shortened"]

EXACT: set[type[Any]] = {
    *(TextDelta, TextRevised, ReasoningDelta, RefusalDelta, ToolCallRevised),
    *(LogprobsReported, UsageReported, Warned),
}
"""Events of which nothing is changed."""

# The fields that may hold a server's words; what calls and tools are given, and bytes, stay exact.
_TO_CLEAN: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(each.name for each in fields(kind) if each.name not in {"arguments", "data", "input", "index"})
    for kind in get_args(Event)
}
_LONGEST_NAME = 500


class ServerWords:
    """Cleans what one server says.

    Args:
        endpoint: The server, with the key that was sent to it.

    Example:
        >>> from nbstream.events import Started
        >>> from nbstream.request import Endpoint
        >>> from nbstream.settings.credential import Credential
        >>> from nbstream.text.secret import Secret
        >>> words = ServerWords(Endpoint("http://localhost:8000/v1", Credential(Secret("sk-0123456789abcdef"))))
        >>> words.cleaned(Started("m", "chatcmpl-sk-0123456789abcdef"))
        Started(model='m', response_id='chatcmpl-<key>')
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.clean = endpoint.redaction()

    def cleaned(self, event: Event) -> Event:
        """The event without the key, apart from what the answer consists of."""
        if type(event) in EXACT:
            return event
        if type(event) is ToolCallDelta and not (event.id or event.name or event.item_id):
            return event  # nearly all of them
        changed: dict[str, Any] = {}
        for name in _TO_CLEAN[type(event)]:
            value = getattr(event, name)
            if not value:
                continue
            cleaned = self.clean(value) if type(value) is str else self._value(value)
            if cleaned != value:
                changed[name] = cleaned
        return replace(event, **changed) if changed else event

    def header(self, headers: Mapping[str, str], name: str) -> str | None:
        """A response header that is shown and saved."""
        value = headers.get(name)
        return None if value is None else self.clean(str(value)[:_LONGEST_NAME]) or None

    def _value(self, value: Any) -> Any:
        """The value without the key in any text of it; the same object if it is in none."""
        if isinstance(value, str):
            return self.clean.without_key(value)
        if isinstance(value, dict):
            pairs = [(self._value(name), self._value(each)) for name, each in value.items()]
            same = all(name is old and each is value[old] for (name, each), old in zip(pairs, value, strict=True))
            return value if same else dict(pairs)
        if type(value) in {list, tuple}:
            values = [self._value(each) for each in value]
            same = all(new is old for new, old in zip(values, value, strict=True))
            return value if same else type(value)(values)
        return value


def shortened(text: str, limit: int = 80) -> str:
    """The first words on one line, without a final full stop (the sentence around it has its own)."""
    line = " ".join(text.split())
    return truncated(line, limit).rstrip(".")
