"""Which results the cell that runs now has drawn, so that they are not shown a second time as its value."""

from __future__ import annotations

import weakref
from typing import ClassVar

from nbstream.settings.shell import running_shell

__all__ = ["Drawn"]


class Drawn:
    """What the cell that runs now has drawn. Only that is kept: a result of an earlier cell is shown again."""

    _cell: ClassVar[object | None] = None
    _results: ClassVar[list[object]] = []

    @staticmethod
    def cell() -> object | None:
        """What the cell that runs now is known by; `None` outside notebooks.

        Its number alone does not do: to a program that keeps no history, such as nbval, all cells are the first.
        """
        shell = running_shell()
        if shell is None:
            return None
        before = getattr(shell, "last_execution_result", None)
        return shell.execution_count, None if before is None else weakref.ref(before)

    @classmethod
    def add(cls, result: object, cell: object | None) -> None:
        """Note that the output of a cell shows a result."""
        if cell is None or cell != cls.cell():
            return  # an older cell's stream has ended while this one runs
        if cell != cls._cell:
            cls._cell, cls._results = cell, []
        cls._results.append(result)

    @classmethod
    def here(cls, result: object) -> bool:
        """Whether the cell that runs now shows the result already."""
        return cls._cell is not None and cls.cell() == cls._cell and any(each is result for each in cls._results)
