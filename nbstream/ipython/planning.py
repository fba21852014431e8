"""`--plan` and `--context`: what a cell would send, and what it has sent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.display import publish_display_data

from nbstream.accounting.counting import planned
from nbstream.accounting.plan import plan_of
from nbstream.accounting.plan_table import as_html, as_text, folded
from nbstream.errors import UsageError
from nbstream.ipython.comparing import asks_several
from nbstream.settings.resolution import resolve
from nbstream.text.place import Place, reader_in

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from nbstream.request import StreamRequest
    from nbstream.streaming.handle import StreamHandle

__all__ = ["context_shown", "show_plan"]


def show_plan(options: argparse.Namespace) -> None:
    """Show what a cell would send, below it; nothing is.

    Args:
        options: Of the cell, with what it asks.
    """
    prompt, asked = options.asked
    try:
        with reader_in(Place.CELL):
            for request in _requests(options, prompt, asked):
                plan = planned(request, counted=options.plan == "count")
                _show(as_html(plan), as_text(plan))
    except UsageError as error:
        raise IPythonUsageError(error.told(Place.CELL)) from None


@contextlib.contextmanager
def context_shown(options: argparse.Namespace, handle: StreamHandle) -> Iterator[None]:
    """Show below an answer what was sent, folded, if the cell asks for that."""
    try:
        yield
    finally:
        result = handle.snapshot
        if getattr(options, "context", False) and not options.quiet and result.state.terminal:
            usage = result.rounds[0].usage if result.rounds else result.usage
            tokens = None if usage is None else usage.input_tokens
            who = "the server reported none" if usage is None else "the server"
            plan = plan_of(handle.request, tokens=tokens, counted=who)
            _show(folded(plan), as_text(plan, sent=True))


def _show(html: str, text: str) -> None:
    publish_display_data({"text/html": html, "text/plain": text})  # type: ignore[no-untyped-call]


def _requests(options: argparse.Namespace, prompt: Any, asked: dict[str, Any]) -> list[StreamRequest]:
    """What a cell would send: several, if it compares."""
    if not asks_several(options):
        return [_request(options.chat, prompt, asked)]
    from nbstream.many.comparison.columns import columns_of

    others = {name: value for name, value in asked.items() if name not in {"display", "model", "on"}}
    columns = columns_of(prompt, options.model, options.on, 1 if options.n is None else options.n, others)
    return [column.request for column in columns]


def _request(chat: str | None, prompt: Any, asked: dict[str, Any]) -> StreamRequest:
    given = {name: value for name, value in asked.items() if name != "display"}
    if chat is None:
        return resolve(prompt, **given)
    from nbstream.conversation.chat import Chat

    found = Chat.named(chat)
    with_it = {name: given.pop(name) for name in ("image", "file")}
    return found.request(prompt, **with_it, **{name: value for name, value in given.items() if value is not None})
