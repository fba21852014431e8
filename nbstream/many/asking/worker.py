"""What runs in another process: it asks one row, with this process's engine, client and key.

Nothing that comes from the map holds a key: a worker reads it from its own environment.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbstream.errors import MissingKeyError, UsageError
from nbstream.many.asking.control import listen_for_stop
from nbstream.many.asking.local import LocalAsker
from nbstream.many.asking.paced import Asked
from nbstream.many.asking.runner import PreparedRow, RowAnswer
from nbstream.outcome import StreamState
from nbstream.streaming.engine import engine

if TYPE_CHECKING:
    from nbstream.many.asking.control import ControlAddress
    from nbstream.request import StreamRequest
    from nbstream.settings.credential import KeyReference
    from nbstream.streaming.engine import Engine

__all__ = ["RowOrder", "ask_row"]


@dataclass(frozen=True, slots=True)
class RowOrder:
    """What a worker is told.

    Attributes:
        row: What to ask.
        request: With what; its endpoint has no key.
        key: Where the worker finds the key, if one is sent.
        control: How it hears of a stop.
    """

    row: PreparedRow
    request: StreamRequest
    key: KeyReference | None
    control: ControlAddress


def ask_row(order: RowOrder) -> Asked:
    """Ask a row and return what came of it; never raises for a row that fails.

    Args:
        order: What to ask.
    """
    asker = _asker_of(order)
    if isinstance(asker, Asked):
        return asker
    asked = engine().wait_for(asker.ask(order.row))
    # The map has the row already.
    return asked._replace(answer=replace(asked.answer, row=replace(order.row, messages=())))


_askers: dict[bytes, tuple[LocalAsker, Engine]] = {}
_lock = threading.Lock()


def _asker_of(order: RowOrder) -> LocalAsker | Asked:
    """What asks the rows of this map here; one for all of them."""
    here, token = engine(), order.control.token
    with _lock:
        found = _askers.get(token)
        if found is not None and found[1] is here:
            return found[0]
        try:
            key = None if order.key is None else order.key.resolve()
        except UsageError as error:
            row = replace(order.row, messages=())
            return Asked(RowAnswer(row, StreamState.FAILED, error=str(error), kind=MissingKeyError.kind, attempts=0))
        request = replace(order.request, endpoint=replace(order.request.endpoint, api_key=key))
        asker = LocalAsker(request, here, here)
        _askers[token] = asker, here

        def stop() -> None:
            with _lock:
                _askers.pop(token, None)
            here.call_soon(asker.cancel)

        listen_for_stop(order.control, stop)
        return asker
