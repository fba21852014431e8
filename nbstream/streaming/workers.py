"""The threads that the engine's loop gives blocking calls to: those of the SDK, and the resolving of names."""

from __future__ import annotations

import threading
from concurrent.futures.thread import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

__all__ = ["Workers"]

T = TypeVar("T")


class Workers(ThreadPoolExecutor):
    """An executor that knows whether it is busy.

    Example:
        >>> workers = Workers()
        >>> workers.submit(pow, 2, 10).result(), workers.idle_within(60.0)
        (1024, True)
        >>> workers.shutdown()
    """

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="nbstream-worker")
        self._busy = 0
        self._changed = threading.Condition()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call `fn(*args, **kwargs)` on one of the threads."""
        self._count(1)
        try:
            future = super().submit(fn, *args, **kwargs)
        except BaseException:
            self._count(-1)
            raise
        future.add_done_callback(lambda _: self._count(-1))
        return future

    def idle_within(self, seconds: float) -> bool:
        """Wait for so long until nothing is being done; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, seconds)

    def _count(self, change: int) -> None:
        with self._changed:
            self._busy += change
            self._changed.notify_all()
