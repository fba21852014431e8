"""Reads what an answer has cost while its bytes pass by: as the provider reports it, or else estimated. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jiter

from nbstream.transport.fields import usage_from
from nbstream.transport.sse import OverflowingEventError, SSEDecoder

if TYPE_CHECKING:
    from nbstream.result import Usage

__all__ = ["UsageReader", "estimated_tokens"]

_CHARACTERS_A_TOKEN = 4
"""The rule of thumb that providers give for English; an estimate stays one."""

_ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}
_LARGEST_EVENT = 64 * 1024 * 1024


def estimated_tokens(value: Any) -> int:
    """About how many tokens the texts of a request have; images and files by data do not count.

    Example:
        >>> estimated_tokens({"messages": [{"role": "user", "content": "Explain server-sent events."}]})
        8
    """
    return math.ceil(_characters(value, 0) / _CHARACTERS_A_TOKEN)


def _characters(value: Any, depth: int) -> int:
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value)
    if isinstance(value, dict | list) and depth < 50:
        return sum(_characters(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value))
    return 0


class UsageReader:
    r"""Is given the bytes of one answer.

    Args:
        streamed: Whether they are an event stream, and not one JSON document.

    Attributes:
        usage: What the provider has reported, if it has.
        ended: Whether the answer is over, by the wire's own word.

    Example:
        >>> reader = UsageReader(streamed=True)
        >>> reader.feed(b'data: {"choices": [{"delta": {"content": "Hello"}}]}\n\n')
        >>> reader.ended, reader.usage, reader.estimated_output
        (False, None, 2)
    """

    def __init__(self, *, streamed: bool) -> None:
        self.usage: Usage | None = None
        self.ended = False
        self._decoder = SSEDecoder(_LARGEST_EVENT) if streamed else None
        self._pieces: list[bytes] = []
        self._events = 0
        self._characters = 0

    @property
    def estimated_output(self) -> int:
        """About how many tokens of an answer have come: no fewer than pieces, and a token for four characters."""
        return max(self._events, math.ceil(self._characters / _CHARACTERS_A_TOKEN))

    def feed(self, data: bytes) -> None:
        """Take the next bytes; what cannot be read says nothing."""
        if self._decoder is None:
            self._pieces.append(data)
            return
        try:
            events = self._decoder.feed(data)
        except OverflowingEventError as error:
            events = error.before
        for event in events:
            self._take(event.data)

    def close(self) -> None:
        """There are no more bytes."""
        if self._decoder is None and self._pieces:
            self._take(b"".join(self._pieces))
            self._pieces = []

    def _take(self, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self.ended = True
            return
        try:
            value = jiter.from_json(data)
        except ValueError:
            return
        if not isinstance(value, dict):
            return
        response = value.get("response")
        usage = usage_from(value.get("usage")) or usage_from(
            response.get("usage") if isinstance(response, dict) else None
        )
        self.usage = usage or self.usage
        self.ended = self.ended or value.get("type") in _ENDS or self._decoder is None
        if isinstance(delta := value.get("delta"), str) and str(value.get("type")).endswith(".delta"):
            self._count(len(delta))
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            self._take_choice(choice)

    def _take_choice(self, choice: Any) -> None:
        if not isinstance(choice, dict):
            return
        said = choice.get("delta", choice.get("message"))
        if isinstance(said, dict):
            texts = {name: each for name, each in said.items() if name not in {"role", "obfuscation"}}
            self._count(_characters(texts, 0))
        if choice.get("finish_reason") is not None:
            self.ended = True

    def _count(self, characters: int) -> None:
        if characters:
            self._events += 1
            self._characters += characters
