"""A stream as OpenTelemetry's spans and metrics: one span a request, below it one for each call and each retry.

It is told when the stream ends, with the moments at which things happened: what ends a span sends it, so nothing would
be there earlier. An answer that may take several requests has a span around them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from nbstream import __version__
from nbstream.events import ToolCallAttempted, ToolCallCompleted
from nbstream.outcome import Round
from nbstream.result import StreamState
from nbstream.streaming.steps import Asked, AttemptFailed, Called, Ended
from nbstream.telemetry.conventions import content_attributes, request_attributes, response_attributes
from nbstream.telemetry.meters import Meters
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.steps import Step

__all__ = ["StreamTrace"]

_NAME = "nbstream"


@dataclass(slots=True)
class _Attempt:
    at: float
    ended: float | None = None
    failed: AttemptFailed | None = None


@dataclass(slots=True)
class _Call:
    name: str
    id: str | None
    at: float
    attempted: ToolCallAttempted | None = None
    ended: float | None = None
    completed: ToolCallCompleted | None = None


@dataclass(slots=True)
class _Request:
    request: StreamRequest
    attempts: list[_Attempt]
    calls: list[_Call] = field(default_factory=list)


class StreamTrace:
    """Traces one stream.

    Args:
        tracer: Makes its spans.
        meters: Measure it.
        content: Whether the spans hold what was asked and answered.
    """

    wants_events = False

    def __init__(self, tracer: Tracer, meters: Meters, *, content: bool = False) -> None:
        self._tracer = tracer
        self._meters = meters
        self._content = content
        self._around: Context | None = None
        self._requests: list[_Request] = []

    @classmethod
    def wanted(cls, *, content: bool = False) -> StreamTrace | None:
        """One with the application's providers; `None` if it has set up none.

        Args:
            content: Whether the spans hold what was asked and answered.
        """
        spans, measurements = trace.get_tracer_provider(), metrics.get_meter_provider()
        if not (_is_set_up(spans) or _is_set_up(measurements)):
            return None
        meters = Meters(measurements.get_meter(_NAME, __version__))
        return cls(spans.get_tracer(_NAME, __version__), meters, content=content)

    def on_step(self, stream: int, at: float, step: Step) -> None:
        """Take note of it; at the end, make the spans."""
        match step:
            case Asked():
                self._asked(at, step)
            case AttemptFailed() if self._requests:
                last = self._requests[-1].attempts[-1]
                last.ended, last.failed = at, step
            case Called() if self._requests:
                for event in step.events:
                    self._called(at, event)
            case Ended() if self._requests:
                self._told(stream, at, step.result)

    def _asked(self, at: float, step: Asked) -> None:
        if self._around is None:
            self._around = context.get_current()  # that of the code that has asked
        if step.attempt == 1:
            self._requests.append(_Request(step.request, [_Attempt(at)]))
        elif self._requests:
            self._requests[-1].attempts.append(_Attempt(at))

    def _called(self, at: float, event: Any) -> None:
        calls = self._requests[-1].calls
        if isinstance(event, ToolCallAttempted):
            calls.append(_Call(event.name, event.id, at, attempted=event))
        elif isinstance(event, ToolCallCompleted):
            begun = (each for each in calls if each.id == event.id and each.name == event.name and each.ended is None)
            call = next(begun, None)
            if call is None:  # it was never attempted
                calls.append(call := _Call(event.name, event.id, at))
            call.ended, call.completed = at, event

    # --- at the end ---------------------------------------------------------------------------------------------------

    def _told(self, stream: int, at: float, result: StreamResult) -> None:
        requests, around = self._requests, self._around
        rounds = _rounds(result, len(requests))
        outer: Span | None = None
        if len(requests) > 1 or any(each.calls for each in requests):
            outer = self._outer(stream, requests[0], around)
            around = trace.set_span_in_context(outer, around)
        for number, (asked, answer) in enumerate(zip(requests, rounds, strict=True)):
            last = number == len(requests) - 1
            until = at if last and not asked.calls else _end(asked, answer, at)
            self._request(stream, asked, answer, result if last else None, around, until)
        if outer is not None:
            _judge(outer, result.state, None if result.error is None else result.error.kind)
            outer.end(_ns(at))

    def _outer(self, stream: int, first: _Request, around: Context | None) -> Span:
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.request.model": first.request.model,
            "nbstream.stream": stream,
        }
        at = _ns(first.attempts[0].at)
        return self._tracer.start_span("invoke_agent", around, SpanKind.INTERNAL, attributes, start_time=at)

    def _request(
        self,
        stream: int,
        asked: _Request,
        answer: Round,
        result: StreamResult | None,
        around: Context | None,
        until: float,
    ) -> None:
        attributes = {**request_attributes(asked.request), "nbstream.stream": stream}
        if asked.request.cell is not None:
            attributes["nbstream.cell"] = asked.request.cell
        name, begun = f"chat {plain(asked.request.model)}", asked.attempts[0].at
        span = self._tracer.start_span(name, around, SpanKind.CLIENT, attributes, start_time=_ns(begun))
        error = None
        if answer.state is StreamState.FAILED:
            error = result.error.kind if result is not None and result.error is not None else "_OTHER"
        told = response_attributes(answer)
        span.set_attributes(told)
        if self._content and span.is_recording():
            span.set_attributes(content_attributes(asked.request, result))
        _judge(span, answer.state, error)
        within = trace.set_span_in_context(span, around)
        if len(asked.attempts) > 1:
            for number, attempt in enumerate(asked.attempts):
                self._attempt(number, attempt, within, until, error)
        for call in asked.calls:
            self._call(call, within, until)
        span.end(_ns(until))
        self._meters.measure(attributes, answer, until - begun, error)

    def _attempt(self, resent: int, attempt: _Attempt, around: Context | None, until: float, error: str | None) -> None:
        attributes: dict[str, Any] = {"http.request.resend_count": resent} if resent else {}
        failed = attempt.failed
        if failed is not None:
            error = failed.kind
            if failed.status is not None:
                attributes["http.response.status_code"] = failed.status
            if failed.request_id is not None:
                attributes["nbstream.request_id"] = failed.request_id
        name = f"attempt {resent + 1}"
        span = self._tracer.start_span(name, around, SpanKind.INTERNAL, attributes, start_time=_ns(attempt.at))
        _judge(span, StreamState.COMPLETED if error is None else StreamState.FAILED, error)
        span.end(_ns(until if attempt.ended is None else attempt.ended))

    def _call(self, call: _Call, around: Context | None, until: float) -> None:
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": plain(call.name),
            "gen_ai.tool.type": "function",
        }
        if call.id is not None:
            attributes["gen_ai.tool.call.id"] = plain(call.id)
        if self._content and call.attempted is not None:
            attributes["gen_ai.tool.call.arguments"] = call.attempted.arguments
        name = f"execute_tool {plain(call.name)}"
        span = self._tracer.start_span(name, around, SpanKind.INTERNAL, attributes, start_time=_ns(call.at))
        run = None if call.completed is None else call.completed.run
        if run is not None:
            span.set_attribute("nbstream.tool.state", run.state)
            if self._content and run.output:
                span.set_attribute("gen_ai.tool.call.result", run.output)
            _judge(span, StreamState.COMPLETED if run.error is None else StreamState.FAILED, run.error)
        span.end(_ns(until if call.ended is None else call.ended))


def _is_set_up(provider: object) -> bool:
    """Whether it is more than what the API has where nobody has set anything up."""
    module = type(provider).__module__
    return module not in {"opentelemetry.trace", "opentelemetry.metrics", "opentelemetry.metrics._internal"}


def _rounds(result: StreamResult, count: int) -> list[Round]:
    """How each of the last requests was answered."""
    known = list(result.all_rounds)[-count:]
    facts = result.usage, result.timing, result.cost, result.model, result.request_id, result.response_id
    return [*known, *[Round(result.state, result.finish_reason, *facts)] * (count - len(known))]


def _end(asked: _Request, answer: Round, at: float) -> float:
    """When a request was answered: its calls come after it."""
    took = answer.timing.total - answer.timing.startup
    return min(max(asked.attempts[0].at + took, asked.attempts[-1].at), at)


def _judge(span: Span, state: StreamState, error: str | None) -> None:
    if state is StreamState.FAILED:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", error or "_OTHER")


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
