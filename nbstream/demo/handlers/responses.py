"""Responses made: answered as in every API, and besides stored, or generated in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.demo.generation import Generation
from nbstream.demo.handlers.answer import AnswerHandler
from nbstream.demo.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from nbstream.demo.fault import Fault
    from nbstream.demo.request import Order
    from nbstream.demo.response_store import ResponseStore
    from nbstream.demo.script import Script


class ResponsesHandler(AnswerHandler[Response]):
    """Makes responses."""

    def initialize(  # type: ignore[override]  # tornado calls it with this route's own arguments
        self,
        *,
        store: ResponseStore,
        **shared: Any,
    ) -> None:
        """Take where responses are stored."""
        super().initialize(**shared)
        self._store = store

    def frames(
        self, order: Order, script: Script, answer: Response, fault: Fault | None
    ) -> AsyncGenerator[Sequence[bytes]]:
        """The frames of a streamed answer; in the background this is one reader of them."""
        if order.background:
            return self._begin(order, script, answer, fault).follow()
        return super().frames(order, script, answer, fault)

    async def stream(self, order: Order, script: Script, answer: Response, fault: Fault | None) -> None:
        """Answer frame by frame. In the foreground, what does not come to its end is not stored either."""
        if order.store and not order.background:
            self._store.keep(answer)
        try:
            await super().stream(order, script, answer, fault)
        finally:
            if not order.background and not answer.ended:
                self._store.drop(answer.id)

    async def whole(self, order: Order, script: Script, answer: Response, fault: Fault | None) -> None:
        """Answer in one piece; in the background at once, with a response that has only been queued."""
        if not order.background:
            await super().whole(order, script, answer, fault)
            if order.store and answer.ended:
                self._store.keep(answer)
            return
        self._begin(order, script, answer, fault)
        if fault is not None and fault.breaks_off:
            await self.break_off(fault)
        else:
            self.finish_json(answer.present())

    def _begin(self, order: Order, script: Script, answer: Response, fault: Fault | None) -> Generation:
        generation = Generation(super().frames(order, script, answer, fault))
        self._store.keep(answer, generation)
        return generation
