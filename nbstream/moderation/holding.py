"""What has come of an answer and was not checked yet: events in, texts to check out, checked events out. Pure.

Each kind of words (the text, the reasoning, the arguments of a call) is checked piece by piece, and what is at the end
of a piece is held back until it was checked with what follows. Events leave in the order in which they came.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nbstream.events import (
    EndOfStream,
    Event,
    Failed,
    Finished,
    Garbled,
    PartResumed,
    PartStarted,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from nbstream.moderation.words import words_in

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from nbstream.moderation.policy import Moderation
    from nbstream.outcome import Verdict

__all__ = ["Holding", "Passage"]

_SETTLED = re.compile("[.!?\u2026:;](?=\\s)|[\u3002\uff01\uff1f\uff1b]|\n")  # also where no space follows a full stop
_DIVISIBLE = (TextDelta, ReasoningDelta, RefusalDelta)
_ENDS = (Finished, EndOfStream, Failed, Garbled)
_MOST_EARLY = 3  # some servers say with every piece that it is the last


class Passage(NamedTuple):
    """What is to be checked at once.

    Attributes:
        text: The text.
        reached: How far each kind of words is checked and may be shown, if the text is clean.
        whole: Whether it is all there is.
    """

    text: str
    reached: tuple[tuple[_Words, int, int], ...]
    whole: bool = False


class _Words:
    """The words of one kind, by their places in characters."""

    __slots__ = ("_from", "_new", "_tail", "all", "apart", "checked", "cleared", "end", "grown_at")

    def __init__(self, *, apart: bool) -> None:
        self.all: list[str] = []
        self.end = self.checked = self.cleared = 0  # what has come, was checked, and may be shown
        self.grown_at = 0  # how much had come in all
        self.apart = apart  # each is read by itself
        self._new: list[str] = []
        self._tail, self._from = "", 0  # what is kept at hand, and where it begins

    def add(self, text: str) -> None:
        self.all.append(text)
        self._new.append(text)
        self.end += len(text)

    def between(self, start: int, end: int) -> str:
        """The text there; what comes before is not asked for again."""
        tail = "".join([self._tail, *self._new])[max(0, start - self._from) :]
        self._tail, self._from = tail, max(start, self._from)
        self._new.clear()
        return tail[: end - self._from]


class _Item(NamedTuple):
    event: Event
    words: _Words | None
    start: int
    end: int


class Holding:
    """One answer, as far as it is held.

    Args:
        policy: What is checked, and how much at once.
        begun: The text of the answer that is there already, and is continued.

    Attributes:
        verdict: What was said of all that has come, once it was.
    """

    def __init__(self, policy: Moderation, begun: str = "") -> None:
        self._policy = policy
        self._items: deque[_Item] = deque()
        self._words: dict[Hashable, _Words] = {}
        self._seen = self._seen_whole = 0  # characters that have come, and of which the whole was checked
        self._finished = self._over = False
        self._worst: Verdict | None = None
        self.verdict: Verdict | None = None
        self._early = 0  # how often the whole was checked because the server had said why it ends
        self._part: int | None = None  # of the wire, if it numbers them
        self._parts: dict[int | None, list[str]] = {}  # what is said in each
        self._is_interleaved = False
        if begun:
            words = self._words[TextDelta, 0] = _Words(apart=False)
            words.add(begun)
            words.checked = words.cleared = words.end
            self._seen = self._seen_whole = words.end

    @property
    def size(self) -> int:
        """How many characters have come in all."""
        return self._seen

    def add(self, events: Iterable[Event]) -> None:
        """Take what has come."""
        for event in events:
            self._note(event)
            if (said := words_in(event)) is None:
                self._items.append(_Item(event, None, 0, 0))
                continue
            if (words := self._words.get(said.kind)) is None:
                words = self._words[said.kind] = _Words(apart=said.whole)
            start = words.end
            words.add(said.text)
            if self._part is not None and isinstance(event, _DIVISIBLE):
                self._parts.setdefault(self._part, []).append(said.text)
            self._seen += len(said.text)
            words.grown_at = self._seen
            self._items.append(_Item(event, words, start, words.end))

    def _note(self, event: Event) -> None:
        match event:
            case PartStarted(part):
                self._part = part
            case PartResumed(part):
                self._is_interleaved = self._is_interleaved or part != self._part
                self._part = part
            case Finished():
                self._finished = True
            case EndOfStream() | Failed() | Garbled():
                self._over = True

    def due(self, *, quiet: bool = False, over: bool = False) -> Passage | None:
        """What is to be checked now, if anything is.

        Args:
            quiet: Whether nothing has come for a while, so that nothing need be waited for.
            over: Whether nothing follows.
        """
        if self._seen > self._seen_whole and (over or self._over or (self._finished and self._early < _MOST_EARLY)):
            self._early += self._finished
            return self._rest()
        if "pieces" not in self._policy.at or self._is_interleaved:  # it reads in another order than it comes
            return None
        for item in self._items:
            words = item.words
            if words is None or item.end <= words.cleared:
                continue
            settled = quiet or words.apart or self._seen - words.grown_at >= self._policy.piece
            if not settled or words.checked < words.end:
                return self._piece(words, settled=settled)
            words.cleared = words.end
        return None

    def _piece(self, words: _Words, *, settled: bool) -> Passage | None:
        size, window = self._policy.piece, self._policy.window
        new = words.end - words.checked
        if not settled and new < size:
            return None
        start = max(0, words.cleared - window)
        text = words.between(start, words.end)
        if settled:
            return Passage(text, ((words, words.end, words.end),))
        end = max((each.end() + start for each in _SETTLED.finditer(text, words.checked - start)), default=0)
        if not end:
            if new < 2 * size:
                return None
            end = words.end
        shown = max(words.cleared, end - window)
        word_end = max(text.rfind(each, words.cleared - start, shown - start) for each in " \n") + 1
        return Passage(text[: end - start], ((words, end, start + word_end if word_end else shown),))

    def passed(self, passage: Passage, verdict: Verdict) -> None:
        """Note that a passage may be shown, and what was said of it."""
        for words, checked, cleared in passage.reached:
            words.checked = max(words.checked, checked)
            words.cleared = max(words.cleared, cleared)
        if self._worst is None or self._worst.outcome == "clean":
            self._worst = verdict
        if passage.whole:
            self._seen_whole = sum(checked for _, checked, _ in passage.reached)
            self.verdict = self._worst

    def released(self, *, all_of_it: bool = False) -> list[Event]:
        """What may be shown by now, which is no longer held.

        Args:
            all_of_it: Whether everything may be but the end.
        """
        return list(self._leaving(all_of_it=all_of_it))

    def _leaving(self, *, all_of_it: bool) -> Iterator[Event]:
        while self._items:
            event, words, start, end = self._items[0]
            if isinstance(event, _ENDS) and self._seen > self._seen_whole:
                return
            cleared = end if words is None or all_of_it else words.cleared
            if end > cleared:
                if start < cleared and isinstance(event, _DIVISIBLE) and not getattr(event, "last", False):
                    yield replace(event, text=event.text[: cleared - start])
                    rest = replace(event, text=event.text[cleared - start :])
                    self._items[0] = _Item(rest, words, cleared, end)
                return
            self._items.popleft()
            yield event

    def _rest(self) -> Passage:
        reached = tuple((words, words.end, words.end) for words in self._words.values())
        if "answer" in self._policy.at or self._is_interleaved:
            said = [
                *(words.all for words in self._words.values()),
                *(self._parts.values() if self._is_interleaved else ()),
            ]
            text = "\n\n".join(map("".join, said))
        else:
            rests = (  # what is checked already, if that is all, is checked once more
                words.between(max(0, words.cleared - self._policy.window), words.end) for words in self._words.values()
            )
            text = "\n\n".join(rests)
        return Passage(text, reached, whole=True)
