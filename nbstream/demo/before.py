"""What comes before the text of an answer: thoughts, a picture with its previews, calls of MCP servers. Pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbstream.demo import tokens
from nbstream.demo.answers import topic_of
from nbstream.demo.picture import pictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.demo.calls import Call
    from nbstream.demo.request import Order

__all__ = ["Done", "Look", "Thought", "before", "citations_in", "coded", "image_url"]

_LINK = re.compile(r"\[([^\]\n]+)\]\((https://[^)\s]+)\)")
_NO_EFFORT = {None, "none", "minimal"}
_THOUGHTS = (
    "**I am a script**, so this is no thinking: it is prepared, and comes where a real model's reasoning comes.",
    "The first of my texts that has its words in the question is the answer. I go through them in their order.",
    "I have found it. One more thing before I answer: thoughts are tokens too, and are billed as output.",
)
_LINES = {"minimal": 1, "low": 1, "medium": 2}


@dataclass(frozen=True, slots=True)
class Thought:
    """A token of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """A picture: a preview, or the picture itself.

    Attributes:
        number: Which of them.
        last: Whether it is the picture itself.
    """

    number: int
    last: bool = False

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return pictures()[self.number]


@dataclass(frozen=True, slots=True)
class Done:
    """A call of an MCP server, which the demo makes up."""

    call: Call


def before(order: Order) -> tuple[Thought | Look, ...]:
    """What comes before the text: of a question that wants it, and of none that is to be continued."""
    if order.begun:
        return ()
    topic, effort = topic_of(order.messages), _effort(order.body)
    pieces: list[Thought | Look] = []
    if topic == "reasoning" or effort not in _NO_EFFORT:
        lines = _THOUGHTS[: _LINES.get(str(effort), len(_THOUGHTS))]
        pieces += map(Thought, tokens.split("\n\n".join(lines)))
    if topic == "picture":
        count = len(pictures())
        pieces += [Look(number, last=number == count - 1) for number in range(count)]
    return tuple(pieces)


def citations_in(messages: Sequence[Any], text: str) -> list[dict[str, Any]]:
    """The links of an answer with sources, as either API cites them: an address, a title and the span in the text."""
    if topic_of(messages) != "sources":
        return []
    found = _LINK.finditer(text)
    return [{"url": each[2], "title": each[1], "start_index": each.start(), "end_index": each.end()} for each in found]


def coded(look: Look) -> str:
    """A picture as base64."""
    return base64.b64encode(look.data).decode()


def image_url(look: Look) -> dict[str, Any]:
    """A picture as chat completions hold it."""
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{coded(look)}"}, "index": 0}


def _effort(body: Mapping[str, Any]) -> Any:
    within = body.get("reasoning")
    return within.get("effort") if isinstance(within, dict) else body.get("reasoning_effort")
