"""Which widgets a cell displays, wherever in it: a panel within one of them is shown there, and nothing tells it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.displaypub import CapturingDisplayPublisher
from ipywidgets import Widget

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["DisplayedWidgets"]


class DisplayedWidgets:
    """Notes the widgets that IPython asks for what to show of them; it is IPython's printer of them.

    Args:
        shell: The notebook's.

    Attributes:
        widgets: Those that the cell has displayed, other than into a capture.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.widgets: list[Widget] = []
        shell.events.register("pre_run_cell", self._begin)

    @classmethod
    def of(cls, shell: Any) -> DisplayedWidgets:
        """The one of a shell, for all panels."""
        printers = shell.display_formatter.mimebundle_formatter
        known = printers.type_printers.get(Widget)
        if not isinstance(known, cls):
            known = cls(shell)
            printers.for_type(Widget, known)
            if hasattr(Widget, "_ipython_display_"):  # of ipywidgets 7, which display themselves
                shell.display_formatter.ipython_display_formatter.for_type(Widget, known.display)
        return known

    def __call__(self, widget: Widget) -> Any:
        """What to show of a widget, which is what it says itself."""
        self._note(widget)
        shown = getattr(widget, "_repr_mimebundle_", None)  # ipywidgets 7 displays without being asked
        return None if shown is None else shown()

    def display(self, widget: Any) -> None:
        """Have a widget display itself."""
        self._note(widget)
        widget._ipython_display_()

    def _note(self, widget: Widget) -> None:
        if not isinstance(self._shell.display_pub, CapturingDisplayPublisher):
            self.widgets.append(widget)

    def _begin(self, _: object) -> None:
        self.widgets = []
