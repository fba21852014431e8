"""One answer being put together: text, reasoning, refusal, tool calls, reason to end. Must not know other answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.assembly.text import TextBuffer
from nbstream.assembly.thinking import Part, ThinkingTags, Where
from nbstream.assembly.tool_calls import ToolCallCollector
from nbstream.result import Choice, StreamResult

if TYPE_CHECKING:
    from nbstream.events import TextDelta

__all__ = ["Answer"]

_NOTHING = StreamResult()


class Answer:
    """Collects one answer; a request may ask for several.

    Args:
        beginning: What is there already, of an answer that is gone on with.
        revisable: Whether the server that goes on with it knows the beginning, so that a revision holds that too.
    """

    def __init__(self, beginning: StreamResult = _NOTHING, *, revisable: bool = True) -> None:
        self.finish_reason: str | None = None
        self._after_reason = 0  # pieces that came when the server had already said why the answer ends
        self.repeated = False
        self.reasoning = TextBuffer(beginning.reasoning)
        self.refusal = TextBuffer(beginning.refusal)
        self.tool_calls = ToolCallCollector(beginning.tool_calls)
        self._text = TextBuffer(beginning.text)
        self._prefix = "" if revisable else beginning.text
        self._text_pieces = 0
        self._reasoning_apart = bool(beginning.reasoning)
        # What comes after a beginning is no beginning: a tag in it is text.
        self._tags = None if beginning.text else ThinkingTags(self._text.value)

    @property
    def announced(self) -> bool:
        """Whether the server has said why the answer ends, and nothing has come since: some say so on every chunk."""
        return self.finish_reason is not None and not self._after_reason

    @property
    def ended(self) -> bool:
        """Whether the reason counts if the bytes end now: a last piece may be late, but not one after the other."""
        return self.finish_reason is not None and self._after_reason < 2

    def note_piece(self) -> None:
        """Note that a piece of any kind has come."""
        if self.finish_reason is not None:
            self._after_reason += 1

    def add_text(self, delta: TextDelta) -> None:
        """Take the next piece of text, with whatever tags of reasoning are in it."""
        piece = delta.text
        if delta.last and self.finish_reason is None and self._text_pieces >= 2:
            piece = self._without_repetition(piece)
        self._text_pieces += 1
        if self._tags is None or self._tags.pass_over(piece):
            self._text.append(piece)
        else:
            self._take(self._tags.split(piece))

    def add_reasoning(self, text: str) -> None:
        """Take the next piece of reasoning that came apart from the text."""
        self.reasoning.append(text)
        self._reasoning_apart = True
        if self._tags is not None:
            self._tags.may_close_unopened = False

    def revise_text(self, text: str) -> None:
        """Put the server's final wording in the place of the text."""
        if self._prefix:
            self._tags = None
            self._text.replace(self._prefix + text)
            return
        tags = ThinkingTags(self._text.value)
        if self._reasoning_apart and not text.lstrip().startswith("<think>"):
            tags.may_close_unopened = False
        else:
            self.reasoning.replace("")  # it stood in the text, and does so again
        self._tags = tags
        self._text.replace("")
        self._take(tags.split(text))

    def close(self) -> None:
        """Nothing follows."""
        if self._tags is not None:
            self._take(self._tags.close())
        for buffer in (self._text, self.reasoning, self.refusal):
            buffer.close()

    def value(self, index: int) -> Choice:
        """The answer so far."""
        calls = self.tool_calls.value()
        reason = self.finish_reason
        return Choice(
            index=index,
            text=self._text.value(),
            # Some servers say that they stopped where they mean that they call.
            finish_reason="tool_calls" if calls and reason == "stop" else reason,
            reasoning=self.reasoning.value(),
            refusal=self.refusal.value(),
            tool_calls=calls,
        )

    def _take(self, parts: list[Part]) -> None:
        for where, text in parts:
            if where is Where.TEXT:
                self._text.append(text)
            elif where is Where.REASONING:
                self.reasoning.append(text)
            else:
                self.reasoning.append(self._text.value() + text)
                self._text.replace("")

    def _without_repetition(self, piece: str) -> str:
        """What is new in the last piece, if it repeats all that came before it, as some servers' last piece does.

        A short or monotonous text may well be said twice, so it does not count as a repetition.
        """
        before = self._text.value()
        if len(before) < 5 or len(set(before)) < 3 or not piece.startswith(before):
            return piece
        self.repeated = True
        return piece[len(before) :]
