"""Plays a body through decoder and assembler, in pieces, as a session does, and checks what must hold at any time.

Nothing may be raised; what is shown can always be stored; text only grows, unless something that says so takes it back;
the end is one of two states, and final. It must not know what the body should have said.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from nbstream.assembly import Assembler
from nbstream.assembly.state import IllegalTransitionError
from nbstream.errors import ConnectionLostError, InternalError, StreamError
from nbstream.events import EndOfStream, PartResumed, TextDelta, TextRevised
from nbstream.request import Endpoint
from nbstream.result import TextPart
from nbstream.transport.adapters import adapter_for
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nbstream.events import Event
    from nbstream.result import Choice, StreamResult
    from nbstream.transport.wire import Adapter

ADAPTERS: Mapping[str, Callable[[], Adapter]] = {
    api: functools.partial(adapter_for, api) for api in ("chat", "responses")
}
ENDPOINT = Endpoint("http://localhost:8000/v1")


class Played(NamedTuple):
    """What came of a body."""

    result: StreamResult
    texts: list[tuple[int, str]]  # after so many bytes: so much text
    taken_back: bool  # whether text may have become other text, or reasoning


def played(
    body: bytes, api: str, cuts: Sequence[int] = (), *, broken: bool = False, endpoint: Endpoint = ENDPOINT
) -> Played:
    """Decode and assemble a body.

    Args:
        body: The bytes.
        api: Whose they are.
        cuts: Where to cut them, in rising order.
        broken: Whether the connection breaks off after them, instead of ending.
        endpoint: Where they are said to come from.
    """
    decoder = WireDecoder(ADAPTERS[api](), endpoint)
    watched = _Watched(endpoint)
    texts: list[tuple[int, str]] = []
    for start, end in itertools.pairwise((0, *cuts, len(body))):
        watched.feed(decoder.feed(body[start:end]))
        texts.append((end, watched.text))
        if watched.terminal or decoder.ended:
            decoder.feed(body[end:])  # nobody asks for more; it must not raise all the same
            break
    if not broken or decoder.ended:
        watched.feed(decoder.close())
    else:
        watched.feed(decoder.break_off())
        watched.break_off()
    return Played(watched.ended(), texts, watched.taken_back)


class _Watched:
    """An assembler, and what its snapshots have said so far."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.text = ""
        self._assembler = Assembler(model="m", endpoint=endpoint.name)
        self._said = ""
        self.taken_back = False
        self._out_of_order = False
        self._parts: list[str] = []
        self._lowest_choice: int | None = None

    @property
    def terminal(self) -> bool:
        return self._assembler.state.terminal

    def feed(self, events: Iterable[Event]) -> None:
        fed = False
        for event in events:
            if self.terminal:
                break
            self._note(event)
            self._assembler.feed(event)
            fed = True
        if fed:
            snapshot = self._assembler.snapshot()
            check_storable(snapshot)
            self._check_grown(snapshot)

    def break_off(self) -> None:
        if not self.terminal:
            self._assembler.break_off(ConnectionLostError("The connection broke off.", retryable=True))

    def ended(self) -> StreamResult:
        """The result, once it is clear that it is final."""
        result = self._assembler.snapshot()
        self._check_grown(result)
        check_verdict(result)
        with pytest.raises(IllegalTransitionError):
            self._assembler.feed(EndOfStream(marked=True))
        assert self._assembler.state == result.state
        return result

    def _note(self, event: Event) -> None:
        """See whether the event may take text back: other words, a tag of reasoning, an answer with a lower number."""
        choice = getattr(event, "choice", None)
        if isinstance(event, TextDelta):
            self._said = self._said[-8:] + event.text
        self._out_of_order = self._out_of_order or isinstance(event, PartResumed)
        if isinstance(event, TextRevised) or "think>" in self._said:
            self.taken_back = True
        if choice is not None:
            lowest = self._lowest_choice
            self.taken_back = self.taken_back or (lowest is not None and choice < lowest)
            self._lowest_choice = choice if lowest is None else min(choice, lowest)

    def _check_grown(self, snapshot: StreamResult) -> None:
        text, parts = snapshot.text, [part.text for part in snapshot.parts if isinstance(part, TextPart)]
        if self._out_of_order and not text.startswith(self.text):
            self.taken_back = True  # an earlier part has grown
        if not self.taken_back:
            assert text.startswith(self.text), f"{self.text!r} became {text!r}"
            assert all(any(new.startswith(old) for new in parts) for old in self._parts), (
                f"{self._parts} became {parts}"
            )
        self.text, self._parts = text, parts


def check_storable(snapshot: StreamResult) -> None:
    """A notebook is UTF-8 and JSON, and no server may make it something else."""
    json.dumps(snapshot.metadata(), ensure_ascii=False, allow_nan=False).encode()
    answers: list[StreamResult | Choice] = [snapshot, *snapshot.choices]
    for each in answers:
        calls = [text or "" for call in each.tool_calls for text in (call.id, call.name, call.arguments)]
        "".join((each.text, each.reasoning, each.refusal, each.finish_reason or "", *calls)).encode()


def check_verdict(result: StreamResult) -> None:
    """One end: complete, or an error that says why not."""
    assert result.state == ("completed" if result.error is None else "failed")
    assert result.error is None or type(result.error) in _ERRORS
    counts = dataclasses.astuple(result.usage) if result.usage else ()
    assert all(count is None or (type(count) is int and count >= 0) for count in counts), counts
    check_storable(result)
    "".join(value for _, value in result.summary()).encode()
    repr(result).encode()


def _kinds(kind: type[StreamError]) -> set[type[StreamError]]:
    return {kind}.union(*(_kinds(each) for each in kind.__subclasses__()))


_ERRORS = _kinds(StreamError) - {InternalError}


def facts(result: StreamResult) -> tuple[Any, ...]:
    """All that must not depend on the cuts; the error's words come last."""
    error = result.error
    return (
        *(result.text, result.state, result.finish_reason, result.usage, result.model, result.response_id),
        *(result.reasoning, result.refusal, result.tool_calls, result.choices, result.warnings),
        *(repr(result.annotations), repr(result.logprobs)),
        error and (error.kind, error.code, error.retryable, error.retry_after),
        error and error.message,
    )
