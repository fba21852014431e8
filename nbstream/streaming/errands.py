"""What is to run where the caller of an answer is: the functions that the answer calls.

On the thread that waits for the answer, a function prints and plots into the caller's cell, and an interrupt reaches
it. On the loop of a caller that awaits, it may use what belongs to that loop. Where nobody waits, a thread of its own
runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

__all__ = ["Errands", "ToolInterrupted", "is_waited_for", "waited_for_here"]


class _Caller(threading.local):
    """Who waits for what this thread asks: nobody, this thread, or the code on a loop."""

    waits = False
    loop: asyncio.AbstractEventLoop | None = None


_CALLER = _Caller()


@contextlib.contextmanager
def waited_for_here(loop: asyncio.AbstractEventLoop | None = None) -> Iterator[None]:
    """What is begun within is waited for right after: it may call a function before its caller has begun to wait.

    Args:
        loop: That of a caller that will await it; without one, this thread will wait.
    """
    before = _CALLER.waits, _CALLER.loop
    _CALLER.waits, _CALLER.loop = loop is None, loop
    try:
        yield
    finally:
        _CALLER.waits, _CALLER.loop = before


def is_waited_for() -> bool:
    """Whether what this thread begins now is waited for right after."""
    return _CALLER.waits or _CALLER.loop is not None


class ToolInterrupted(Exception):  # noqa: N818  an interrupt is no error
    """The function was interrupted by the reader."""


class Errands:
    """Runs functions for one answer, where its caller is."""

    def __init__(self) -> None:
        self._posted: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()
        self._attended, self._loop = _CALLER.waits, _CALLER.loop
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()  # of the cell that asked

    # --- the caller's side --------------------------------------------------------------------------------------------

    def attend(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Run what is posted here from now on: on a loop, or on this thread by `run_next`."""
        with self._lock:
            self._attended, self._loop = loop is None, loop

    def leave(self) -> None:
        """Run nothing more here."""
        with self._lock:
            self._attended, self._loop = False, None
            while not self._posted.empty():
                if (errand := self._posted.get()) is not None:
                    self._run_apart(errand)

    def wake(self) -> None:
        """Have `run_next` return; from any thread."""
        self._posted.put(None)

    def run_next(self, seconds: float, interruptible: Callable[[], AbstractContextManager[object]]) -> None:
        """Run one function, if there is one within so many seconds.

        Args:
            seconds: How long to wait for one.
            interruptible: Lets interrupts through to it.
        """
        try:
            errand = self._posted.get(timeout=seconds)
        except queue.Empty:
            return
        if errand is not None:
            errand.run(interruptible)

    # --- the engine's side --------------------------------------------------------------------------------------------

    async def call(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        alone: AbstractContextManager[object] | None = None,
    ) -> Any:
        """Call a function where the caller is.

        A function that is not asynchronous goes on when this is cancelled, because nothing can end it.

        Args:
            function: The function.
            arguments: Its arguments, by name.
            alone: Surrounds the call where no caller waits, so that no cell shows what it prints.

        Raises:
            ToolInterrupted: The reader has interrupted it.
            Exception: Whatever it raises.
        """
        errand = _Errand(function, arguments)
        with self._lock:
            if self._loop is not None:
                errand.begin_on(self._loop, self._context.copy())
            elif self._attended and not errand.is_async:
                self._posted.put(errand)
            elif self._attended or alone is None:
                self._run_apart(errand)
            else:
                self._run_apart(errand, alone)
        try:
            return await asyncio.wrap_future(errand.done)
        except asyncio.CancelledError:
            errand.cancel()
            raise

    def _run_apart(self, errand: _Errand, around: AbstractContextManager[object] | None = None) -> None:
        def run() -> None:
            with around or contextlib.nullcontext():
                errand.run()

        threading.Thread(target=self._context.copy().run, args=(run,), name="nbstream-tool", daemon=True).start()


class _Errand:
    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        self.done: Future[Any] = Future()
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(function))
        self._function, self._arguments = function, arguments
        self._cancel: Callable[[], object] | None = None

    def run(self, interruptible: Callable[[], AbstractContextManager[object]] | None = None) -> None:
        """Call the function on this thread."""
        if not self.done.set_running_or_notify_cancel():
            return
        try:
            if self.is_async:
                value = asyncio.run(self._awaited())
            elif interruptible is None:
                value = self._function(**self._arguments)
            else:
                with interruptible():
                    value = self._function(**self._arguments)
        except (KeyboardInterrupt, asyncio.CancelledError):
            self.done.set_exception(ToolInterrupted())
        except BaseException as error:  # noqa: BLE001  whatever a function raises
            self.done.set_exception(_as_exception(error))
        else:
            self.done.set_result(value)

    def begin_on(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        """Call the function on the caller's loop; from any thread."""

        def begin() -> None:
            if not self.done.set_running_or_notify_cancel():
                return
            task = loop.create_task(self._on_loop(), context=context)
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)

        loop.call_soon_threadsafe(begin)

    def cancel(self) -> None:
        """End an asynchronous function; from any thread."""
        if self._cancel is not None:
            self._cancel()

    async def _awaited(self) -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        return await self._function(**self._arguments)

    async def _on_loop(self) -> None:
        try:
            value = self._function(**self._arguments)
            self.done.set_result(await value if self.is_async else value)
        except (KeyboardInterrupt, asyncio.CancelledError):
            self.done.set_exception(ToolInterrupted())
        except BaseException as error:  # noqa: BLE001  whatever a function raises
            self.done.set_exception(_as_exception(error))


def _as_exception(error: BaseException) -> Exception:
    """What a loop can be given: one that asks the program to exit would end the loop."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
