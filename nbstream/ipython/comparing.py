"""`%%stream` with several models, endpoints or repetitions: what it asks, what it refuses, and the names it binds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.ipython.unfit import refuse
from nbstream.result import StreamState

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from nbstream.many.comparison.comparison import Comparison
    from nbstream.many.comparison.handle import ComparisonHandle

__all__ = ["asks_several", "beginning", "bound_names", "check_comparison"]

_OF_ONE_ANSWER = {
    "background": "--background is for one answer: give each model a cell of its own, which does not wait either",
    "chat": "--chat continues with one answer: compare first, then ask the model that you choose",
    "insert": "--insert puts the code of one answer into a cell: stream_results[0].insert() does so for one of several",
    "context": "--context shows one request: --plan shows what each model would be sent",
}


def asks_several(options: argparse.Namespace) -> bool:
    """Whether a cell compares answers; one that continues an answer has no model of its own."""
    if "model" not in options:
        return False
    return any(len(given or ()) > 1 for given in (options.model, options.on)) or options.n not in (None, 1)


def check_comparison(options: argparse.Namespace) -> None:
    """Refuse what makes no sense for several answers, or for one.

    Raises:
        UsageError: Something does not.
    """
    if asks_several(options):
        refuse(options, _OF_ONE_ANSWER)
    elif alone := next((name for name in ("diff", "blind") if getattr(options, name)), None):
        raise UsageError(f"--{alone} is for several answers: name another model with -m, or ask one twice with --n 2")


def beginning(
    options: argparse.Namespace, prompt: str | list[dict[str, Any]], asked: dict[str, Any]
) -> Callable[[], ComparisonHandle]:
    """What begins the comparison that a cell asks for.

    Args:
        options: Of the cell.
        prompt: The prompt, filled in once for all.
        asked: What the options mean to `nbs.start`.
    """
    from nbstream.many.comparison.compare import begin_comparison

    others = {name: value for name, value in asked.items() if name not in {"model", "on"}}
    whom: dict[str, Any] = {"models": options.model, "on": options.on, "n": 1 if options.n is None else options.n}
    return partial(begin_comparison, prompt, **whom, blind=options.blind, diff=options.diff, **others)


def bound_names(options: argparse.Namespace, comparison: Comparison) -> dict[str | None, Any]:
    """The names that a comparison binds. Of answers that are not complete there is nothing in a dictionary."""
    names: dict[str | None, Any] = {"stream_results": comparison, options.result: comparison}
    done = {name: result for name, result in comparison.items() if result.state is StreamState.COMPLETED}
    if not done:
        return names
    if options.schema is not None:
        names[options.out] = {name: result.parsed for name, result in done.items()}
    else:
        names[options.out] = {
            name: result.code if options.as_ == "code" else result.text for name, result in done.items()
        }
    return names | {options.usage: {name: result.usage for name, result in done.items()}}
