"""Questions answered, streamed or whole, well or with a fault. Knows an answer by `wire.Answer` alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from nbstream.demo.errors import server_failed
from nbstream.demo.generation import fault_position, generate
from nbstream.demo.handlers.stream import StreamHandler
from nbstream.demo.request import MODEL
from nbstream.demo.script import Script
from nbstream.demo.wire import Answer

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import AsyncGenerator, Sequence

    from nbstream.demo.fault import Fault
    from nbstream.demo.pace import Pace
    from nbstream.demo.record import RequestRecord
    from nbstream.demo.request import Order
    from nbstream.demo.tally import Tally

A = TypeVar("A", bound=Answer)


class AnswerHandler(StreamHandler, Generic[A]):
    """A question answered in one API's shapes."""

    def initialize(  # type: ignore[override]  # tornado calls it with this route's own arguments
        self,
        *,
        answer: type[A],
        pace: Pace,
        tally: Tally,
        records: deque[RequestRecord],
    ) -> None:
        """Take the API's shapes, the server's pace and its count of faults."""
        super().initialize(records=records)
        self._answer = answer
        self._pace = pace
        self._tally = tally

    async def post(self) -> None:
        """Answer."""
        await self.work(self._respond())

    async def _respond(self) -> None:
        order = self._read()
        fault = self._tally.strike(self.request.path, order)
        if fault is not None and (refusal := fault.refusal()) is not None:
            raise refusal
        script = Script.of(order)
        answer = self._answer(order, script)
        if order.stream:
            await self.stream(order, script, answer, fault)
        else:
            await self.whole(order, script, answer, fault)

    def _read(self) -> Order:
        order = self._answer.read(self.json_object(), self._pace)
        if self.record is not None:
            self.record.model, self.record.stream = MODEL, order.stream
        return order

    def frames(self, order: Order, script: Script, answer: A, fault: Fault | None) -> AsyncGenerator[Sequence[bytes]]:
        """The frames of a streamed answer."""
        return generate(order, script, answer, fails=fault is not None and fault.name == "error")

    async def stream(self, order: Order, script: Script, answer: A, fault: Fault | None) -> None:
        """Answer frame by frame."""
        frames = self.frames(order, script, answer, fault)
        if fault is not None and fault.breaks_off:
            await self.send(frames, answer.lead + fault_position(script))
            await self.break_off(fault)
        else:
            await self.send(frames)
            self.finish()

    async def whole(self, order: Order, script: Script, answer: A, fault: Fault | None) -> None:
        """Answer in one piece."""
        await asyncio.sleep(order.pace.due(len(script.pieces)))
        if fault is None:
            self.finish_json(answer.whole())
        elif fault.breaks_off:
            await self.break_off(fault)
        else:
            raise server_failed()

    async def break_off(self, fault: Fault) -> None:
        """Say nothing more: the connection closes, or stays open in silence."""
        if fault.name == "cut":
            self.end_record("finished")
            self.detach().close()
        else:
            await asyncio.get_running_loop().create_future()  # until the client or the server closes the connection
