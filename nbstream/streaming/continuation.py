"""How an answer that broke off can be continued. How a stream is started is injected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.parts import ReasoningPart, RefusalPart, TextPart, ToolCallPart
from nbstream.result import StreamState
from nbstream.text.place import place_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.parts import Part
    from nbstream.request import Images, Position, StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Continuation"]


class Continuation:
    """What a result keeps in order to be resumed. It leads to a key, so it is left out of pickles and deep copies.

    Args:
        request: The original request.
        position: The resume point of a background response.
        start: Starts a stream for a request, with the answer so far.

    Attributes:
        request: What was asked.
    """

    __slots__ = ("_position", "_start", "request")

    def __init__(
        self,
        request: StreamRequest,
        position: Position | None,
        start: Callable[[StreamRequest, StreamResult, bool], Any],
    ) -> None:
        self.request = replace(request, partial_answer="", position=None)
        self._position = position
        self._start = start

    @property
    def in_background(self) -> bool:
        """Whether the server continues the answer without us, so that it can be resumed where it broke off."""
        return self._position is not None

    @property
    def images(self) -> Images:
        """Whether the answer was asked for with images from other servers as links or loaded."""
        return self.request.images

    def resume(self, result: StreamResult, *, display: bool) -> Any:
        """Start the stream that continues `result`; returns its handle.

        Raises:
            UsageError: There is nothing to continue.
        """
        if result.state is StreamState.COMPLETED and result.finish_reason not in {"length", None}:
            raise UsageError("the answer is complete; there is nothing to continue")
        if not result.state.terminal:
            raise UsageError("the answer is still arriving")
        if {"messages", "input"} & set(self.request.params):
            raise UsageError("a request whose messages or input are given as a parameter cannot be continued")
        if result.choices:
            raise UsageError("several answers (n above 1) cannot be continued")
        result = _last_round(self.request.earlier, result)
        if result.tool_runs:
            raise UsageError("a tool was called and its result was never sent; ask again to go on")
        request = replace(self.request, partial_answer=result.text, place=place_here())
        # Only text can be sent back: a call that was cut short will be made again, and so will thoughts without text.
        kept = tuple(part for part in result.parts if not isinstance(part, ToolCallPart | RefusalPart))
        if not result.text:
            kept = tuple(part for part in kept if not isinstance(part, ReasoningPart))
        beginning = replace(result, parts=kept)
        if self._position is not None and result.state is not StreamState.COMPLETED:
            request, beginning = replace(request, partial_answer="", position=self._position), result
            if self._position.half:  # its other half is yet to arrive
                beginning = replace(result, parts=_with_half(result.parts, self._position.half))
        return self._start(request, beginning, display)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


def _last_round(earlier: StreamResult | None, result: StreamResult) -> StreamResult:
    """What the last of several rounds has given."""
    if earlier is None:
        return result
    parts, rounds = result.parts[len(earlier.parts) :], result.rounds[len(earlier.all_rounds) :]
    return replace(result, parts=parts, rounds=rounds)


def _with_half(parts: tuple[Part, ...], half: str) -> tuple[Part, ...]:
    """The parts with the first half of a character at the end of the last text, instead of its placeholder."""
    at = max((place for place, part in enumerate(parts) if isinstance(part, TextPart)), default=None)
    if at is None:
        return parts
    last = parts[at]
    assert isinstance(last, TextPart)
    return (*parts[:at], replace(last, text=last.text.removesuffix("\ufffd") + half), *parts[at + 1 :])
