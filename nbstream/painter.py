"""Draws one stream at a pace: a frame whenever something has changed and one is due, and the last one always.

Runs on the engine's loop, and draws on a thread of its own, one frame at a time. It must not know what a stream is, nor
where it is drawn.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from nbstream.display.surface import NullSurface

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.clock import Clock
    from nbstream.display.surface import Surface
    from nbstream.display.throttle import Throttle
    from nbstream.result import StreamResult

__all__ = ["Painter"]

_log = logging.getLogger("nbstream")


class Painter:
    """Paints one surface. `run` it as a task and cancel that before `close`.

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
        # Its own, for the loop's are few: paused terminals would take them all, and new streams need them too.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nbstream-painter")

    def touch(self) -> None:
        """Note that something has changed."""
        self._changed.set()

    async def run(self) -> None:
        """Draw until cancelled, or until the surface fails."""
        if isinstance(self._surface, NullSurface):
            return
        while True:
            await self._changed.wait()
            await self._clock.sleep(self._throttle.delay(self._clock.now()))
            self._changed.clear()
            started = self._clock.now()
            if not await self._on_surface(self._surface.draw, self._snapshot()):
                return
            self._throttle.drawn(started, self._clock.now())

    async def close(self, result: StreamResult) -> None:
        """Draw the end."""
        await self._on_surface(self._surface.close, result)
        self._thread.shutdown(wait=False)

    async def _on_surface(self, action: Callable[[StreamResult], None], result: StreamResult) -> bool:
        """Draw on the thread, for a slow surface must not hold up the reading of this or any other stream.

        A surface that fails must not lose the answer either: the failure is logged and drawing ends.
        """
        context = contextvars.copy_context()
        try:
            drawing = asyncio.get_running_loop().run_in_executor(self._thread, context.run, action, result)
        except RuntimeError:  # Python is exiting
            return False
        try:
            await asyncio.shield(drawing)
        except asyncio.CancelledError:
            # A frame under way is finished, lest the last one overtake it.
            await asyncio.gather(drawing, return_exceptions=True)
            raise
        except (Exception, SystemExit):  # noqa: BLE001  whatever a surface raises; an exit would end the engine
            _log.exception("nbstream could not draw the answer; it is complete in the result")
            return False
        return True
