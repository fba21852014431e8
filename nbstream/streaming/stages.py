"""Stages between what a server sends and what becomes of it: each sees every event before the answer does.

A stage is a function from an async iterator over batches of events to another one. It can hold events back, change or
drop them; what it drops never reaches `handle.text`, a surface or an observer.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeAlias

from nbstream.events import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Sequence

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
    batches: AsyncIterable[list[Event]], stages: Sequence[Stage]
) -> AsyncIterator[AsyncIterator[list[Event]]]:
    """The batches after all stages; on exit every stage is closed, the last one first.

    Args:
        batches: What comes from the server.
        stages: In the order in which they see the events.
    """
    async with contextlib.AsyncExitStack() as stack:
        made = aiter(batches)
        for stage in stages:
            made = stage(made)
            if isinstance(made, AsyncGenerator):
                stack.push_async_callback(made.aclose)
        yield made
