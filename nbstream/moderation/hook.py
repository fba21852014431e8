"""Calls a user's function that checks, on a thread of its own: it may block, hang or raise, and nothing else waits."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from typing import TYPE_CHECKING, Any

from nbstream.streaming.daemon_thread import DaemonThread

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from nbstream.moderation.policy import Hook

__all__ = ["called"]


async def called(hook: Hook, text: str) -> Any:
    """What the function returns for a text.

    An asynchronous function is cancelled with this; of another one, whatever it returns later is not heard.

    Args:
        hook: The function, sync or async.
        text: What it is to check.

    Raises:
        Exception: Whatever it raises.
    """
    call, thread = _Call(hook, text), DaemonThread("nbstream-moderation")
    working = asyncio.get_running_loop().run_in_executor(thread, contextvars.copy_context().run, call.run)
    thread.shutdown(wait=False)  # once that is done
    try:
        return await working
    except asyncio.CancelledError:
        call.cancel()
        raise


class _Call:
    def __init__(self, hook: Hook, text: str) -> None:
        self._hook, self._text = hook, text
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def run(self) -> Any:
        try:
            value = self._hook(self._text)
            return asyncio.run(self._awaited(value)) if inspect.isawaitable(value) else value
        except (SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration) as error:
            # A loop cannot be given these: the first two would end it.
            raise RuntimeError(type(error).__name__) from error

    def cancel(self) -> None:
        if self._task is not None:
            loop, task = self._task
            with contextlib.suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(task.cancel)

    async def _awaited(self, value: Awaitable[Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        self._task = asyncio.get_running_loop(), task
        return await value
