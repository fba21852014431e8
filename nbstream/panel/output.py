"""Where a panel is displayed: its view, and below it or its container the transcript that the notebook keeps.

View and transcript are outputs of their own. Jupyter shows nothing of an output whose widget is gone, and redraws an
output that is updated, which would take the view away from under the reader's hands. On a page that shares the notebook
with another, it redraws those below it too, so the view comes first.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ipywidgets import Widget

from nbstream.display.host import Host, host_here
from nbstream.display.output import Output

if TYPE_CHECKING:
    from nbstream.panel.transcript import Kept

__all__ = ["PanelOutputs", "contains"]

# A cell that is run again leaves its outputs behind without notice.
_MOST = 8

# Read where a page shows no widgets: it does not trust what the server has put into the notebook.
_NO_WIDGETS = (
    "This page does not show the panel's widget. Choose Trust Notebook in the command palette, or ask with "
    "panel.chat.stream(…) in a cell."
)


class PanelOutputs:
    """The outputs in which a panel's transcript is; from any thread, except `display`, which needs the cell's."""

    def __init__(self) -> None:
        self._places: deque[tuple[_Place, _Place]] = deque(maxlen=_MOST)

    def __bool__(self) -> bool:
        return bool(self._places)

    def display(self, kept: Kept | None, view: dict[str, Any] | None) -> None:
        """Make the outputs in the cell that runs.

        Args:
            kept: The transcript, if it is to be kept.
            view: The output that makes a front end show the view, if there is one.
        """
        lasting = host_here() is not Host.SERVER_PAGE
        if view is not None:
            from IPython.display import display

            display(view if lasting else {**view, "text/plain": _NO_WIDGETS}, raw=True)
        if kept is None:
            return
        earlier, later = _Place(), _Place()
        if kept.earlier is not None:
            earlier.display(kept.earlier, kept.before)
        later.display(kept.data, kept.metadata)
        if lasting:  # else a newer one would be added to whichever cell runs then
            self._places.append((earlier, later))

    def update(self, kept: Kept) -> None:
        """Replace the transcript with a newer one."""
        for earlier, later in tuple(self._places):
            if kept.earlier is not None:
                earlier.update(kept.earlier, kept.before)
            later.update(kept.data, kept.metadata)


def contains(container: object, widget: Widget) -> bool:
    """Whether a widget is one of those within another, such as a `Tab` of boxes.

    Args:
        container: Anything; only widgets contain others.
        widget: What is looked for.
    """
    seen: set[int] = set()
    within = [container]
    while within:
        for child in _children(within.pop()):
            if child is widget:
                return True
            if id(child) not in seen:
                seen.add(id(child))
                within.append(child)
    return False


def _children(container: object) -> list[Widget]:
    children = getattr(container, "children", ()) if isinstance(container, Widget) else ()
    return [child for child in children if isinstance(child, Widget)]


class _Place:
    """One output, redrawn only if it changes."""

    def __init__(self) -> None:
        self._shown: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        self._output = Output()

    def display(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        self._output.display(data, metadata)
        self._shown = data, metadata

    def update(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        if (data, metadata) == self._shown:
            return
        self._shown = data, metadata
        self._output.update(data, metadata)
