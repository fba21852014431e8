"""What a stream is drawn on: the one protocol that notebook, terminal and silence implement as siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Allowance, Question

__all__ = [
    "Allowing",
    "Asking",
    "Attentive",
    "Interrupting",
    "NullSurface",
    "Prompting",
    "Raising",
    "Refreshing",
    "Surface",
    "is_blank",
]


class Surface(Protocol):
    """One place on which one stream is drawn.

    `open` runs on the caller's thread, so that the output belongs to the right cell; `draw` and `close` run on a thread
    of the surface's own, never two at a time. Whatever they raise and however long they take, the answer is complete.
    """

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Show that an answer is awaited.

        Args:
            request: What was asked; its prompt is not to be shown.
            stop: Cancels the stream; callable from any thread, any number of times.
        """
        ...

    def draw(self, snapshot: StreamResult) -> None:
        """Show the answer so far."""
        ...

    def close(self, result: StreamResult) -> None:
        """Show the final answer with the mark of how it ended; nothing is drawn afterwards."""
        ...


@runtime_checkable
class Attentive(Protocol):
    """A surface that draws differently while the caller only waits, because then nobody else writes there."""

    def attend(self, waits: bool) -> None:  # noqa: FBT001  called by position only
        """Note whether the caller is waiting; on the caller's thread."""
        ...


@runtime_checkable
class Refreshing(Protocol):
    """A surface that may have more to show of an answer that has not changed, such as the colours of its code."""

    def refresh_by(self, touch: Callable[[], None]) -> None:
        """Take what has the answer drawn again; on the loop.

        Args:
            touch: Has the surface draw when a frame is due, unless the answer has ended; callable from any thread, any
                number of times.
        """
        ...


@runtime_checkable
class Raising(Protocol):
    """A surface that leaves to the error that the caller raises what that error says."""

    def expect_error(self) -> None:
        """Note that a failure will be raised by the code that runs now; on the caller's thread."""
        ...


@runtime_checkable
class Interrupting(Protocol):
    """A surface whose Stop interrupts the kernel where messages do not reach it."""

    def has_interrupted(self, patience: float) -> bool:
        """Whether it was this that interrupted the kernel just now; on the caller's thread.

        Args:
            patience: Seconds to wait until that is known.
        """
        ...


@runtime_checkable
class Asking(Protocol):
    """A surface that asks its reader whether a call may run."""

    def ask(self, question: Question) -> bool | None:
        """Show a question until it is withdrawn, and answer it as the reader does.

        Returns:
            Whether anybody can see it; `None` if that is not known yet.
        """
        ...

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        ...


@runtime_checkable
class Allowing(Protocol):
    """A surface that says which tools its reader has allowed for good, and lets that be taken back."""

    def allowed(self, allowance: Allowance) -> None:
        """Show that calls of a tool run without a question."""
        ...


@runtime_checkable
class Prompting(Protocol):
    """A surface that asks on the thread of the caller, which waits for the answer."""

    def prompt(self, question: Question) -> None:
        """Ask, and answer the question as the reader does."""
        ...


class NullSurface:
    """Draws nothing."""

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Show nothing."""

    def draw(self, snapshot: StreamResult) -> None:
        """Show nothing."""

    def close(self, result: StreamResult) -> None:
        """Show nothing."""


def is_blank(surface: Surface) -> bool:
    """Whether a surface draws nowhere, so that nothing need be prepared for it."""
    return isinstance(surface, NullSurface)
