"""The view of a chat panel: a widget that draws a `PanelState` and hands what the reader does to `PanelActions`."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING

import anywidget
import traitlets

from nbstream.display.panel_state import PanelState
from nbstream.display.surface import NullSurface

if TYPE_CHECKING:
    from nbstream.display.panel_actions import PanelActions
    from nbstream.display.surface import Surface
    from nbstream.request import Images

__all__ = ["PanelView"]


class PanelView(anywidget.AnyWidget):
    """A chat panel's view.

    Args:
        actions: What the reader can do.
        images: Whether images of other servers in settled turns are links or loaded.
    """

    _esm = "export default { render() {} }"
    key = traitlets.Unicode().tag(sync=True)

    def __init__(self, actions: PanelActions, *, images: Images = "link") -> None:
        self._actions = actions
        self._images = images
        self._state = PanelState()
        self._lock = threading.RLock()
        super().__init__(key=secrets.token_hex(8))

    @property
    def on_screen(self) -> bool:
        """Whether some page has reported that it shows this panel."""
        return False

    def show(self, state: PanelState) -> None:
        """Draw the state; only what differs from the one before is sent. From any thread."""
        with self._lock:
            self._state = state

    def surface(self, turn_id: str) -> Surface:
        """Where to draw the answer of a turn that streams, now or soon to be part of the state.

        Args:
            turn_id: The id that the turn has in the state, also once it has ended.
        """
        del turn_id
        return NullSurface()
