"""How often each conversation was answered badly, for faults that strike a number of times. Keeps no text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbstream.demo.fault import Fault
    from nbstream.demo.request import Order

CONVERSATIONS_KEPT = 1000


class Tally:
    """Counts the strikes of every fault that has a number of them.

    Requests belong together that ask for the same fault in the same conversation through the same API, whether they ask
    again or for a continuation. A request that is answered well ends the count; then it starts over, so that what was
    run once can be run once more.
    """

    def __init__(self) -> None:
        self._struck: dict[int, int] = {}

    def strike(self, api: str, order: Order) -> Fault | None:
        """The fault with which to answer this request, if any."""
        fault = order.fault
        if fault is None or fault.times is None:
            return fault
        conversation = hash((api, order.conversation, fault))
        struck = self._struck.pop(conversation, 0)
        if struck == fault.times:
            return None
        self._struck[conversation] = struck + 1
        if len(self._struck) > CONVERSATIONS_KEPT:
            del self._struck[next(iter(self._struck))]
        return fault
