"""One output of a cell, which can be replaced later, from any thread. It must not know what is shown."""

from __future__ import annotations

import contextvars
import functools
from typing import TYPE_CHECKING, Any

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Output"]


class Output:
    """An output with a display id."""

    def __init__(self) -> None:
        self._publish: Callable[..., None] | None = None

    def display(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Make the output, in the cell that runs now.

        Args:
            data: What to show, by MIME type.
            metadata: What goes with it.
        """
        from IPython.display import display

        handle = display(data, metadata=metadata, raw=True, display_id=True)
        shell = running_shell()
        if shell is None:
            return
        # The publisher of this cell, because another cell may have installed its own (`%%capture`) by the time.
        publish = shell.display_pub.publish
        self._publish = functools.partial(publish, transient={"display_id": handle.display_id}, update=True)

    def update(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Replace what is shown; without effect before there is an output.

        Args:
            data: What to show, by MIME type.
            metadata: What goes with it.
        """
        if self._publish is None:
            return
        # Outside the context of the cell that asked, the message belongs to the cell that runs now. Front ends go by
        # the display id alone, but nbclient reads only what belongs to the running cell.
        try:
            contextvars.Context().run(self._publish, data, metadata)
        except LookupError:  # ipykernel 7.0 knows no cell there
            self._publish(data, metadata)
