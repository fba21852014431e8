"""Where a panel is displayed: its view, and before it the transcript that the notebook keeps.

They are two outputs of a cell, for Jupyter shows nothing of an output whose widget is gone, and an output that is
updated is drawn anew, which would take the view away from under the reader's hands. It must not know chats.
"""

from __future__ import annotations

import contextvars
import functools
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PanelOutputs"]

# A cell that is run again leaves its outputs behind, and nothing tells.
_MOST = 8


class PanelOutputs:
    """The outputs in which a panel's transcript is; from any thread but for `display`, which is the cell's."""

    def __init__(self) -> None:
        self._updates: deque[Callable[..., None]] = deque(maxlen=_MOST)

    def __bool__(self) -> bool:
        return bool(self._updates)

    def display(self, data: dict[str, Any], metadata: dict[str, Any], view: dict[str, Any] | None) -> None:
        """Make the outputs in the cell that runs.

        Args:
            data: The transcript.
            metadata: What goes with it.
            view: The output that makes a front end show the view, if there is one.
        """
        from IPython import get_ipython
        from IPython.display import display

        made = display(data, metadata=metadata, raw=True, display_id=True)
        # The publisher of this cell, for another cell may have put its own in place (`%%capture`) later.
        publish = get_ipython().display_pub.publish
        self._updates.append(functools.partial(publish, transient={"display_id": made.display_id}, update=True))
        if view is not None:
            display(view, raw=True)

    def update(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Put a newer transcript in the place of the older one."""
        for update in tuple(self._updates):
            # Outside the context of the cell that displayed it, the message belongs to the cell that runs now.
            try:
                contextvars.Context().run(update, data, metadata)
            except LookupError:  # ipykernel 7.0 knows no cell there
                update(data, metadata)
