"""A string that grows: every character in its place, few pieces in the list, readable while it grows."""

import random
import sys
import threading

import pytest

from nbstream.text.pieces import SMALL_PIECES, Pieces


def collected(parts):
    pieces = Pieces()
    for part in parts:
        pieces.append(part)
    return pieces


def test_nothing():
    pieces = Pieces()
    assert pieces.value() == ""
    assert not pieces


def test_something_even_if_it_is_empty_once_replaced():
    pieces = collected(["a"])
    assert pieces
    pieces.replace("")
    assert pieces.value() == ""


@pytest.mark.parametrize("count", [1, 2, SMALL_PIECES - 1, SMALL_PIECES, SMALL_PIECES + 1, 5 * SMALL_PIECES + 7])
def test_nothing_is_lost_where_pieces_are_joined(count):
    parts = [f"{number} " for number in range(count)]
    assert collected(parts).value() == "".join(parts)


def test_odd_pieces():
    parts = ["", "x" * 100_000, "\ud83d", "\ude00", "\x00", "", "é\u2028"] * SMALL_PIECES
    random.Random(1).shuffle(parts)
    assert collected(parts).value() == "".join(parts)


def test_reading_changes_nothing():
    pieces = Pieces()
    for number in range(3 * SMALL_PIECES):
        pieces.append("x")
        if number % 97 == 0:
            assert pieces.value() == pieces.value() == "x" * (number + 1)


def test_pieces_become_few():
    pieces = collected(["token "] * 100 * SMALL_PIECES)
    assert pieces.count <= 100 + SMALL_PIECES


def test_what_was_joined_is_not_joined_again():
    """Joining it all, again and again, would copy a long answer as often as it has pieces."""
    for joined in (3, 30):
        pieces = collected(["x"] * joined * SMALL_PIECES)
        assert pieces.count == joined
        for _ in range(SMALL_PIECES):
            pieces.append("y")
        assert pieces.count == joined + 1


@pytest.mark.parametrize("count", [0, 1, 2 * SMALL_PIECES + 3])
def test_replacing_forgets_what_there_was_and_goes_on(count):
    pieces = collected(["old "] * count)
    pieces.replace("new")
    assert (pieces.value(), pieces.count) == ("new", 1)
    more = [f" {number}" for number in range(2 * SMALL_PIECES + 3)]
    for part in more:
        pieces.append(part)
    assert pieces.value() == "new" + "".join(more)
    assert pieces.count <= 3 + SMALL_PIECES


def test_another_thread_always_reads_a_beginning():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    finished = threading.Event()
    pieces, wrong = Pieces(), []
    whole = "".join(f"{number} " for number in range(30_000))

    def read():
        longest = 0
        while not finished.is_set():
            seen = pieces.value()
            if not whole.startswith(seen) or len(seen) < longest:
                wrong.append(seen[-50:])
            longest = len(seen)

    readers = [threading.Thread(target=read) for _ in range(2)]
    try:
        for reader in readers:
            reader.start()
        for number in range(30_000):
            pieces.append(f"{number} ")
    finally:
        finished.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)
    assert not wrong
    assert pieces.value() == whole
