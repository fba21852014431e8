"""Refuses the options of a cell that do not fit what the cell does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

__all__ = ["refuse"]


def refuse(options: argparse.Namespace, reasons: Mapping[str, str]) -> None:
    """Check that none of some options is given.

    Args:
        options: Of the cell.
        reasons: What to tell whoever gives one of them, by its name.

    Raises:
        UsageError: One is given; its reason is the message.

    Example:
        >>> from argparse import Namespace
        >>> refuse(Namespace(raw=False), {"raw": "--raw does not go with --map"})
    """
    for name, reason in reasons.items():
        if getattr(options, name):
            raise UsageError(reason)
