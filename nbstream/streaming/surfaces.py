"""The surfaces of one stream, each drawn at its own pace on its own thread, independently of the others.

Opened on the caller's thread, drawn from the engine's loop; another surface may join from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

from nbstream.display.surface import Allowing, Asking, Attentive, Interrupting, Prompting, Raising, Refreshing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.painter import Painter
    from nbstream.tools.approval import Allowance, Question

__all__ = ["Surfaces"]

_log = logging.getLogger("nbstream")

_LOOK_SECONDS = 0.1


class Surfaces:
    """Where one stream is drawn.

    A surface that fails to open or to draw is not asked to draw again, but it is closed all the same.

    Args:
        surfaces: Where to draw.
    """

    def __init__(self, surfaces: Iterable[Surface] = ()) -> None:
        self._surfaces = list(surfaces)
        self._failed: list[Surface] = []
        self._opened: tuple[StreamRequest, Callable[[], None]] | None = None
        self._painters: list[Painter] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._new_painter: Callable[[Surface], Painter] | None = None
        self._closed = False
        self._lock = threading.RLock()

    # --- on any thread ------------------------------------------------------------------------------------------------

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Open each, on the thread of the caller that asked."""
        with self._lock:
            self._opened = request, stop
            surfaces = tuple(self._surfaces)
        for surface in surfaces:
            self._try(surface, surface.open, request, stop)

    def join(self, surface: Surface) -> None:
        """Draw on another surface as well, starting with what there is; after the end nothing more is drawn."""
        with self._lock:
            if self._closed:
                return
            self._surfaces.append(surface)
            opened, loop = self._opened, self._loop
        if opened is not None:
            self._try(surface, surface.open, *opened)
        if loop is not None:
            loop.call_soon_threadsafe(self._join, surface)

    def attend(self, waits: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Tell attentive surfaces whether the caller is waiting."""
        for surface in tuple(self._surfaces):
            if isinstance(surface, Attentive):
                self._try(surface, surface.attend, waits)

    def expect_error(self) -> None:
        """Tell surfaces that the code that runs now will raise a failure, which says what happened."""
        for surface in tuple(self._surfaces):
            if isinstance(surface, Raising):
                self._try(surface, surface.expect_error)

    def have_interrupted(self, patience: float) -> bool:
        """Whether the kernel was interrupted by the Stop of one of them: the reader stopped the answer, no more.

        Args:
            patience: Seconds to wait until that is known.
        """
        return any(each.has_interrupted(patience) for each in tuple(self._surfaces) if isinstance(each, Interrupting))

    async def ask(self, question: Question) -> bool:
        """Ask the readers of all of them whether a call may run; whether anybody sees the question."""
        while True:
            asking = [each for each in tuple(self._surfaces) if isinstance(each, Asking)]
            seen = [each.ask(question) for each in asking]  # each of them, so that all show it
            if any(seen) or None not in seen:
                return any(seen)
            await asyncio.sleep(_LOOK_SECONDS)

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        for surface in tuple(self._surfaces):
            if isinstance(surface, Asking):
                self._try(surface, surface.withdraw, question)

    def allowed(self, allowance: Allowance) -> None:
        """Show that calls of a tool run without a question."""
        for surface in tuple(self._surfaces):
            if isinstance(surface, Allowing):
                self._try(surface, surface.allowed, allowance)

    def prompt(self) -> Callable[[Question], None] | None:
        """What asks on the caller's own thread, if one of them does."""
        return next((each.prompt for each in tuple(self._surfaces) if isinstance(each, Prompting)), None)

    # --- on the loop --------------------------------------------------------------------------------------------------

    def begin(self, new_painter: Callable[[Surface], Painter]) -> None:
        """Draw from now on.

        Args:
            new_painter: Makes the painter of a surface.
        """
        with self._lock:
            self._new_painter, self._loop = new_painter, asyncio.get_running_loop()
            surfaces = tuple(self._surfaces)
        for surface in surfaces:
            self._begin(surface)

    def touch(self) -> None:
        """Note that there is something new to draw."""
        for painter in self._painters:
            painter.touch()

    @property
    def interval(self) -> float | None:
        """Seconds between two frames of the surface that draws most often; `None` if none of them draws."""
        return min((each for painter in self._painters if (each := painter.interval) is not None), default=None)

    async def close(self, result: StreamResult, *, patience: float) -> None:
        """Draw the end on each.

        Args:
            result: The final answer.
            patience: Seconds to wait for that.
        """
        with self._lock:
            self._closed = True
        await asyncio.gather(*(painter.close(result, patience=patience) for painter in self._painters))

    def _join(self, surface: Surface) -> None:
        self._begin(surface)
        self.touch()

    def _begin(self, surface: Surface) -> None:
        if self._closed or self._new_painter is None:
            return
        painter = self._new_painter(surface)
        self._painters.append(painter)
        if isinstance(surface, Refreshing):
            self._try(surface, surface.refresh_by, painter.touch_soon)
        if surface not in self._failed:
            painter.begin()

    def _try(self, surface: Surface, action: Callable[..., None], *what: Any) -> None:
        try:
            action(*what)
        except (Exception, SystemExit):  # noqa: BLE001  whatever a surface raises
            _log.exception("nbstream could not draw the answer on one of its surfaces")
            self._failed.append(surface)
