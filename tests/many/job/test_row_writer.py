"""Answers that come together are written together; at the end everything is written."""

from __future__ import annotations

from typing import Any

from nbstream.many.asking.runner import PreparedRow, RowAnswer
from nbstream.many.job.row_writer import RowWriter
from nbstream.outcome import StreamState


def answer(number: int) -> RowAnswer:
    return RowAnswer(PreparedRow(number, bytes([number]), ()), StreamState.COMPLETED)


def test_what_gathers_is_one_write_which_the_end_does_not_wait_for() -> None:
    written: list[list[int]] = []

    def write(answers: Any) -> None:
        written.append([each.row.number for each in answers])

    writer = RowWriter(write, gathering=600.0)
    for number in range(3):
        writer.put(answer(number))
    assert writer.behind == 3
    writer.end()
    assert (written, writer.behind) == ([[0, 1, 2]], 0)
