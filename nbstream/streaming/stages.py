"""Stages between what a server sends and what becomes of it: each sees every event before the answer does.

A stage is a function from an async iterator over batches of events to another one. It can hold events back, change or
drop them; what it drops never reaches `handle.text`, a surface or an observer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeAlias

from nbstream.errors import StageError, StreamError
from nbstream.events import Event
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Sequence

    from nbstream.streaming.idle_timeout import IdleTimeout

__all__ = ["Stage", "staged"]

Stage: TypeAlias = Callable[[AsyncIterator[list[Event]]], AsyncIterator[list[Event]]]
"""What a stage is; an async generator function is the usual form.

Example:
    ```python
    from dataclasses import replace
    from nbstream.events import TextDelta

    async def shout(batches):
        async for batch in batches:
            yield [replace(e, text=e.text.upper()) if isinstance(e, TextDelta) else e for e in batch]

    nbs.start("Hi", stages=[shout])
    ```
"""


@contextlib.asynccontextmanager
async def staged(
    batches: AsyncIterable[list[Event]], stages: Sequence[Stage], idle: IdleTimeout, stall: float
) -> AsyncIterator[AsyncIterator[list[Event]]]:
    """The batches after all stages; on exit every stage is closed, the last one first.

    Args:
        batches: What comes from the server.
        stages: In the order in which they see the events.
        idle: Watches the silence of the server, if there are stages: neither what a stage holds back nor the time that
            it takes is such a silence.
        stall: Seconds of silence to allow between two batches.

    Raises:
        StageError: While iterating: a stage raised something.
    """
    if not stages:
        yield aiter(batches)
        return
    async with contextlib.AsyncExitStack() as stack:
        failed: list[BaseException] = []
        made = _noted(batches, idle, stall, failed)
        for stage in stages:
            made = _checked(stage, made, failed)
            stack.push_async_callback(made.aclose)
        yield made


async def _noted(
    batches: AsyncIterable[list[Event]], idle: IdleTimeout, stall: float, failed: list[BaseException]
) -> AsyncGenerator[list[Event]]:
    """The batches of the server; what fails in reading them is put into `failed`."""
    reading = aiter(batches)
    while True:
        try:
            batch = await anext(reading)
        except StopAsyncIteration:
            idle.pause()
            return
        except BaseException as error:
            failed.append(error)
            raise
        if batch:
            idle.restart(stall)
        idle.pause()
        yield batch
        idle.resume()


async def _checked(
    stage: Stage, batches: AsyncGenerator[list[Event]], failed: list[BaseException]
) -> AsyncGenerator[list[Event]]:
    """What a stage makes of the batches; what it raises is named as its own, but not what is in `failed`."""
    made = None
    try:
        made = aiter(stage(batches))
        async for batch in made:
            yield batch
    except (StreamError, asyncio.CancelledError, GeneratorExit):
        raise  # what ended the stream itself
    except BaseException as error:
        if any(error is each for each in failed):
            raise
        name = getattr(stage, "__name__", type(stage).__name__)
        raise StageError(f"The stage {name} raised {exception_line(error)}.") from error
    finally:
        if isinstance(made, AsyncGenerator):
            await made.aclose()
