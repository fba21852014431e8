"""The notebook's code that a panel calls, each piece with the name that reports of failure use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.result import StreamResult

__all__ = ["Hooks"]


@dataclass(slots=True)
class Hooks:
    """What is called when; each list is of names and functions.

    Attributes:
        began: When a turn begins.
        ended: When a turn has ended, with its result, before the next one begins.
        changed: When the conversation has changed and nothing streams; at the end of a turn, before `ended`.
    """

    began: list[tuple[str, Callable[[], object]]] = field(default_factory=list)
    ended: list[tuple[str, Callable[[StreamResult], object]]] = field(default_factory=list)
    changed: list[tuple[str, Callable[[], object]]] = field(default_factory=list)
