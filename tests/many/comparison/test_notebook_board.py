"""A comparison in a notebook output: what is shown meanwhile, and that its end is shown once."""

import threading

import pytest

from nbstream.display.host import Host
from nbstream.many.comparison.columns import columns_of
from nbstream.many.comparison.comparison import Comparison
from nbstream.many.comparison.notebook_board import NotebookBoard
from nbstream.result import StreamResult, StreamState

DONE = StreamState.COMPLETED


class Shown:
    """An output that keeps what it is given."""

    def __init__(self):
        self.shown = []

    def display(self, data, metadata=None):
        self.shown.append((data, metadata or {}))

    def update(self, data, metadata):
        self.shown.append((data, metadata))

    def reserve(self):
        pass

    def end(self):
        self.shown.append("end")


@pytest.fixture
def columns():
    return columns_of("Hi", ["a", "b"], None, 1, {"base_url": "http://localhost:1/v1"})


@pytest.fixture
def opened(columns):
    """A board whose output is replaced, without widgets; and what it shows."""
    shown = Shown()
    board = NotebookBoard("markdown", Host.OTHER_KERNEL, shown, lambda result: result)  # type: ignore[arg-type]
    answers = [(column.name, StreamResult(column.name * 3, DONE, "stop")) for column in columns]
    board.open(columns, lambda: None, lambda: Comparison(answers))
    return board, shown.shown, [result for _, result in answers]


def test_what_arrives_is_shown_as_growing_markdown(opened):
    board, shown, _ = opened
    board.surface(0).draw(StreamResult("Half", StreamState.STREAMING))
    assert [data["text/markdown"] for data, _ in shown] == [
        "### a\n\n*pending …*\n\n### b\n\n*pending …*",
        "### a\n\nHalf\n\n### b\n\n*pending …*",
    ]


def test_the_end_is_shown_once_though_all_end_at_the_same_time(opened):
    board, shown, answers = opened
    gate = threading.Barrier(2)

    def close(number):
        gate.wait()
        board.surface(number).close(answers[number])

    threads = [threading.Thread(target=close, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, (data, _), end = shown
    assert end == "end"
    assert "### a\n\naaa\n\n### b\n\nbbb\n" in data["text/markdown"]


def test_nothing_is_final_before_the_last_has_ended(opened):
    board, shown, answers = opened
    board.surface(1).close(answers[1])
    assert "end" not in shown
    board.surface(0).draw(answers[0])  # its last frame before its end
    assert "end" not in shown
    board.surface(0).close(answers[0])
    assert shown[-1] == "end"
