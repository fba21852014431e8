"""One stream's events into its result. Pure: what ended the stream and when is told to it, never found out by it.

It owns the verdict. A stream is complete when the server said why it ends (a finish reason) or marked its end; bytes
that merely stop are a lost connection, and the text so far is kept.
"""

from __future__ import annotations

from typing import assert_never

from nbstream.assembly.state import Trigger, next_state
from nbstream.assembly.text import TextBuffer
from nbstream.assembly.tool_calls import ToolCallCollector
from nbstream.errors import ConnectionLostError, ServerError, StreamError
from nbstream.events import (
    EndOfStream,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from nbstream.result import StreamResult, StreamState, Timing, Usage

__all__ = ["Assembler"]


class Assembler:
    """Collects one stream.

    Args:
        model: The model that was asked for, until the server names one.
        endpoint: The endpoint's name, for error messages.

    Example:
        >>> assembler = Assembler(model="m", endpoint="localhost")
        >>> for event in (TextDelta("Hi"), Finished("stop"), EndOfStream(marked=True)):
        ...     assembler.feed(event)
        >>> assembler.snapshot().text, str(assembler.state)
        ('Hi', 'completed')
    """

    def __init__(self, *, model: str, endpoint: str) -> None:
        self.state = StreamState.PENDING
        self.has_content = False
        self._endpoint = endpoint
        self._model: str | None = model
        self._response_id: str | None = None
        self._text = TextBuffer()
        self._reasoning = TextBuffer()
        self._refusal = TextBuffer()
        self._tool_calls = ToolCallCollector()
        self.usage: Usage | None = None
        self._finish_reason: str | None = None
        self._reason_on_every_chunk = False
        self._error: StreamError | None = None

    def feed(self, event: Event) -> None:
        """Take the next event.

        Raises:
            IllegalTransitionError: The stream has already ended; nothing changes.
        """
        match event:
            case TextDelta(text):
                self._content()
                self._text.append(text)
                # Some servers put a finish reason on every chunk. Then it announces nothing.
                self._reason_on_every_chunk = self._reason_on_every_chunk or self._finish_reason is not None
            case ReasoningDelta(text):
                self._content()
                self._reasoning.append(text)
            case RefusalDelta(text):
                self._content()
                self._refusal.append(text)
            case ToolCallDelta():
                self._content()
                self._tool_calls.add(event)
            case Started(model, response_id):
                self.state = next_state(self.state, Trigger.CONTENT)
                self._model = model or self._model
                self._response_id = response_id or self._response_id
            case UsageReported(usage):
                self.state = next_state(self.state, Trigger.CONTENT)
                self.usage = usage
            case Finished(reason):
                self.state = next_state(self.state, Trigger.CONTENT)
                self._finish_reason = reason
            case Failed(message, code):
                self.fail(ServerError(_server_message(self._endpoint, message), code=code))
            case EndOfStream(marked):
                self._end(marked=marked)
            case _:
                assert_never(event)

    def break_off(self, error: StreamError) -> None:
        """End the stream because nothing more can be read: failed, unless the server had said why the answer ends.

        Some servers close uncleanly, or not at all, once they have said it.
        """
        if self._finish_reason is None or self._reason_on_every_chunk:
            self.fail(error)
        else:
            self._complete()

    def fail(self, error: StreamError) -> None:
        """End the stream as failed, keeping what had arrived."""
        self.state = next_state(self.state, Trigger.FAIL)
        self._error = error
        self._close_texts()

    def cancel(self) -> None:
        """End the stream as cancelled by the user, keeping what had arrived."""
        self.state = next_state(self.state, Trigger.CANCEL)
        self._close_texts()

    def snapshot(self, timing: Timing | None = None, request_id: str | None = None) -> StreamResult:
        """The result so far; the two facts that only the outside knows are handed in."""
        state = self.state  # first: another thread may ask, and `completed` must mean that the text is whole
        return StreamResult(
            text=self._text.value(),
            state=state,
            finish_reason=self._finish_reason,
            usage=self.usage,
            model=self._model,
            request_id=request_id,
            response_id=self._response_id,
            reasoning=self._reasoning.value(),
            refusal=self._refusal.value(),
            tool_calls=self._tool_calls.value(),
            error=self._error,
            timing=timing or Timing(),
        )

    def _content(self) -> None:
        self.state = next_state(self.state, Trigger.CONTENT)
        self.has_content = True

    def _end(self, *, marked: bool) -> None:
        if self._finish_reason is None and not marked:
            self.fail(ConnectionLostError(_lost_message(self._endpoint, len(self._text.value()))))
            return
        self._complete()

    def _complete(self) -> None:
        self.state = next_state(self.state, Trigger.COMPLETE)
        self._close_texts()

    def _close_texts(self) -> None:
        for buffer in (self._text, self._reasoning, self._refusal):
            buffer.close()


def _server_message(endpoint: str, message: str) -> str:
    line = " ".join(message.split())[:300].rstrip(".")
    return f"{endpoint} reported an error: {line}. What had arrived is kept; run the cell again to retry."


def _lost_message(endpoint: str, characters: int) -> str:
    if not characters:
        return f"{endpoint} closed the connection without an answer. Run the cell again to retry."
    return (
        f"The connection to {endpoint} was lost after {characters:,} characters. "
        "What had arrived is kept; run the cell again to retry."
    )
