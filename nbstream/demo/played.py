"""The demo's answer to one request as bytes, without a server: for where no socket can be bound."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from nbstream.demo.chat_completions import ChatCompletion
from nbstream.demo.errors import ApiError, server_failed
from nbstream.demo.generation import fault_position, generate
from nbstream.demo.pace import Pace
from nbstream.demo.responses import Response
from nbstream.demo.script import Script
from nbstream.demo.wire import Answer, dump

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from nbstream.demo.request import Order


async def played(body: dict[str, Any], *, responses: bool) -> AsyncGenerator[bytes]:
    """Play an answer at its pace.

    A refusal is played as its JSON body. With `times`, a fault strikes as without: nothing is remembered here.

    Args:
        body: The body of the request.
        responses: Whether it is one of the Responses API.

    Raises:
        ConnectionResetError: The request asks for that fault.
        ValueError: `NBSTREAM_DEMO_PACE` is no pace.
    """
    shapes: type[Answer] = Response if responses else ChatCompletion
    try:
        order = shapes.read(body, Pace.from_environment())
        if order.fault is not None and (refusal := order.fault.refusal()) is not None:
            raise refusal
        script = Script.of(order)
        async with aclosing(_pieces(order, script, shapes(order, script))) as pieces:
            async for piece in pieces:
                yield piece
    except ApiError as error:
        yield dump(error.body())


async def _pieces(order: Order, script: Script, answer: Answer) -> AsyncGenerator[bytes]:
    fault = order.fault
    most = answer.lead + fault_position(script) if fault is not None and fault.breaks_off else None
    if not order.stream:
        await asyncio.sleep(order.pace.due(len(script.pieces)))
        if fault is None:
            yield dump(answer.whole())
            return
        if most is None:
            raise server_failed()
        most = 0
    async with aclosing(generate(order, script, answer, fails=fault is not None and most is None)) as frames:
        async for batch in frames:
            kept = batch if most is None else batch[:most]
            yield b"".join(kept)
            if most is not None and (most := most - len(kept)) == 0:
                break
        else:
            return
    if fault is not None and fault.name == "stall":
        await asyncio.get_running_loop().create_future()  # until the reader leaves
    raise ConnectionResetError
