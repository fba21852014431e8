"""Whether the error of a failed answer is shown below it: the code that it is raised to may also catch it."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.result import StreamResult

__all__ = ["Raised"]


class Raised:
    """Expects that the cell that runs now shows the error of an answer, and looks at its end whether it did.

    Outside IPython nobody can look, so it stays expected.
    """

    def __init__(self) -> None:
        self._errors: tuple[BaseException, ...] | None = None  # those that the cell has shown, once it has ended
        self._shown: tuple[StreamResult, Callable[[bool], None]] | None = None
        self._lock = threading.Lock()
        self._shell = running_shell()
        if self._shell is not None:
            # The event post_execute also comes with each message of a widget, in the middle of the cell.
            self._shell.events.register("post_run_cell", self._look)

    def expected(self, result: StreamResult) -> bool:
        """Whether the cell shows, or will show, the error of an answer, which may be drawn after the cell has ended."""
        return self._errors is None or result.error in self._errors

    def show(self, result: StreamResult, show: Callable[[bool], None]) -> None:
        """Show how an answer ended; from any thread.

        Args:
            result: The answer.
            show: Shows it. Called with whether the error is left to be shown by the cell, and once more, with false, if
                the cell did not show it.
        """
        with self._lock:
            self._shown = result, show
            show(self.expected(result))

    def _look(self, _: object) -> None:
        if self._shell is not None:
            self._shell.events.unregister("post_run_cell", self._look)
        with self._lock:
            # IPython keeps the error that it has shown last, also for an output widget that shows those of its block.
            self._errors = tuple(_all_of(getattr(sys, "last_value", None)))
            if self._shown is not None:
                result, show = self._shown
                if result.error is not None and not self.expected(result):
                    show(False)


def _all_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error with those that its traceback shows beside it."""
    errors, seen = [error], set()
    while errors:
        if (each := errors.pop()) is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        errors += [each.__cause__, None if each.__suppress_context__ else each.__context__]
        if isinstance(each, BaseExceptionGroup):
            errors += each.exceptions
