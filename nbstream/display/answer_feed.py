"""The answer of one stream as numbered messages, for any page that draws it as `live_document.js` does.

The answer is rendered here, in the kernel; the page only places sanitised HTML. It knows neither widgets nor display
ids.

The protocol. Each message has the next `number`:

    patch      blocks: a list of [block, depth, commit, keep, tail], where the tail is its first `keep` UTF-16 units
               before and then `tail`; see `nbstream.markdown.Patch` for the rest. `state` only while it is pending.
    reasoning  blocks: as in a patch, of the reasoning, which is Markdown too. seconds: how long the model has thought;
               over: whether that is final.
    retry      retry: the pause that begins, {reason, left, attempt, attempts}, or null when it is over.
    end        state; mark: {word, sentence} or null; facts: the parts of the footer.
    questions  questions: what waits to be allowed, each {call, kind, tool, description, arguments, digest} as
               `Question`, and `words` if it is not about a tool: the question, the answers, and what each does;
               allowed: the tools whose calls run without a question.
    snapshot   everything, under the number of the message before it: blocks (the HTML of each), reasoning {blocks,
               seconds, over} or null, state, mark, facts, retry, questions, allowed, elapsed (seconds since the stream
               began); unasked, if no message of a page has been heard.

A page answers a question with {type: "answer", call, digest, allow, arguments, always, reason}. What it gets back if it
has edited the arguments badly is `refused`, with the call and what is wrong; it has no number. {type: "revoke", tool}
takes back what is allowed.

A page that misses a message asks for the whole, once, and is sent a snapshot.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from nbstream.display.answer_renderer import AnswerRenderer
from nbstream.display.deltas import BlockDeltas
from nbstream.display.marks import facts_of, mark_of
from nbstream.display.questions import Allowances, OpenQuestions
from nbstream.display.segments import Segment, segments_of
from nbstream.result import StreamState
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from nbstream.markdown import Images, Patch
    from nbstream.result import Retry, StreamResult
    from nbstream.tools.approval import Allowance, Question

__all__ = ["AnswerFeed"]

# How much longer than the last time the text must be before new citations are put into it.
_GROWTH = 1.1


class AnswerFeed:
    """Turns the snapshots of one stream into messages; from any thread.

    Args:
        send: Sends one message to all pages.
        images: Whether images from other servers are links or loaded.
        place: Where it is read, which decides the wording of the mark.
        facts: What to say below an answer that has ended.
        now: Monotonic time, to tell a late page how much time has passed and how much of a pause is left.

    Example:
        >>> from nbstream.result import StreamResult, StreamState
        >>> feed = AnswerFeed(print)
        >>> feed.draw(StreamResult("Hi", StreamState.STREAMING))
        {'type': 'patch', 'blocks': [[0, 0, '', 0, '<p>Hi</p>']], 'number': 1}
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        *,
        images: Images = "link",
        place: Place = Place.CELL,
        facts: Callable[[StreamResult], list[str]] = facts_of,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._now = now
        self._place, self._facts_of = place, facts
        self._renderer = AnswerRenderer(images)
        self._blocks = BlockDeltas()
        self._thinker = AnswerRenderer(images)
        self._thoughts = BlockDeltas()
        self._thinking_since: float | None = None
        self._thought_for: float | None = None
        self._cited = self._cited_at = 0  # how many citations are drawn, and how long the text was then
        self._number = 0
        self._started_at = now()
        self._state = StreamState.PENDING
        self._mark: dict[str, str] | None = None
        self._facts: list[str] = []
        self._retry: Retry | None = None
        self._retry_at = 0.0
        self._questions, self._allowed = OpenQuestions(), Allowances()
        self._touch: Callable[[], None] | None = None
        self._awaited: set[Future[Any]] = set()
        # Frames come from a worker thread, what pages ask for from the kernel's.
        self._lock = threading.RLock()

    @property
    def ended(self) -> bool:
        """Whether nothing more is drawn."""
        return self._state.terminal

    @property
    def number(self) -> int:
        """The number of the last message."""
        return self._number

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What has been drawn so far."""
        return self._renderer.segments

    @property
    def reasoning(self) -> str:
        """The reasoning that has been drawn so far."""
        return "".join(segment.text for segment in self._thinker.segments)

    @property
    def allowances(self) -> list[str]:
        """The tools whose calls run without a question."""
        return self._allowed.told()

    def blocks(self) -> list[str]:
        """The HTML of each block as it has been drawn."""
        with self._lock:
            return self._renderer.snapshot()

    def thoughts(self) -> list[str]:
        """The HTML of each block of the reasoning as it has been drawn."""
        with self._lock:
            return self._thinker.snapshot()

    def refresh_by(self, touch: Callable[[], None]) -> None:
        """Take what has the same snapshot drawn again when there is more to see of it; called from any thread."""
        self._touch = touch

    def draw(self, snapshot: StreamResult) -> None:
        """Send the patches for what is new in the snapshot; of the same one, colours that have been found since."""
        with self._lock:
            segments = segments_of(snapshot, cited=self._citations_in(snapshot))
            patches = self._renderer.draw(segments, final=snapshot.state.terminal)
            self._state = snapshot.state
            self._show_retry(None if snapshot.state.terminal else snapshot.retry)
            self._show_reasoning(snapshot)
            self._send_patches(patches)
            self._watch()
        if snapshot.state.terminal:
            self._send_rest()

    def _citations_in(self, snapshot: StreamResult) -> int | None:
        """How many citations are drawn: all in the end. Before, each that is new may have all be drawn again."""
        if snapshot.state.terminal:
            return None
        count = len(snapshot.annotations)
        if count != self._cited and (size := len(snapshot.text)) >= self._cited_at * _GROWTH:
            self._cited, self._cited_at = count, size
        return self._cited

    def _watch(self) -> None:
        """Ask for another frame once there is what colours wait for: nothing else may come for a long time."""
        if self._touch is None or self.ended:
            return
        for each in (*self._thinker.awaited(), *self._renderer.awaited()):
            if each not in self._awaited:
                self._awaited.add(each)
                each.add_done_callback(self._refresh)

    def _refresh(self, there: Future[Any]) -> None:
        self._awaited.discard(there)
        if self._touch is not None:
            self._touch()

    def _send_rest(self) -> None:
        """Draw notes and colours, so that what a page asks for meanwhile does not have to wait for all of them."""
        for renderer, send in ((self._thinker, self._send_thoughts), (self._renderer, self._send_patches)):
            rest = renderer.rest()
            while True:
                with self._lock:
                    if (patches := next(rest, None)) is None:
                        break
                    send(patches)

    def _send_patches(self, patches: Iterable[Patch]) -> None:
        if changes := self._blocks.take(patches):
            # Text shows that the answer has begun, unless the answer is being continued.
            waiting = {"state": str(self._state)} if self._state is StreamState.PENDING else {}
            self._send_next({"type": "patch", "blocks": changes, **waiting})

    def end(self, result: StreamResult, *, raised: bool = False) -> None:
        """Tell the pages that the stream has ended, and how.

        Args:
            result: The answer.
            raised: Whether the error of a failed answer is shown below it.
        """
        with self._lock:
            mark = mark_of(result, self._place, raised=raised)
            self._mark = mark and {"word": mark.word, "sentence": mark.sentence}
            self._facts = self._facts_of(result)
            self._state = result.state
            self._retry = None
            self._send_next({"type": "end", "state": str(self._state), "mark": self._mark, "facts": self._facts})

    def ask(self, question: Question) -> None:
        """Show whether a call may run, until that is withdrawn."""
        with self._lock:
            if self._questions.add(question):
                self._send_questions()

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        with self._lock:
            if self._questions.remove(question):
                self._send_questions()

    def allow(self, allowance: Allowance) -> None:
        """Show that calls of a tool run without a question."""
        with self._lock:
            if self._allowed.add(allowance):
                self._send_questions()

    def revoke(self, tool: str) -> None:
        """Take back what was allowed, as the reader of a page asks."""
        with self._lock:
            if self._allowed.revoke(tool):
                self._send_questions()

    def answer(self, answer: dict[str, Any]) -> None:
        """Take a page's answer to a question."""
        if wrong := self._questions.answer(answer):
            self._send({"type": "refused", "call": answer.get("call"), "words": wrong})

    def send_snapshot(self, *, unasked: bool = False) -> None:
        """Send everything; `unasked`: although no page has asked, or none has been heard."""
        with self._lock:
            self._blocks.forget()
            self._thoughts.forget()
            reasoning = {"blocks": self._thinker.snapshot(), **self._thinking_time()} if self.reasoning else None
            self._send(
                {
                    "type": "snapshot",
                    "number": self._number,
                    "blocks": self._renderer.snapshot(),
                    "reasoning": reasoning,
                    "state": str(self._state),
                    "mark": self._mark,
                    "facts": self._facts,
                    "retry": self._retry_facts(),
                    "questions": self._questions.told(),
                    "allowed": self.allowances,
                    "elapsed": self._now() - self._started_at,
                    **({"unasked": True} if unasked else {}),
                }
            )
            self._watch()

    def _show_reasoning(self, snapshot: StreamResult) -> None:
        """Send what is new of the reasoning, and that it is over: when the answer or the end has come."""
        thinking = self._thinking_since is not None and self._thought_for is None
        if not snapshot.reasoning and not thinking:
            return
        if self._thinking_since is None:
            self._thinking_since = self._now()
        over = self._thought_for is None and (bool(self.segments) or snapshot.state.terminal)
        if over:
            self._thought_for = self._now() - self._thinking_since
        # The reasoning may go on after the answer has begun, so only the end of the stream is its end.
        thoughts = [Segment("text", snapshot.reasoning)] if snapshot.reasoning else []
        self._send_thoughts(self._thinker.draw(thoughts, final=snapshot.state.terminal), over=over)

    def _send_thoughts(self, patches: Iterable[Patch], *, over: bool = False) -> None:
        if (changes := self._thoughts.take(patches)) or over:
            self._send_next({"type": "reasoning", "blocks": changes, **self._thinking_time()})

    def _thinking_time(self) -> dict[str, Any]:
        if self._thought_for is not None:
            return {"seconds": self._thought_for, "over": True}
        return {"seconds": self._now() - (self._thinking_since or 0.0), "over": False}

    def _show_retry(self, retry: Retry | None) -> None:
        """Tell the views of a pause, or that it is over; they count down by themselves."""
        if retry != self._retry:
            self._retry, self._retry_at = retry, self._now() + (0.0 if retry is None else retry.delay)
            self._send_next({"type": "retry", "retry": self._retry_facts()})

    def _retry_facts(self) -> dict[str, Any] | None:
        """The pause as it is now; the page knows no clock of ours, so what is left is a duration."""
        if self._retry is None:
            return None
        return {
            "reason": self._retry.reason,
            "left": max(0.0, self._retry_at - self._now()),
            "attempt": self._retry.attempt,
            "attempts": self._retry.attempts,
        }

    def _send_questions(self) -> None:
        self._send_next({"type": "questions", "questions": self._questions.told(), "allowed": self.allowances})

    def _send_next(self, message: dict[str, Any]) -> None:
        self._number += 1
        self._send({**message, "number": self._number})
