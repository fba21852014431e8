"""`nbs.compare`: asks several models the same, and draws their answers beside each other."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from nbstream.display.choose import MODES
from nbstream.display.host import Host, host_here
from nbstream.errors import UsageError
from nbstream.many.comparison.blind import blinded
from nbstream.many.comparison.board import QuietBoard
from nbstream.many.comparison.columns import columns_of
from nbstream.many.comparison.handle import ComparisonHandle
from nbstream.many.comparison.terminal_board import TerminalBoard
from nbstream.streaming.errands import waited_for_here
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.many.comparison.board import Board
    from nbstream.many.comparison.comparison import Comparison
    from nbstream.result import StreamResult
    from nbstream.settings.named_endpoint import NamedEndpoint

__all__ = ["begin_comparison", "compare"]

_ONE_ANSWER = ("record", "replay")
"""Options that name one file, which several answers cannot share."""


@takes_key
def compare(
    prompt: str | list[dict[str, Any]],
    *,
    models: Sequence[str | NamedEndpoint] | None = None,
    on: Sequence[str | NamedEndpoint] | str | NamedEndpoint | None = None,
    n: int = 1,
    blind: bool = False,
    diff: bool = False,
    display: bool = True,
    **options: Any,
) -> Comparison:
    """Ask several models the same at the same time, draw the answers beside each other, and wait for all of them.

    An answer that fails or is stopped hurts no other.

    Args:
        prompt: The question, as for `start`; it is the same for all.
        models: The models. An endpoint among them, as `nbs.endpoint` returns it, stands for its own model there.
        on: The endpoints, by their names; each model is asked on each, and without models each is asked for its own.
        n: How often each is asked.
        blind: Hide the names, in a shuffled order, until `choose` is called or an answer is chosen on the page.
        diff: Show the word differences between the two answers.
        display: Whether to draw the answers.
        **options: Options of `start`, which hold for each answer.

    Returns:
        The answers, in order and by name.

    Raises:
        UsageError: The call is wrong; nothing was sent.
        StreamError: All of them failed.
        KeyboardInterrupt: The kernel was interrupted; all answers were stopped, and the output is finished.

    Example:
        ```python
        results = nbs.compare("Explain SSE in a sentence", models=["gpt-5-mini", "gpt-5"], temperature=0)
        results["gpt-5"].text, results[0].timing.ttft
        ```
    """
    about: dict[str, Any] = {"models": models, "on": on, "n": n, "blind": blind, "diff": diff, "display": display}
    with HeldInterrupts() as held:
        with waited_for_here():
            handle = begin_comparison(prompt, **about, **options)
        held.stop_with(handle.cancel)
        return handle.wait()


def begin_comparison(
    prompt: str | list[dict[str, Any]],
    *,
    models: Sequence[str | NamedEndpoint] | None,
    on: Sequence[str | NamedEndpoint] | str | NamedEndpoint | None,
    n: int = 1,
    blind: bool = False,
    diff: bool = False,
    display: bool = True,
    **options: Any,
) -> ComparisonHandle:
    """Begin a comparison; the arguments are those of `compare`.

    Raises:
        UsageError: The call is wrong; nothing was sent.
    """
    if taken := [name for name in _ONE_ANSWER if options.get(name) is not None]:
        raise UsageError(f"{taken[0]} names the file of one answer; nbs.configure(recordings=…) keeps those of several")
    columns = columns_of(prompt, models, on, n, options)
    if diff and len(columns) != 2:
        raise UsageError(f"the differences are between two answers, and here are {len(columns)}")
    if blind:
        random.SystemRandom().shuffle(columns)
    board = _board(columns[0].request.surface, blinded if blind else _as_it_is) if display else QuietBoard()
    with HeldInterrupts() as held:
        handle = ComparisonHandle(columns, board, blind=blind, differences=diff)
        held.stop_with(handle.cancel)
        return handle


def _board(wanted: str, seen: Callable[[StreamResult], StreamResult]) -> Board:
    """Where the answers are drawn, if the code that runs now asks."""
    host = host_here()
    if wanted == "terminal" or host is Host.TERMINAL:
        return TerminalBoard(seen)
    from nbstream.display.output import Output
    from nbstream.many.comparison.notebook_board import NotebookBoard

    if host is Host.MARIMO:
        from nbstream.display.marimo import MarimoOutput

        return NotebookBoard("static" if wanted == "static" else "markdown", host, MarimoOutput(), seen)
    return NotebookBoard(MODES.get(host, "live") if wanted == "auto" else wanted, host, Output(), seen)


def _as_it_is(result: StreamResult) -> StreamResult:
    return result
