"""One output of a marimo cell. marimo has no IPython shell: what is shown goes through its own output API.

A thread of its own draws, because marimo delivers what a thread shows to the cell that began it, and to no other.
"""

from __future__ import annotations

import queue
import re
import sys
from typing import Any

__all__ = ["MarimoOutput", "in_marimo", "shown_by"]

# How long the end of a stream waits for its last frame.
_LAST_FRAME_SECONDS = 5.0


# Brackets that are escaped are a formula to marimo, and words to everybody else.
_BRACKET = re.compile(
    r"^[ >\t]*(?P<fence>`{3,}|~{3,}).*?(?:^[ >\t]*(?P=fence)|\Z)|"  # a block of code
    r"(?P<ticks>`+)(?!`).{0,2000}?(?<!`)(?P=ticks)(?!`)|"  # code in a line
    r"\\(?P<escaped>.)",
    re.MULTILINE | re.DOTALL,
)


def in_marimo() -> bool:
    """Whether the code runs in a cell of a marimo notebook, on a page or while it is exported."""
    running = getattr(sys.modules.get("marimo"), "running_in_notebook", None)
    return bool(running is not None and running())


def shown_by(bundle: tuple[dict[str, Any], dict[str, Any]]) -> Any:
    """What marimo shows of an output, given as data and metadata.

    Args:
        bundle: By MIME type; its Markdown is shown.
    """
    import marimo

    return marimo.md(_readable(bundle[0]["text/markdown"]))


class MarimoOutput:
    """The output of the cell that runs now; it takes the place of what the cell has shown before."""

    def __init__(self) -> None:
        self._frames: queue.Queue[str | None] = queue.Queue()
        self._thread: Any = None

    def display(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Make the output, in the cell that runs now.

        Args:
            data: What to show, by MIME type; its Markdown is shown.
            metadata: Of no use here.
        """
        self.reserve()
        self.update(data, metadata or {})

    def reserve(self) -> None:
        """Show nothing yet; the first `update` makes the output."""
        import marimo

        self._thread = marimo.Thread(target=self._draw, name="nbstream-marimo", daemon=True)
        self._thread.start()

    def update(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Replace what is shown; from any thread.

        Args:
            data: What to show, by MIME type.
            metadata: Of no use here.
        """
        del metadata
        self._frames.put(data.get("text/markdown", ""))

    def end(self) -> None:
        """Nothing more will be shown."""
        self._frames.put(None)
        if self._thread is not None:
            self._thread.join(_LAST_FRAME_SECONDS)

    def _draw(self) -> None:
        import marimo

        while (markdown := self._frames.get()) is not None:
            # The cell may have been run again meanwhile, and shows something else.
            if not self._thread.should_exit and markdown:
                marimo.output.replace(marimo.md(_readable(markdown)))


def _readable(markdown: str) -> str:
    r"""Markdown in which marimo takes for formulas what is one.

    Example:
        >>> print(_readable(r"add \(not allowed\), but `\(x\)` and $x$"))
        add &#40;not allowed&#41;, but `\(x\)` and $x$
    """

    def replaced(found: re.Match[str]) -> str:
        escaped = found["escaped"]
        return f"&#{ord(escaped)};" if escaped and escaped in "()[]" else found[0]

    return _BRACKET.sub(replaced, markdown)
