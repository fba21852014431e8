"""What has been played and recorded in this kernel, cell by cell."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbstream.text.plain import plain

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

__all__ = ["RecordingStatus", "Use", "Uses"]

How: TypeAlias = Literal["fresh", "stale", "missing", "recorded"]
"""The recording was played; another one was, before the request changed; there was none; it was made on demand."""


@dataclass(frozen=True, slots=True)
class Use:
    """What became of one request.

    Attributes:
        cell: The number of the cell that asked, or `None`.
        words: The first words of the question.
        path: The file that was played or written.
        how: What was done.
        changed: What has changed since an earlier recording, if it is stale.
    """

    cell: int | None
    words: str
    path: pathlib.Path
    how: How
    changed: str = ""


class Uses:
    """All of them, of one engine."""

    def __init__(self) -> None:
        self._all: list[Use] = []
        self._lock = threading.Lock()

    def add(self, use: Use) -> None:
        """Note one."""
        with self._lock:
            self._all.append(use)

    def status(self) -> RecordingStatus:
        """What there is so far."""
        with self._lock:
            return RecordingStatus(tuple(self._all))


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """What has been played and recorded in this kernel, as a table in a notebook.

    Attributes:
        uses: Each request, in the order in which they were asked.

    Example:
        ```python
        nbs.recordings.status()
        ```
    """

    uses: tuple[Use, ...]

    @property
    def unused(self) -> tuple[pathlib.Path, ...]:
        """The recordings beside those that were used which nothing has used so far."""
        from nbstream.recording.recording_file import SUFFIX  # what reads them is not loaded with the magics

        directories = sorted({use.path.parent for use in self.uses})
        used = {use.path for use in self.uses}
        return tuple(path for each in directories for path in sorted(each.glob(f"*{SUFFIX}")) if path not in used)

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Cell, question, what became of it, and the file."""
        for use in self.uses:
            cell = "" if use.cell is None else f"[{use.cell}]"
            yield cell, use.words, f"{use.how}: {use.changed}" if use.changed else use.how, use.path.name
        for path in self.unused:
            yield "", "", "unused", path.name

    def __repr__(self) -> str:
        if not self.uses:
            return "<nothing was played or recorded in this kernel>"
        return "\n".join("  ".join(filter(None, map(plain, row))) for row in self.rows())

    def _repr_html_(self) -> str:
        if not self.uses:
            return "<p>Nothing was played or recorded in this kernel.</p>"
        head = "".join(f"<th>{name}</th>" for name in ("Cell", "Question", "Recording", "File"))
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(plain(each))}</td>" for each in row) + "</tr>" for row in self.rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
