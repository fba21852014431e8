"""A stream step by step: its requests without the key, its rounds and retries, its raw events, what each became."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbstream.events import ToolCallAttempted, ToolCallCompleted
from nbstream.failures import UsageError
from nbstream.streaming.steps import Asked, AttemptFailed, Called, Ended, Opened
from nbstream.telemetry.content import asked, event_shown, shortened
from nbstream.telemetry.entries import Entry, lines_of
from nbstream.telemetry.inspection_page import page_of
from nbstream.telemetry.raw_events import RawEvents, indented
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.steps import Step
    from nbstream.streaming.tape import Tape, Wire

__all__ = ["EVENTS_SHOWN", "Inspection", "inspected"]

EVENTS_SHOWN = 300
"""How many raw events of each request are shown: those of the beginning and of the end."""

_IN_TERMINALS = 40
_LONGEST_EVENT, _LONGEST_REQUEST, _LONGEST_MEANING = 1_500, 50_000, 300


class Inspection:
    """What has happened in a stream, to be shown: folded and searchable in a notebook, as lines in a terminal.

    Args:
        title: What it is about.
        entries: What has happened.

    Attributes:
        title: As given.
        entries: As given.
    """

    def __init__(self, title: str, entries: Sequence[Entry]) -> None:
        self.title = title
        self.entries = tuple(entries)

    def __repr__(self) -> str:
        lines = [line for each in self.entries for line in lines_of(each, _IN_TERMINALS)]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        return page_of(self.title, self.entries)


def inspected(tape: Tape | None, most: int = EVENTS_SHOWN) -> Inspection:
    """What has happened in the stream of a tape, up to now.

    Args:
        tape: It.
        most: How many raw events of each request to show.

    Raises:
        UsageError: There was no stream yet.
    """
    steps = [] if tape is None else tape.steps.copy()
    if tape is None or not steps:
        raise UsageError("there is no stream yet that could be inspected")
    return _Reading(steps, tape.wires.copy(), most).inspection()


class _Reading:
    """Turns the steps of a stream into entries."""

    def __init__(self, steps: Sequence[tuple[float, Step]], wires: Sequence[Wire], most: int) -> None:
        self._steps = steps
        self._wires = wires
        self._most = most
        self._began = steps[0][0]
        self._result: StreamResult | None = next((each.result for _, each in steps if isinstance(each, Ended)), None)

    def inspection(self) -> Inspection:
        began = datetime.fromtimestamp(self._began, UTC).astimezone()
        state = "still running" if self._result is None else str(self._result.state)
        return Inspection(f"Stream of {began:%Y-%m-%d %H:%M:%S}, {state}", [*self._entries()])

    def _entries(self) -> Iterator[Entry]:
        starts = [place for place, (_, step) in enumerate(self._steps) if isinstance(step, Asked)]
        ends = [*starts[1:], len(self._steps)]
        number = 0
        for sent, (start, end) in enumerate(zip(starts, ends, strict=True)):
            at, step = self._steps[start]
            assert isinstance(step, Asked)
            number += step.attempt == 1
            followed = self._steps[start + 1 : end]
            wire = self._wires[sent] if sent < len(self._wires) else None
            yield self._request(number, at, step, [*self._followed(step.request, wire, followed)])
        yield from (self._end(at, step.result) for at, step in self._steps if isinstance(step, Ended))

    def _followed(
        self, request: StreamRequest, wire: Wire | None, steps: Sequence[tuple[float, Step]]
    ) -> Iterator[Entry]:
        """What came of a request, until it was sent again or the next one was."""
        come = iter(()) if wire is None else self._answer(request, wire, steps)
        for at, step in steps:
            if isinstance(step, Opened):
                said = f", request id {step.request_id}" if step.request_id else ""
                yield Entry("note", f"The server answers{said}", self._since(at))
                continue
            yield from come
            if isinstance(step, AttemptFailed):
                yield self._failed(at, step)
            elif isinstance(step, Called):
                yield from (self._call(at, event) for event in step.events)
        yield from come

    def _since(self, at: float) -> float:
        return at - self._began

    def _request(self, number: int, at: float, step: Asked, followed: Sequence[Entry]) -> Entry:
        request = step.request
        again = f", attempt {step.attempt}" if step.attempt > 1 else ""
        resumed = ", resumed" if request.position is not None else ""
        title = f"Request {number}{again}: {request.model} at {request.endpoint.name} ({request.api}{resumed})"
        try:
            detail = json.dumps(asked(request), indent=1, ensure_ascii=False)
        except (ValueError, TypeError) as error:
            detail = f"It cannot be shown: {exception_line(error)}"
        sent = Entry("note", "What is asked", detail=shortened(detail, _LONGEST_REQUEST))
        return Entry("request", title, self._since(at), entries=(sent, *followed, *self._facts(number, step)))

    def _facts(self, number: int, step: Asked) -> Iterator[Entry]:
        """How a round was answered, if that is known."""
        rounds = [] if self._result is None else [*self._result.all_rounds]
        asked_in_all = sum(isinstance(each, Asked) and each.attempt == 1 for _, each in self._steps)
        place = len(rounds) - asked_in_all + number - 1
        if not 0 <= place < len(rounds) or step.attempt != rounds[place].attempts:
            return
        answer = rounds[place]
        said = [
            f"{answer.state} ({answer.finish_reason})" if answer.finish_reason else str(answer.state),
            None if answer.timing.ttft is None else f"first token after {answer.timing.ttft:.3f} s",
            f"{use.input_tokens:,} tokens in, {use.output_tokens:,} out" if (use := answer.usage) else None,
            None if answer.recorded_at is None else f"recorded {answer.recorded_at:%Y-%m-%d %H:%M %Z}",
        ]
        yield Entry("note", f"Answer: {', '.join(filter(None, said))}")

    def _failed(self, at: float, step: AttemptFailed) -> Entry:
        why = f"{step.kind}, {step.status}" if step.status else step.kind
        title = f"That failed ({why}); attempt {step.retry.attempt} follows in {step.retry.delay:.1f} s"
        return Entry("retry", title, self._since(at), step.happened)

    def _call(self, at: float, event: Event) -> Entry:
        match event:
            case ToolCallAttempted():
                return Entry("call", f"{event.name} is called", self._since(at), indented(event.arguments))
            case ToolCallCompleted():
                run = event.run
                took = "" if run.seconds is None else f" after {run.seconds:.3f} s"
                why = f" ({run.error})" if run.error else ""
                title = f"{event.name}: {run.state}{why}{took}"
                return Entry("call", title, self._since(at), shortened(indented(run.output), _LONGEST_REQUEST))
        return Entry("call", type(event).__name__, self._since(at))

    def _end(self, at: float, result: StreamResult) -> Entry:
        detail = "\n".join(f"{name}: {value}" for name, value in result.summary())
        why = f" ({result.finish_reason})" if result.finish_reason else ""
        return Entry("end", f"The stream is {result.state}{why}", self._since(at), detail)

    # --- what came ----------------------------------------------------------------------------------------------------

    def _answer(self, request: StreamRequest, wire: Wire, steps: Sequence[tuple[float, Step]]) -> Iterator[Entry]:
        if wire.batches.head or wire.batches.left_out:
            rows = [self._batch(at, event) for events, at in wire.batches.head for event in events]
            rest = [self._batch(at, event) for events, at in wire.batches.tail for event in events]
            checked = " (its stages have seen what came before)" if request.stages else ""
            yield self._list(f"What came{checked}", [*rows, *rest], wire.batches.left_out, len(rows))
            return
        head, tail = wire.without_key()
        missing = wire.pieces.left_out
        if not (head or tail or missing):
            return
        read = RawEvents(request.api, request.endpoint.name, stream=request.stream)
        rows, cut = [], 0
        for raw in read.read(head, missing, tail):
            if raw.missing:
                cut = len(rows)
            rows.append(self._raw(raw.at, raw.name, raw.data, raw.became))
        if not missing and (ended := self._came_to_its_end(steps)) is not None and (events := read.end()):
            rows.append(Entry("event", _meanings(events), ended, "(the end of the bytes)"))
        yield self._list("Raw events", rows, missing, cut or len(rows))

    def _came_to_its_end(self, steps: Sequence[tuple[float, Step]]) -> float | None:
        """When the answer to a request was whole, by what followed it; `None` if it never was."""
        later = [(at, step) for at, step in steps if not isinstance(step, Opened)]
        if not later:  # the next request follows
            nexts = [at for at, step in self._steps if isinstance(step, Asked) and at >= steps[-1][0]] if steps else []
            return self._since(nexts[0]) if nexts else None
        at, step = later[0]
        if isinstance(step, AttemptFailed) or (isinstance(step, Ended) and step.result.state != "completed"):
            return None
        return self._since(at)

    def _list(self, title: str, rows: Sequence[Entry], missing: int, cut: int) -> Entry:
        kept, more = [*rows], missing
        if len(rows) > self._most:
            head = self._most - self._most // 3
            kept = [*rows[:head], *rows[len(rows) - self._most // 3 :]]
            more, cut = missing + len(rows) - len(kept), head
        count = f"{len(rows):,}" if not missing else f"{len(rows):,} of them kept"
        return Entry("event", f"{title} ({count})", entries=tuple(kept), more=more, cut=cut)

    def _raw(self, at: float, name: str, data: str, became: Iterable[Event]) -> Entry:
        title = _meanings(became) or "means nothing for the answer"
        named = f"event: {name}\n" if name else ""
        return Entry("event", title, self._since(at), named + shortened(data, _LONGEST_EVENT))

    def _batch(self, at: float, event: Event) -> Entry:
        return Entry("event", _meanings([event]), self._since(at))


def _meanings(events: Iterable[Any]) -> str:
    return "; ".join(f"{type(event).__name__} {event_shown(event, _LONGEST_MEANING)}".rstrip() for event in events)
