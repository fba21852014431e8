"""From a request to the tokens of its answer. Knows neither wire format nor pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nbstream.demo import tokens
from nbstream.demo.answers import compose

if TYPE_CHECKING:
    from nbstream.demo.request import Order


@dataclass(frozen=True, slots=True)
class Script:
    """An answer before it is sent.

    Attributes:
        pieces: The answer's tokens.
        finish_reason: "length" if the request's limit cut the answer.
        input_tokens: Tokens of all messages of the request, in the demo's own tokens.
    """

    pieces: tuple[str, ...]
    finish_reason: Literal["stop", "length"]
    input_tokens: int

    @classmethod
    def of(cls, order: Order) -> Script:
        """The answer to `order`; only the rest of it, if the request has its beginning."""
        pieces = tuple(tokens.split(_text(order)))
        kept = pieces[: order.max_tokens]
        return cls(
            kept,
            "stop" if kept == pieces else "length",
            sum(len(tokens.split(message.text)) for message in order.messages),
        )

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.pieces)

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer."""
        return len(self.pieces)


def _text(order: Order) -> str:
    text = _stopped(compose(order.conversation), order.stop)
    if text.startswith(order.begun):
        return text[len(order.begun) :]
    return _stopped(compose(order.messages), order.stop)


def _stopped(text: str, stop: tuple[str, ...]) -> str:
    ends = [at for sequence in stop if (at := text.find(sequence)) >= 0]
    return text[: min(ends, default=len(text))]
