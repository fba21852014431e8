"""The parts of every answer in the wire table, at every cut: nothing of them is lost, moved or shortened on the way."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from nbstream.assembly import Assembler
from nbstream.events import TextDelta, TextRevised, ToolCallRevised
from nbstream.parts import summary_of
from nbstream.result import (
    ActivityPart,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    StreamResult,
    TextPart,
    ToolCall,
    ToolCallPart,
)
from nbstream.transport.wire import WireDecoder
from tests.each import check_each
from tests.transport.playing import ADAPTERS, ENDPOINT
from tests.wire_table import Case, by_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbstream.events import Event
    from nbstream.result import Choice, Part


CASES = by_entry(lambda case: not case.http_only)
WITH_PARTS = by_entry(lambda case: "parts" in case.expect)


def ways_to_cut(body: bytes) -> Iterator[list[bytes]]:
    """Whole, after every event, and, if it is short, after every byte; else anywhere."""
    yield [body]
    yield body.splitlines(keepends=True)
    if len(body) < 4_000:
        yield [body[place : place + 1] for place in range(len(body))]
    else:
        cuts = sorted(random.Random(len(body)).sample(range(len(body)), 50))
        yield [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]


class Watched:
    """An assembler whose snapshots are compared with each other."""

    def __init__(self) -> None:
        self.assembler = Assembler(model="m", endpoint=ENDPOINT.name)
        self._parts: Sequence[Part] = ()
        self._said = ""
        self._lowest: int | None = None
        self._taken_back = False

    def feed(self, events: Iterable[Event]) -> None:
        """Take events, and look at what has become of the parts, which without an event are what they were."""
        fed = False
        for event in events:
            if self.assembler.state.terminal:
                return
            self._note(event)
            self.assembler.feed(event)
            fed = True
        if fed:
            self.check()

    def _note(self, event: Event) -> None:
        """See whether something is taken back: other words, thoughts in text, an answer before the first one."""
        if isinstance(event, TextDelta):
            self._said = self._said[-8:] + event.text
        choice = getattr(event, "choice", None)
        if isinstance(event, TextRevised | ToolCallRevised) or "</think>" in self._said:
            self._taken_back = True
        if choice is not None:
            self._taken_back = self._taken_back or (self._lowest is not None and choice < self._lowest)
            self._lowest = choice if self._lowest is None else min(choice, self._lowest)

    def check(self) -> StreamResult:
        """The parts of before are there, in the order of before."""
        result = self.assembler.snapshot()
        answers: tuple[StreamResult | Choice, ...] = (result, *result.choices)
        for answer in answers:
            check_views(answer)
        if not self._taken_back:
            later = iter(result.parts)
            for part in self._parts:
                assert any(has_grown(part, other) for other in later), f"{part} is gone from {result.parts}"
        self._parts = result.parts
        return result


def has_grown(before: Part, after: Part) -> bool:
    """Whether one part may be the other one, later."""
    same = before.type == after.type and before.item_id in {None, after.item_id}
    match before, after:
        case TextPart(), TextPart():
            cited = after.citations[: len(before.citations)] == before.citations
            return same and cited and _words(before, after)
        case ReasoningPart() | RefusalPart(), ReasoningPart() | RefusalPart():
            return same and _words(before, after)
        case ToolCallPart(), ToolCallPart():
            known = before.id in {None, after.id} and before.index == after.index
            return same and known and after.name.startswith(before.name) and _grown(before.arguments, after.arguments)
        case MediaPart(), MediaPart():
            return same and before.kind == after.kind and len(before.data) <= len(after.data)
        case ActivityPart(), ActivityPart():
            return same and before.kind == after.kind and _grown(before.input, after.input)
    return False


def _words(before: TextPart | ReasoningPart | RefusalPart, after: TextPart | ReasoningPart | RefusalPart) -> bool:
    place = (before.content_index, before.new_paragraph) == (after.content_index, after.new_paragraph)
    return place and _grown(before.text, after.text)


def _grown(before: str, after: str) -> bool:
    return after.startswith(before)


def check_views(answer: StreamResult | Choice) -> None:
    """What users read is what the parts say, put together here without the package's help."""
    for kind, whole in (
        (TextPart, answer.text),
        (ReasoningPart, answer.reasoning),
        (RefusalPart, answer.refusal),
    ):
        joined = ""
        for part in answer.parts:
            if isinstance(part, kind) and part.text:
                joined += ("\n\n" if part.new_paragraph and joined else "") + part.text
        assert whole == joined
    calls = [part for part in answer.parts if isinstance(part, ToolCallPart)]
    assert [
        ToolCall(call.id, call.name, call.arguments) for call in sorted(calls, key=lambda call: call.index)
    ] == list(answer.tool_calls)
    for part in answer.parts:
        json.dumps(summary_of(part), ensure_ascii=False, allow_nan=False).encode()
        repr(part).encode()
        hash(part)


@pytest.mark.parametrize("entry", CASES)
def test_parts_only_grow_and_are_closed_at_the_end(entry: str) -> None:
    check_each(CASES[entry], check_parts)


def check_parts(case: Case) -> None:
    ends = []
    for pieces in ways_to_cut(case.body):
        decoder, watched = WireDecoder(ADAPTERS[case.api](), ENDPOINT), Watched()
        for piece in pieces:
            watched.feed(decoder.feed(piece))
            if decoder.ended or watched.assembler.state.terminal:
                break
        watched.feed(decoder.close())
        result = watched.check()
        assert [part for part in result.parts if part.open] == []
        assert result.text == case.expect["text"]
        ends.append(result.parts)
    assert ends == [ends[0]] * len(ends), "the cuts decide"


@pytest.mark.parametrize("entry", WITH_PARTS)
def test_an_answer_that_is_stopped_anywhere_has_no_open_part(entry: str) -> None:
    check_each(WITH_PARTS[entry], check_stopped_anywhere)


def check_stopped_anywhere(case: Case) -> None:
    lines = case.body.splitlines(keepends=True)
    for count in range(len(lines)):
        decoder, watched = WireDecoder(ADAPTERS[case.api](), ENDPOINT), Watched()
        watched.feed(decoder.feed(b"".join(lines[:count])))
        if not watched.assembler.state.terminal:
            watched.assembler.cancel()
        assert [part for part in watched.check().parts if part.open] == []
