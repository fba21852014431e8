"""Calls a user's function that checks, on a thread of its own: it may block, hang or raise, and nothing else waits."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    call = _Call(hook, text)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(call.run,), name="nbstream-moderation", daemon=True).start()
    try:
        return await asyncio.wrap_future(call.done)
    except asyncio.CancelledError:
        call.cancel()
        raise


class _Call:
    def __init__(self, hook: Hook, text: str) -> None:
        self.done: Future[Any] = Future()
        self._hook, self._text = hook, text
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def run(self) -> None:
        if not self.done.set_running_or_notify_cancel():
            return
        try:
            value = self._hook(self._text)
            if inspect.isawaitable(value):
                value = asyncio.run(self._awaited(value))
        except BaseException as error:  # noqa: BLE001  whatever a function raises
            self._settle(error)
        else:
            self._settle(None, value)

    def cancel(self) -> None:
        if self._task is not None:
            loop, task = self._task
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:  # it has just ended
                return

    async def _awaited(self, value: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        self._task = asyncio.get_running_loop(), task
        return await value

    def _settle(self, error: BaseException | None, value: Any = None) -> None:
        if self.done.cancelled():
            return
        if error is None:
            self.done.set_result(value)
        else:  # one that asks the program to exit would end the loop
            self.done.set_exception(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
