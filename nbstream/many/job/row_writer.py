"""Writes the answers of a map on a thread of its own: those that have come together in one transaction."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.many.asking.runner import RowAnswer

__all__ = ["RowWriter"]


class RowWriter:
    """Rows count as done only when they are written.

    Args:
        write: Writes answers, and says that they are.
    """

    def __init__(self, write: Callable[[Sequence[RowAnswer]], object]) -> None:
        self._write = write
        self._answers: list[RowAnswer] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="nbstream-map-writer", daemon=True)
        self._thread.start()

    def put(self, answer: RowAnswer) -> None:
        """Have an answer written soon; from any thread."""
        with self._changed:
            self._answers.append(answer)
            self._changed.notify_all()

    @property
    def behind(self) -> int:
        """How many answers wait to be written."""
        return len(self._answers)

    def end(self) -> None:
        """Return when everything is written."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._answers or self._ended)
                answers, self._answers = self._answers, []
                if not answers:
                    return
            self._write(answers)
