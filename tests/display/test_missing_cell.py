"""An answer ends with its cell, unless a page has the cell after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.display.missing_cell import MissingCell

if TYPE_CHECKING:
    from collections.abc import Callable


class Notebook:
    """What a missing cell does, with time in the test's hands."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.later: list[Callable[[], None]] = []
        self.cell = MissingCell(
            lambda: self.said.append("missing"),
            lambda: self.said.append("stop"),
            lambda _, call: self.later.append(call),
        )

    def wait(self) -> None:
        waiting, self.later = self.later, []
        for call in waiting:
            call()


def test_it_ends_if_no_page_has_the_cell() -> None:
    notebook = Notebook()
    notebook.cell.report()
    assert notebook.said == ["missing"]
    notebook.cell.report()  # another page, which shares the notebook
    notebook.wait()
    assert notebook.said == ["missing", "stop"]


def test_it_goes_on_if_a_page_has_the_cell_until_that_loses_it_too() -> None:
    notebook = Notebook()
    notebook.cell.report()
    notebook.cell.found()
    notebook.wait()
    assert notebook.said == ["missing"]
    notebook.cell.report()
    notebook.wait()
    assert notebook.said == ["missing", "missing", "stop"]
