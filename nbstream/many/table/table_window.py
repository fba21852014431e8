"""The part of a table that one view shows, and what of it the view has been sent. Pure but for reading the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.many.table.row_line import row_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbstream.many.table.shown_job import ShownJob, ShownRow

__all__ = ["MOST_ROWS", "TableWindow"]

MOST_ROWS = 200
"""A view that asks for more at once is sent so many."""


class TableWindow:
    """The rows from one position on, of all rows or of those that have failed.

    Attributes:
        hidden: Whether nobody sees it, so that nothing is sent.
    """

    def __init__(self) -> None:
        self.hidden = False
        self._first, self._count, self._failed = 0, 0, False
        self._sent: dict[int, list[Any]] = {}  # by the numbers of rows: as the view has them
        self._stale: set[int] = set()  # numbers of rows that may differ from that
        self._shape: list[Any] | None = None  # what the view knows of how many rows there are, and which

    def move(self, first: int, count: int, *, failed: bool) -> None:
        """Show other rows; those that stay are not sent again.

        Args:
            first: The position of the first.
            count: How many.
            failed: Whether only failed rows count.
        """
        self._first, self._count, self._failed = max(0, first), max(0, min(count, MOST_ROWS)), failed
        self.hidden = False
        self._shape = None  # it waits for an answer

    def hide(self) -> None:
        """Nobody sees the page. What was sent is known still, and what changes meanwhile is noted."""
        self.hidden = True

    def forget(self) -> None:
        """The view has lost what it was sent."""
        self._sent.clear()
        self._stale.clear()
        self._shape = None

    def change(self, numbers: Iterable[int]) -> None:
        """Note that rows may have changed."""
        self._stale.update(self._sent.keys() & numbers)

    def part(self, job: ShownJob, most: int) -> tuple[dict[str, Any] | None, int]:
        """What the view lacks, and how long that is; `None` if it has everything.

        Args:
            job: Whose rows these are.
            most: How many characters of rows may be sent; one row always is.
        """
        count, numbers = self._rows_of(job)
        shown = set(numbers)
        self._sent = {number: line for number, line in self._sent.items() if number in shown}
        self._stale &= self._sent.keys()
        lines: list[list[Any]] = []
        size = 0
        for row in _read(job.rows, [each for each in numbers if each not in self._sent or each in self._stale]):
            number, line = row.number, row_line(row, job.columns)
            if line != self._sent.get(number):
                size += _length(line)
                if lines and size > most:
                    return self._told(count, numbers, lines), size
                lines.append(line)
                self._sent[number] = line
            self._stale.discard(number)
        return self._told(count, numbers, lines), size

    def _rows_of(self, job: ShownJob) -> tuple[int, Sequence[int]]:
        """How many rows count, and the numbers of those that are shown."""
        end = self._first + self._count
        if self._failed:
            failed = job.failed
            return len(failed), tuple(failed[self._first : end])
        known = len(job.rows)
        return max(known, job.progress.total or 0), range(min(self._first, known), min(end, known))

    def _told(self, count: int, numbers: Sequence[int], lines: list[list[Any]]) -> dict[str, Any] | None:
        shape = [count, self._first, self._failed, list(numbers) if self._failed else None]
        if shape == self._shape and not lines:
            return None
        self._shape = shape
        told = {"count": count, "first": self._first, "failed": self._failed, "rows": lines}
        return {**told, "numbers": shape[3]} if self._failed else told


def _read(rows: Sequence[ShownRow], numbers: Sequence[int]) -> Iterator[ShownRow]:
    """Rows, of which those that follow each other are read at once."""
    begin = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
            yield from rows[numbers[begin] : numbers[end - 1] + 1]
            begin = end


def _length(line: list[Any]) -> int:
    """About how many bytes a row takes."""
    return 24 + sum(len(part.encode()) + 4 for part in (line[1], line[3], line[5], *line[4]))
