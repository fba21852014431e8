"""Text in pieces: never lost, never doubled, always fit to be encoded."""

import random
import sys
import threading
from itertools import pairwise

import pytest

from nbstream.assembly.text import TextBuffer

TEXTS = [
    "",
    "plain",
    "a\nb\r\n",
    "👩‍💻 e\u0301 \u2028",
    "\x00\x1b",
    "\ud83d",
    "\ude00",
    "a\ude00b",
    "\ude00\ud83d",
    "\ud83d\ud83d\ude00!",
]


def collected(pieces):
    buffer = TextBuffer()
    for piece in pieces:
        buffer.append(piece)
        buffer.value().encode()
    buffer.close()
    return buffer.value()


@pytest.mark.parametrize("text", TEXTS)
def test_whole_and_by_character(text):
    paired = text.replace("\ud83d\ude00", "😀")
    expected = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in paired)
    assert collected([text]) == expected
    assert collected(text) == expected


def test_random_cuts():
    generator = random.Random(3)
    text = "".join(generator.choices("ab😀é\n\u2028", k=300))
    halves = text.encode("utf-16-le", "surrogatepass")
    units = [halves[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(halves), 2)]
    for _ in range(50):
        cuts = [0, *sorted(generator.choices(range(len(units)), k=20)), len(units)]
        pieces = ["".join(units[a:b]) for a, b in pairwise(cuts)]
        assert collected(pieces) == text


def test_a_half_waits_for_the_other():
    buffer = TextBuffer()
    buffer.append("Hi \ud83d")
    assert buffer.value() == "Hi "
    buffer.append("")
    assert buffer.value() == "Hi "
    buffer.append("\ude00!")
    assert buffer.value() == "Hi 😀!"


def test_a_half_left_alone_becomes_a_replacement_character():
    buffer = TextBuffer()
    buffer.append("Hi \ud83d")
    buffer.close()
    buffer.close()
    assert buffer.value() == "Hi \ufffd"


def test_reading_changes_nothing():
    buffer = TextBuffer()
    for piece in "abc":
        buffer.append(piece)
        buffer.value()
    assert buffer.value() == "abc"


def test_reading_from_another_thread_loses_nothing():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        buffer, finished = TextBuffer(), threading.Event()

        def read():
            while not finished.is_set():
                buffer.value()

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for _ in range(300_000):
            buffer.append("x")
        finished.set()
        for reader in readers:
            reader.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(buffer.value()) == 300_000
