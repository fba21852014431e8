"""What a comparison is drawn on: one place for all its answers, whose columns are the surfaces of their streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nbstream.display.surface import NullSurface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.display.surface import Surface
    from nbstream.many.comparison.columns import Column
    from nbstream.many.comparison.comparison import Comparison

__all__ = ["Board", "QuietBoard"]


class Board(Protocol):
    """One comparison's."""

    def open(self, columns: Sequence[Column], stop: Callable[[], None], ended: Callable[[], Comparison | None]) -> None:
        """Show that answers are awaited; on the caller's thread.

        Args:
            columns: The answers, in their order, under the names that may be seen.
            stop: Stops all of them; callable from any thread, any number of times.
            ended: Gives the comparison once all streams have ended.
        """
        ...

    def surface(self, number: int) -> Surface:
        """Where the answer of this number is drawn."""
        ...

    def attend(self, waits: bool) -> None:  # noqa: FBT001  as `Attentive` has it
        """Note whether the caller is waiting; on the caller's thread."""
        ...

    def has_interrupted(self, patience: float) -> bool:
        """Whether it was a Stop on the page that interrupted the kernel just now; on the caller's thread."""
        ...


class QuietBoard:
    """Draws nothing."""

    def open(self, columns: Sequence[Column], stop: Callable[[], None], ended: Callable[[], Comparison | None]) -> None:
        """Show nothing."""

    def surface(self, number: int) -> Surface:  # noqa: ARG002  the protocol's shape
        """Where nothing is drawn."""
        return NullSurface()

    def attend(self, waits: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Do nothing."""

    def has_interrupted(self, patience: float) -> bool:  # noqa: ARG002  the protocol's shape
        """Whether there was a Stop: there is none."""
        return False
