"""Which results the cell that runs now has drawn, so that they are not shown a second time as its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["Drawn"]


class Drawn:
    """What the cell that runs now has drawn. Only that is kept: a result of an earlier cell is shown again."""

    _cell: ClassVar[int | None] = None
    _results: ClassVar[list[StreamResult]] = []

    @staticmethod
    def cell() -> int | None:
        """The number of the cell that runs now; `None` outside notebooks."""
        shell = running_shell()
        return None if shell is None else shell.execution_count

    @classmethod
    def add(cls, result: StreamResult, cell: int | None) -> None:
        """Note that the output of a cell shows a result."""
        if cell is None or cell != cls.cell():
            return  # an older cell's stream has ended while this one runs
        if cell != cls._cell:
            cls._cell, cls._results = cell, []
        cls._results.append(result)

    @classmethod
    def here(cls, result: StreamResult) -> bool:
        """Whether the cell that runs now shows the result already."""
        return cls._cell is not None and cls.cell() == cls._cell and any(each is result for each in cls._results)
