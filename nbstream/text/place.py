"""Where the reader of an answer is. The code that starts a stream says so, because the stream does not know it."""

from __future__ import annotations

import contextlib
import contextvars
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Place", "place_here", "reader_in"]


class Place(enum.StrEnum):
    """Where somebody reads, and can do something about what happened."""

    CELL = "cell"  # a cell with a magic
    COMPARISON = "comparison"  # a cell with a magic that asks several
    PANEL = "panel"  # the chat panel
    PYTHON = "python"  # code that calls nbstream, in a notebook or elsewhere
    TERMINAL = "terminal"  # the `nbstream` command
    FILE = "file"  # an exported conversation, in which nothing can be done


_place = contextvars.ContextVar("nbstream_place", default=Place.PYTHON)


def place_here() -> Place:
    """The place of the code that runs now: Python, unless `reader_in` says something else."""
    return _place.get()


@contextlib.contextmanager
def reader_in(place: Place) -> Iterator[None]:
    """Whatever is started within the block is read in this place.

    Example:
        >>> with reader_in(Place.CELL):
        ...     str(place_here())
        'cell'
    """
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)
