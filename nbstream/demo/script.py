"""From a request to the tokens of its answer. Knows neither wire format nor pace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbstream.demo import tokens
from nbstream.demo.answers import NOTICE, compose, question_in
from nbstream.demo.before import Done, Look, Thought, before, citations_in
from nbstream.demo.calls import MADE_UP, Call, CallPiece, allowed_in, calls_of, pieces_of, results_of
from nbstream.demo.moderation import blocks
from nbstream.demo.values import json_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nbstream.demo.request import Order

Piece: TypeAlias = "str | Thought | Look | Done | CallPiece"


@dataclass(frozen=True, slots=True)
class Script:
    """An answer before it is sent.

    Attributes:
        pieces: The answer's tokens, what comes before its text, and the tokens of its calls.
        finish_reason: "length" if the request's limit cut the answer, "tool_calls" if it ends with calls,
            "content_filter" if moderation blocks it.
        input_tokens: Tokens of all messages of the request, in the demo's own tokens.
        citations: The sources that the text names.
    """

    pieces: tuple[Piece, ...]
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]
    input_tokens: int
    citations: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, order: Order) -> Script:
        """The answer to `order`; only the rest of it, if the request has its beginning."""
        asked = sum(len(tokens.split(message.text)) for message in order.messages)
        if any(blocks(order, "input", message.text) for message in order.messages if message.role != "assistant"):
            return cls((), "content_filter", asked)
        wanted = calls_of(order.messages, order.tools)
        allowed = [*allowed_in(order.body.get("input"))]
        made = [*allowed, *(call for call in wanted if call.server and not call.asks)]
        calls = [call for call in wanted if call not in made]
        bare = wanted or order.schema is not None or order.messages[-1].role == "tool"
        begun: tuple[Piece, ...] = tuple(map(Done, made)) if bare else before(order)
        pieces: tuple[Piece, ...] = (
            *begun,
            *tokens.split(_text(order, calls, made_up=bool(made) and not allowed)),
            *pieces_of(calls),
        )
        kept = pieces[: order.max_tokens]
        text = "".join(piece for piece in kept if isinstance(piece, str))
        ended: Literal["stop", "length", "tool_calls"] = (
            "length" if kept != pieces else "tool_calls" if calls else "stop"
        )
        blocked = blocks(order, "output", text)
        return cls(kept, "content_filter" if blocked else ended, asked, tuple(citations_in(order.messages, text)))

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def thoughts(self) -> str:
        """All that it thinks."""
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Thought))

    @property
    def picture(self) -> Look | None:
        """The picture, if it is there."""
        return next((piece for piece in self.pieces if isinstance(piece, Look) and piece.last), None)

    @property
    def thought_tokens(self) -> int:
        """Tokens of what it thinks."""
        return sum(isinstance(piece, Thought) for piece in self.pieces)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that it makes; one that is cut has half its arguments."""
        pieces = [piece for piece in self.pieces if isinstance(piece, CallPiece)]
        begun = {piece.index: piece.call for piece in pieces}
        return tuple(
            replace(call, arguments="".join(piece.text for piece in pieces if piece.index == index))
            for index, call in begun.items()
        )

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer."""
        return len(self.pieces)


def _text(order: Order, calls: Sequence[Call], *, made_up: bool) -> str:
    if calls:
        return f"{NOTICE}\n\nLet me look that up." if order.messages[-1].role == "user" else ""
    if order.schema is not None:
        return _json(order, order.schema)
    if made_up:
        return f"{NOTICE}\n\n{MADE_UP}"
    if order.messages[-1].role == "tool":
        lines = [f"* `{call}`: {result}" for call, result in results_of(order.messages)]
        return "\n".join(["This is what the tools returned:\n", *lines])
    text = _stopped(compose(order.conversation), order.stop)
    if text.startswith(order.begun):
        return text[len(order.begun) :]
    return _stopped(compose(order.messages), order.stop)


def _json(order: Order, schema: Mapping[str, Any]) -> str:
    asked = order.conversation
    answers = sum(message.role == "assistant" and message.text != "" for message in asked)
    # That an answer did not fit is said below it; how long lists are, in what was asked first.
    text = json_for(schema, question_in(asked, first=bool(order.misfits)), misfit=answers < order.misfits)
    text = _stopped(text, order.stop)
    return text.removeprefix(order.begun)


def _stopped(text: str, stop: tuple[str, ...]) -> str:
    ends = [at for sequence in stop if (at := text.find(sequence)) >= 0]
    return text[: min(ends, default=len(text))]
