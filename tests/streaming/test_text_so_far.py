"""What is new of a growing text: never twice, and nothing is read again but where something was taken back."""

from __future__ import annotations

import random

import pytest

from nbstream.assembly.builders import Words
from nbstream.streaming.text_so_far import NewText, TextSoFar, TextsOfRound


class Counted(Words):
    """Counts the characters that are read of it."""

    read = 0

    def text_from(self, start: int) -> str:
        piece = super().text_from(start)
        Counted.read += len(piece)
        return piece


@pytest.fixture(autouse=True)
def _not_read() -> None:
    Counted.read = 0


def words(text: str = "", *, new_paragraph: bool = False) -> Words:
    made = Counted("text", new_paragraph=new_paragraph)
    if text:
        made.append(text)
    return made


def test_reading_is_linear_in_the_text() -> None:
    text = words()
    reader = TextSoFar(lambda: TextsOfRound("", (text,)))
    pieces = []
    for number in range(5_000):
        text.append(f"piece {number}, ")
        pieces.append(reader.new().piece)
    assert "".join(pieces) == text.text
    assert Counted.read == len(text.text), "each character once"


@pytest.mark.parametrize("seed", range(5))
def test_however_a_text_grows_what_is_new_is_the_rest(seed: int) -> None:
    generator = random.Random(seed)
    texts: list[Words] = [words()]
    earlier = generator.choice(["", "Let me see."])
    reader = TextSoFar(lambda: TextsOfRound(earlier, tuple(texts)))
    seen = ""
    for _ in range(300):
        match generator.randrange(10):
            case 0:
                texts.append(words(new_paragraph=generator.random() < 0.5))
            case 1:
                generator.choice(texts).append("late ")
            case 2 if generator.random() < 0.2:
                generator.choice(texts).replace("Otherwise")
            case _:
                texts[-1].append("more ")
        if generator.random() < 0.7:
            new = reader.new()
            seen = new.piece if new.begins_anew else seen + new.piece
            assert seen == whole(earlier, texts)


def whole(earlier: str, texts: list[Words]) -> str:
    said = [text for text in texts if text.text]
    own = "".join(("\n\n" if place and text.new_paragraph else "") + text.text for place, text in enumerate(said))
    return f"{earlier}\n\n{own}" if earlier and own else earlier + own


def test_what_is_taken_back_begins_anew_and_what_only_moves_does_not() -> None:
    text, other = words("One"), words(" two")
    texts: tuple[Words, ...] = (text, other)
    reader = TextSoFar(lambda: TextsOfRound("", texts))
    assert reader.new() == NewText("One two", begins_anew=False)
    text.replace("One two")
    texts = (text,)
    assert reader.new() == NewText("", begins_anew=False)
    text.append(" three")
    assert reader.new() == NewText(" three", begins_anew=False)
    text.replace("Four")
    assert reader.new() == NewText("Four", begins_anew=True)
