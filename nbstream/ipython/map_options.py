"""The options of `%%stream --map`: which belong to it, and which do not go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.errors import UsageError
from nbstream.ipython.comparing import asks_several
from nbstream.ipython.unfit import refuse

if TYPE_CHECKING:
    import argparse

__all__ = ["check_map"]

_OF_A_MAP = ("checkpoint", "batch")
_OF_ONE_ANSWER = ("chat", "insert", "context", "raw", "usage", "background")


def check_map(options: argparse.Namespace) -> None:
    """Check that the options of a cell go together, if some of them are of a map.

    Args:
        options: Of the cell.

    Raises:
        UsageError: They do not.
    """
    if options.map is None:
        refuse(options, {name: f"--{name} goes with --map, which asks the prompt of every row" for name in _OF_A_MAP})
        return
    refuse(options, {name: f"--map does not go with --{name}, which is for one answer" for name in _OF_ONE_ANSWER})
    if asks_several(options):
        raise UsageError("--map asks one model, and each row once; use a cell with --map for each model")
