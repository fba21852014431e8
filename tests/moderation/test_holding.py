"""What is held of an answer until it was checked, by value: at random cuts, of several kinds of words, at every end."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from nbstream.events import (
    ActivityReported,
    EndOfStream,
    Event,
    Finished,
    LogprobsReported,
    MediaDelta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    Unrecognized,
    UsageReported,
)
from nbstream.moderation import Moderation, Verdict
from nbstream.moderation.holding import Holding, Passage
from nbstream.moderation.words import words_in
from nbstream.outcome import Usage
from tests.each import check_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLEAN = Verdict("answer", "clean", by="f")
END: list[Event] = [Finished("stop"), UsageReported(Usage(1, 2, 3)), EndOfStream(marked=True)]
FORBIDDEN = "forbidden word"
BESIDE: list[list[Event]] = [
    [],
    [ToolCallDelta(0, "c", "f", '{"a":')],
    [MediaDelta("m", "image", b"x")],
    [LogprobsReported(({"token": "a"},))],
]


def played(events: Iterable[Event], policy: Moderation, *, late: int = 0) -> tuple[list[Event], str | None]:
    """What is released of an answer, and the text that was refused; a check takes as long as `late` events."""
    held = Holding(policy)
    released: list[Event] = []
    checking: list[tuple[int, Passage]] = []
    over = False
    waiting = list(events)
    while True:
        if not checking and (passage := held.due(over=over)) is not None:
            checking = [(late, passage)]
        released += held.released()
        if over and not checking:
            return released, None
        if waiting:
            held.add([waiting.pop(0)])
        over = not waiting
        checking = [(left - 1, passage) for left, passage in checking]
        if checking and (checking[0][0] <= 0 or over):
            passage = checking.pop()[1]
            if FORBIDDEN in passage.text:
                return released, passage.text
            held.passed(passage, CLEAN)


def cut(text: str, chance: random.Random, longest: int) -> list[str]:
    places = [0]
    while places[-1] < len(text):
        places.append(min(len(text), places[-1] + chance.randint(1, longest)))
    return [text[start:end] for start, end in pairwise(places)]


def sentences(chance: random.Random, count: int) -> str:
    words, ends = ["the", "sea", "is", "wide", "and", "grey", "today"], [". ", "!\n", " ", "\n\n"]
    return "".join(" ".join(chance.choices(words, k=chance.randint(2, 14))) + chance.choice(ends) for _ in range(count))


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_no_piece_of_what_is_flagged_is_ever_released() -> None:
    check_each(range(150), check_nothing_flagged, "seed {}".format)


def check_nothing_flagged(seed: int) -> None:
    chance = random.Random(seed)
    before, after = sentences(chance, chance.randint(0, 30)), sentences(chance, chance.randint(0, 30))
    pieces = cut(before + FORBIDDEN + after, chance, chance.choice([1, 3, 20, 300]))
    policy = Moderation(str, piece=chance.choice([1, 20, 200]), window=chance.choice([len(FORBIDDEN), 100]))
    released, refused = played([*map(TextDelta, pieces), *END], policy, late=chance.randint(0, 40))
    assert refused is not None
    assert before.startswith(text_of(released))


def test_what_is_clean_comes_through_as_it_came() -> None:
    check_each(range(100), check_clean, "seed {}".format)


def check_clean(seed: int) -> None:
    chance = random.Random(seed)
    events: list[Event] = []
    for _ in range(chance.randint(1, 12)):
        kind = chance.choice([TextDelta, ReasoningDelta, RefusalDelta])
        events += [kind(piece) for piece in cut(sentences(chance, chance.randint(1, 6)), chance, 30)]
        events += chance.choice(BESIDE)
    policy = Moderation(str, piece=chance.choice([1, 50, 200]), window=chance.choice([0, 10, 100]))
    released, refused = played([*events, *END], policy, late=chance.randint(0, 40))
    assert refused is None
    assert _joined(released) == _joined([*events, *END])


def _joined(events: Iterable[Event]) -> list[object]:
    """The events, with neighbouring pieces of the same kind joined."""
    made: list[object] = []
    for event in events:
        if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
            if made and isinstance(made[-1], tuple) and made[-1][0] is type(event):
                made[-1] = (type(event), made[-1][1] + event.text)
            else:
                made.append((type(event), event.text))
        else:
            made.append(event)
    return made


def test_text_is_shown_while_it_arrives() -> None:
    said = "It is a sentence of some length. " * 30
    held, shown = Holding(Moderation(str, piece=100, window=20)), []
    for piece in cut(said, random.Random(1), 10):
        held.add([TextDelta(piece)])
        if (passage := held.due()) is not None:
            held.passed(passage, CLEAN)
        shown += held.released()
        assert held.size - len(text_of(shown)) <= 100 + 33 + 20 + 10, "so much is held back at most"
    assert len(text_of(shown)) > 800


def test_a_sentence_is_checked_as_a_whole() -> None:
    held = Holding(Moderation(str, piece=20, window=5))
    held.add([TextDelta("One sentence is here. And half of ano")])
    passage = held.due()
    assert passage is not None
    assert passage.text == "One sentence is here."
    held.passed(passage, CLEAN)
    assert text_of(held.released()) == "One sentence is "


def test_without_pieces_nothing_is_shown_before_the_end() -> None:
    held = Holding(Moderation(str, at=("answer",)))
    held.add([TextDelta("A sentence. " * 100)])
    assert (held.due(), held.due(quiet=True), held.released()) == (None, None, [])
    held.add(END)
    passage = held.due()
    assert passage is not None
    assert passage.whole
    held.passed(passage, CLEAN)
    assert len(held.released()) == 1 + len(END)


def test_after_a_silence_nothing_is_waited_for() -> None:
    held = Holding(Moderation(str))
    held.add([TextDelta("Half a sen")])
    assert held.due() is None
    passage = held.due(quiet=True)
    assert passage is not None
    held.passed(passage, CLEAN)
    assert text_of(held.released()) == "Half a sen"
    held.add([TextDelta("tence")])
    passage = held.due(quiet=True)
    assert passage is not None
    assert passage.text == "Half a sentence", "what was shown is read with what follows"


def test_the_end_waits_for_the_whole() -> None:
    held = Holding(Moderation(str))
    held.add([TextDelta("Hi"), Finished("stop")])
    passage = held.due()
    assert passage is not None
    assert [type(event) for event in held.released()] == []
    held.passed(passage, CLEAN)
    assert [type(event) for event in held.released()] == [TextDelta, Finished]
    held.add([EndOfStream(marked=True)])
    assert held.due() is None
    assert [type(event) for event in held.released()] == [EndOfStream]


def test_a_server_that_says_with_every_piece_that_it_is_the_last_is_not_checked_as_often() -> None:
    held, checks = Holding(Moderation(str)), 0
    for _ in range(100):
        held.add([TextDelta("word "), Finished("stop")])
        while (passage := held.due()) is not None:
            checks += 1
            held.passed(passage, CLEAN)
    assert checks <= 5


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ToolCallDelta(0, "c", "look", '{"q":'), 'look{"q":'),
        (TextRevised("all"), "all"),
        (
            ActivityReported("a", "k", input="x", item={"results": [{"text": "found"}]}),
            "x\nresults\ntext\nfound",
        ),
        (Unrecognized('{"odd": 1}'), '{"odd": 1}'),
        (Finished("stop"), None),
        (ToolCallDelta(0, "c"), None),
    ],
)
def test_words_in_events(event: Event, words: str | None) -> None:
    said = words_in(event)
    assert (None if said is None else said.text) == words
