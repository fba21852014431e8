"""`%%stream --background`: a cell whose answer goes on arriving while other cells run."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from IPython.core.error import UsageError as IPythonUsageError

from nbstream.display.host import Host, host_here
from nbstream.display.rerun import Rerun
from nbstream.errors import StreamError, UsageError
from nbstream.ipython.unfit import refuse
from nbstream.many.background.asked import first_words
from nbstream.streaming.engine import engine
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.text.place import Place, reader_in

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from nbstream.streaming.handle import StreamHandle

__all__ = ["begin", "refuse_what_needs_the_cell"]

_INSTEAD = {
    "usage": "its usage is `answer.result().usage`, if -o names it `answer`",
    "result": "its result is `answer.result()`, if -o names it `answer`",
    "insert": "`answer.result().insert()` inserts its code, if -o names it `answer`",
    "context": "`--plan` shows beforehand what would be sent",
}
"""What only a cell that waits can do, by its option, and what to do instead."""


def refuse_what_needs_the_cell(options: argparse.Namespace) -> None:
    """Check that a cell can go on without its answer.

    Args:
        options: Of the cell.

    Raises:
        UsageError: An option needs the answer while the cell runs.
    """
    refuse(
        options,
        {
            name: f"--{name} cannot be used with --background, whose cell does not wait; {instead}"
            for name, instead in _INSTEAD.items()
        },
    )


def begin(shell: InteractiveShell, options: argparse.Namespace, ask: Callable[[], StreamHandle]) -> StreamHandle:
    """Start a stream that its cell does not wait for, and bind its handle.

    No name is bound at its end, because another cell may be running then. Where a program runs the notebook, nobody
    has anything else to do meanwhile, and what has not arrived when the last cell ends would be lost; there the cell
    waits all the same.

    Args:
        shell: Has the variables.
        options: Of the cell.
        ask: Starts the stream.
    """
    with HeldInterrupts() as held:
        try:
            with reader_in(Place.CELL):
                handle = ask()
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None
        held.stop_with(handle.cancel)
        if options.quiet:  # otherwise what draws the answer sees to it
            rerun = Rerun()
            rerun.watch(handle.cancel)
            handle.when_committed(lambda _: rerun.forget())
        if (job := engine().running.of(handle)) is not None:
            job.called(options.out, first_words(options.prompt))
        if options.out is not None:
            shell.push({options.out: handle}, interactive=True)  # type: ignore[no-untyped-call]
    if host_here() in {Host.PROGRAM, Host.SERVER_PAGE}:
        _wait(handle)
    return handle


def _wait(handle: StreamHandle) -> None:
    """Wait for the end; an interrupt ends the stream. How it ended is told in its output, and by its `result()`."""
    with HeldInterrupts() as held:
        held.stop_with(handle.cancel)
        with contextlib.suppress(StreamError):
            handle.result()
