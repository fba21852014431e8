"""One thread that works through a queue and never keeps the process alive."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DaemonThread"]

T = TypeVar("T")


class DaemonThread(Executor):
    """An executor with one thread, which starts with the first task.

    Python waits for the standard library's executors when it exits, so a task that never ends would block the exit.

    Args:
        name: What to call the thread.

    Example:
        >>> thread = DaemonThread("example")
        >>> thread.submit(pow, 2, 10).result()
        1024
        >>> thread.shutdown()
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call `fn(*args, **kwargs)` after everything submitted before it; from any thread."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  passed on to the waiting caller
                future.set_exception(error)

        with self._lock:
            self._work.put(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  as in the standard library
        """Let the thread end once it has done what was submitted.

        Args:
            wait: Whether to wait for that.
            cancel_futures: Without effect.
        """
        del cancel_futures
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._work.put(None)
        if wait and thread is not None:
            thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # it holds what was drawn
