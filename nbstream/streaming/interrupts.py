"""Interrupts that wait for their moment: one that comes while a stream begins or ends must leave nothing half done.

Python raises `KeyboardInterrupt` between any two steps of the main thread: after a stream has started and before
anybody holds its handle, say. So the signal is only noted where that would matter, the stream is ended at once, and the
interrupt is raised when all is in order.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from nbstream.errors import shown_briefly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType
    from typing import Self

__all__ = ["HeldInterrupts"]

# Whoever interrupts again after so long means it: what is held up is then left as it is.
_PATIENCE_SECONDS = 1.0


class HeldInterrupts:
    """Holds back interrupts within a `with` block; one that has come is raised at its end. Blocks can be nested.

    On other threads than the main one it does nothing, because Python interrupts only that one.

    Example:
        ```python
        with HeldInterrupts() as held:
            handle = begin()
            held.stop_with(handle.cancel)
            return handle.wait()
        ```
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._stop: Callable[[], object] | None = None
        self._previous: Any = None
        self._holds = False

    @property
    def seconds(self) -> float:
        """How long ago the first interrupt came; 0 while there is none."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def stop_with(self, stop: Callable[[], object]) -> None:
        """Call this as soon as there is an interrupt, which may be now.

        Args:
            stop: Ends what is waited for. It is called from a signal handler, so it must not wait for a lock.
        """
        self._stop = stop
        if self._since is not None:
            stop()

    def forget(self) -> None:
        """Let the interrupt that has come be no more than a Stop, which has been done."""
        self._since = None

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Let an interrupt reach the code in a `with` block, where it ends what is waited for, too."""
        if not self._holds:
            yield
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        except KeyboardInterrupt:
            self._note(signal.SIGINT, None)
            raise
        finally:
            signal.signal(signal.SIGINT, self._note)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._holds = True
            self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._holds:
            return
        signal.signal(signal.SIGINT, self._previous)
        if self._since is not None and not isinstance(error, KeyboardInterrupt):
            try:
                self._previous(signal.SIGINT, None)
            except KeyboardInterrupt as interrupt:
                raise shown_briefly(interrupt) from None

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._since is None:
            self._since = time.monotonic()
            if self._stop is not None:
                self._stop()
        elif self.seconds > _PATIENCE_SECONDS:
            raise shown_briefly(KeyboardInterrupt())
