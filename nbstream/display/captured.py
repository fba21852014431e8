"""Outputs that an `Output` widget takes: it shows what comes, and hears of no update of it.

What is shown there is in the widget's own state, so that is where the answer takes the place of its view or of the
waiting line.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
from typing import TYPE_CHECKING, Any

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Captured"]


class Captured:
    """The `Output` widgets that take what the code that runs now shows.

    Attributes:
        metadata: By this the output that is made now is known again in a widget.
    """

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {"nbstream": {"output": secrets.token_hex(8)}}
        self._widgets: list[Any] = []
        self._words = ""  # what has taken its place
        with contextlib.suppress(Exception):  # kernels of other makes, and widgets of other versions
            asked = running_shell().kernel.get_parent()["header"]["msg_id"]  # type: ignore[union-attr]
            self._widgets = [each for each in _widgets() if getattr(each, "msg_id", "") == asked]

    @property
    def within(self) -> bool:
        """Whether a widget takes it."""
        return bool(self._widgets)

    def replace(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Put data where the output is shown, also if the page has yet to tell that it is.

        Args:
            data: By MIME type.
            metadata: What goes with it.
        """
        before, self._words = self._words, data.get("text/plain", "")

        def is_ours(output: dict[str, Any]) -> bool:
            ours = output.get("metadata", {}).get("nbstream") == self.metadata["nbstream"]
            return ours or bool(before and output.get("data", {}).get("text/plain") == before)

        for widget in self._widgets:
            _Replacement(widget, is_ours, {"data": data, "metadata": metadata}).try_now()


class _Replacement:
    def __init__(self, widget: Any, is_ours: Callable[[dict[str, Any]], bool], shown: dict[str, Any]) -> None:
        self._widget, self._is_ours, self._shown = widget, is_ours, shown
        widget.observe(self.try_now, "outputs")

    def try_now(self, _: object = None) -> None:
        outputs = tuple(self._replaced(output) for output in self._widget.outputs)
        if outputs != tuple(self._widget.outputs):
            self._widget.unobserve(self.try_now, "outputs")
            self._widget.outputs = outputs

    def _replaced(self, output: dict[str, Any]) -> dict[str, Any]:
        return {**output, **self._shown} if self._is_ours(output) else output


def _widgets() -> Iterable[Any]:
    """All widgets that there are; ipywidgets 8 has no public way to ask, and warns of that of ipywidgets 7."""
    module: Any = sys.modules.get("ipywidgets.widgets.widget")
    if module is None:
        return ()
    known = module._instances if hasattr(module, "_instances") else module.Widget.widgets  # noqa: SLF001  see above
    return tuple(known.values())
