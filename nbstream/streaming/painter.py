"""Draws a stream on one surface at a pace: a frame whenever something has changed and one is due, and the last always.

Runs on the engine's loop, and draws on a thread of its own, one frame at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from typing import TYPE_CHECKING

from nbstream.display.surface import is_blank
from nbstream.streaming.daemon_thread import DaemonThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.surface import Surface
    from nbstream.display.throttle import Throttle
    from nbstream.result import StreamResult
    from nbstream.streaming.clock import Clock

__all__ = ["Painter"]

_log = logging.getLogger("nbstream")


class Painter:
    """Paints one surface.

    Args:
        surface: Where to draw; already open.
        throttle: Paces the frames.
        clock: Time, for pacing.
        snapshot: Returns what there is to draw.
    """

    def __init__(
        self, surface: Surface, throttle: Throttle, clock: Clock, snapshot: Callable[[], StreamResult]
    ) -> None:
        self._surface = surface
        self._throttle = throttle
        self._clock = clock
        self._snapshot = snapshot
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # Its own, because the loop's are few: paused terminals would take them all, and new streams need them too.
        self._thread = DaemonThread("nbstream-painter")
        self._context = contextvars.copy_context()  # which tells a kernel the cell that an output belongs to
        self._painting: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Draw from now on."""
        if not is_blank(self._surface):
            self._painting = asyncio.create_task(self._paint())

    @property
    def interval(self) -> float | None:
        """Seconds between two frames; `None` if it draws none."""
        drawing = self._painting is not None and not self._painting.done()
        return self._throttle.interval if drawing else None

    def touch(self) -> None:
        """Note that something has changed."""
        self._changed.set()

    def touch_soon(self) -> None:
        """Note that there is more to draw of what has not changed; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.touch)

    async def close(self, result: StreamResult, *, patience: float) -> None:
        """Draw the end, after the frame in flight.

        Args:
            result: The final answer.
            patience: Seconds to wait for that; a surface that takes longer is left behind.
        """
        if self._painting is not None:
            self._painting.cancel()
            await asyncio.wait({self._painting})
        closing = asyncio.create_task(self._on_surface(self._surface.close, result))
        done, _ = await asyncio.wait({closing}, timeout=patience)
        if not done:
            _log.warning("nbstream no longer waits for a display that hangs; the answer is complete")
            closing.cancel()
            await asyncio.wait({closing})
        self._thread.shutdown(wait=False)

    async def _paint(self) -> None:
        """Draw until cancelled, or until the surface fails."""
        while True:
            await self._changed.wait()
            await self._clock.sleep(self._throttle.delay(self._clock.now()))
            self._changed.clear()
            started = self._clock.now()
            if not await self._on_surface(self._surface.draw, self._snapshot()):
                return
            self._throttle.drawn(started, self._clock.now())

    async def _on_surface(self, action: Callable[[StreamResult], None], result: StreamResult) -> bool:
        """Draw on the thread: a slow surface must not hold up the reading of this or any other stream.

        A surface that fails must not lose the answer either: the failure is logged and drawing ends.
        """
        if is_blank(self._surface):
            action(result)
            return True
        drawing = asyncio.get_running_loop().run_in_executor(self._thread, self._context.copy().run, action, result)
        drawing.add_done_callback(_retrieved)
        try:
            # A frame in flight is not broken off: the thread draws the last one after it.
            await asyncio.shield(drawing)
        except (Exception, SystemExit, KeyboardInterrupt):  # noqa: BLE001  whatever a surface raises
            _log.exception("nbstream could not draw the answer; it is complete in the result")
            return False
        return True


def _retrieved(drawing: asyncio.Future[None]) -> None:
    """Take note of an error that nobody waits for any more, so that asyncio does not complain."""
    if not drawing.cancelled():
        drawing.exception()
