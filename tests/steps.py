"""How many lines of the package a call executes: what it costs, the same on every machine."""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING, Any

import nbstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["steps"]

_PACKAGE = str(pathlib.Path(nbstream.__file__).parent)


def steps(call: Callable[[], object]) -> int:
    """Count the lines of nbstream that are executed, each as often as it is.

    Args:
        call: What to do.
    """
    count = 0

    def line(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def enter(frame: FrameType, _: str, __: Any) -> Any:
        return line if frame.f_code.co_filename.startswith(_PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
