"""Where pieces of an arriving text belong: to the answer, or to what the model thinks."""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["Split", "Where"]


class Where(enum.Enum):
    """Where a part of the arriving text belongs."""

    TEXT = "text"
    REASONING = "reasoning"
    ALL_REASONING = "all reasoning"  # what came before as text was reasoning too
    CHANNEL = "channel"  # the same, and it began with the name of a channel


class Split(NamedTuple):
    """A piece of the arriving text, and where it belongs."""

    where: Where
    text: str
