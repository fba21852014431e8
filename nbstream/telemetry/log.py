"""The records that a stream leaves in the standard log: what happened, when, with which ids; no content by default."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from nbstream.events import ToolCallAttempted, ToolCallCompleted
from nbstream.streaming.steps import Asked, AttemptFailed, Called, Ended, Opened, Received
from nbstream.telemetry.content import answered, asked, event_shown
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.events import Event
    from nbstream.result import StreamResult
    from nbstream.streaming.steps import Step

__all__ = ["LOGGER", "StreamLog"]

LOGGER = "nbstream.stream"
"""The name of the logger: what happens to requests and calls is `INFO`, each event `DEBUG`."""

_log = logging.getLogger(LOGGER)


class StreamLog:
    """Logs one stream.

    Each record also has `nbstream`, a dictionary of the same facts, for handlers that write JSON.

    Args:
        content: Whether to log what was asked and answered, too.

    Example:
        ```python
        logging.basicConfig(level=logging.INFO)   # then ask; or only this:
        logging.getLogger("nbstream").setLevel(logging.INFO)
        ```
    """

    def __init__(self, *, content: bool = False) -> None:
        self.wants_events = _log.isEnabledFor(logging.DEBUG)
        self._content = content
        self._began: float | None = None

    @staticmethod
    def wanted() -> bool:
        """Whether anybody listens."""
        return _log.isEnabledFor(logging.INFO)

    def on_step(self, stream: int, at: float, step: Step) -> None:
        """Log it."""
        if self._began is None:
            self._began = at
        level = logging.DEBUG if isinstance(step, Received) else logging.INFO
        for sentence, facts in self._told(step):
            known = {name: value for name, value in facts.items() if value is not None}
            shown = plain(encodable(sentence)).replace("\n", " ")
            told = {"stream": stream, "at": round(at - self._began, 4), **known}
            _log.log(level, "stream %d, %.3f s: %s", stream, told["at"], shown, extra={"nbstream": told})

    def _told(self, step: Step) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is said of a step: a sentence and its facts, for each thing that happened in it."""
        match step:
            case Asked():
                yield self._asked(step)
            case Opened():
                yield "the server answers", {"event": "opened", "request_id": step.request_id}
            case AttemptFailed():
                yield self._failed(step)
            case Received() | Called():
                yield from map(self._event, step.events)
            case Ended():
                yield self._ended(step.result)

    def _asked(self, step: Asked) -> tuple[str, dict[str, Any]]:
        request = step.request
        facts = {
            "event": "request",
            "attempt": step.attempt,
            "model": request.model,
            "server": request.endpoint.name,
            "api": request.api,
            "cell": request.cell,
            "messages": len(request.messages),
            "tools": len(request.tools) or None,
            "content": asked(request) if self._content else None,
        }
        again = f", attempt {step.attempt}" if step.attempt > 1 else ""
        said = f": {json.dumps(facts['content'], ensure_ascii=False)}" if self._content else ""
        return f"asks {request.model} at {request.endpoint.name}{again}{said}", facts

    def _failed(self, step: AttemptFailed) -> tuple[str, dict[str, Any]]:
        facts = {
            "event": "retry",
            "error": step.kind,
            "status": step.status,
            "request_id": step.request_id,
            "attempt": step.retry.attempt,
            "delay": round(step.retry.delay, 3),
            "content": step.happened if self._content else None,
        }
        why = f"{step.kind}, {step.status}" if step.status else step.kind
        return f"that failed ({why}), attempt {step.retry.attempt} follows in {step.retry.delay:.1f} s", facts

    def _event(self, event: Event) -> tuple[str, dict[str, Any]]:
        facts: dict[str, Any] = {}
        match event:
            case ToolCallAttempted():
                said, facts = f"calls {event.name}", {"name": event.name, "call": event.id}
            case ToolCallCompleted():
                run = event.run
                said = f"{event.name}: {run.state}" + (f" ({run.error})" if run.error else "")
                facts = {"name": event.name, "call": event.id, "state": run.state, "error": run.error}
                facts["seconds"] = None if run.seconds is None else round(run.seconds, 4)
            case _:
                said = type(event).__name__
        content = event_shown(event) if self._content else None
        facts |= {"event": type(event).__name__, "content": content}
        return f"{said}: {content}" if content else said, facts

    def _ended(self, result: StreamResult) -> tuple[str, dict[str, Any]]:
        usage, timing = result.usage, result.timing
        error = result.error
        facts = {
            "event": "end",
            "state": str(result.state),
            "finish_reason": result.finish_reason,
            "error": None if error is None else error.kind,
            "status": None if error is None else error.status,
            "model": result.model,
            "request_id": result.request_id,
            "response_id": result.response_id,
            "requests": len(result.all_rounds),
            "attempts": result.attempts,
            "input_tokens": None if usage is None else usage.input_tokens,
            "output_tokens": None if usage is None else usage.output_tokens,
            "ttft": None if timing.ttft is None else round(timing.ttft, 4),
            "total": round(timing.total, 4),
            "recorded_at": None if result.recorded_at is None else result.recorded_at.isoformat(timespec="seconds"),
            "warnings": [each.kind for each in result.warnings] or None,
            "content": answered(result) if self._content else None,
        }
        why = result.finish_reason if error is None else error.kind
        said = [
            f"{result.state} ({why})" if why else str(result.state),
            None if timing.ttft is None else f"first token after {timing.ttft:.3f} s",
            None if usage is None else f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out",
            f"request id {result.request_id}" if result.request_id else None,
        ]
        told = ", ".join(filter(None, said))
        return f"{told}: {json.dumps(facts['content'], ensure_ascii=False)}" if self._content else told, facts
