"""The tutorials: each runs once, offline, and everything is checked on that run.

Whether they work on a page is checked by `tests/browser/run_tutorials.py`.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections import Counter
from typing import Any

import nbformat
import pytest

from tests.docs_scripts import docs_script

tutorials = docs_script("tutorials")

NOTEBOOKS = sorted((pathlib.Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
# How the answers end that are shown in outputs of their own. A failure that the code has caught is told once more.
STATES = {
    "01_quickstart": {"completed": 8, "cancelled": 1, "failed": 2},
    "02_chat_panel": {"completed": 3, "cancelled": 1},
    "03_tools": {"completed": 5, "failed": 1},
    "04_structured_output": {"completed": 4, "failed": 2},
    "05_reproducible": {"completed": 4},
    "06_many_at_once": {"completed": 4},
    "07_usage_and_safety": {"completed": 6, "failed": 2},
    "08_any_server": {"completed": 1},
    "09_how_streaming_works": {"completed": 1},
}
# What its kernel has besides; and what is run after it, in the same kernel.
AGAIN = "04_structured_output"
NO_NETWORK = """
import socket
def refuse(*_, **__): raise OSError("the network is refused")
socket.getaddrinfo = socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = refuse
%config NBStream.recordings_mode = "replay"
"""


def read(name: str) -> Any:
    (path,) = (path for path in NOTEBOOKS if path.stem == name)
    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def answers(cells: list[Any]) -> list[Any]:
    """The outputs that hold answers."""
    return [output for cell in cells for output in cell.outputs if "nbstream" in output.get("metadata", {})]


def words_of(cells: list[Any]) -> list[list[str]]:
    """What the outputs of each cell say."""

    def words(output: Any) -> str:
        return str(output.get("text") or output.get("evalue") or output["data"]["text/plain"])

    return [list(map(words, cell.outputs)) for cell in cells]


def plays_the_same(cell: Any) -> bool:
    """Whether a cell says the same again: not how much of an answer came before it was stopped, nor what is loaded."""
    return ".cancel()" not in cell.source and not cell.source.startswith("%load_ext")


@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_runs_offline_and_shows_what_it_is_saved_with(name: str) -> None:
    notebook, committed = read(name), read(name)
    again: list[Any] = []
    if name == AGAIN:
        again = [cell.copy() for cell in code_cells(read(name)) if plays_the_same(cell)]
        notebook.cells += [nbformat.v4.new_code_cell(NO_NETWORK), *again]
    tutorials.run(notebook, {"NBSTREAM_RECORDINGS": "recordings"} if again else {})
    count = len(committed.cells)
    cells = code_cells(nbformat.from_dict({"cells": notebook.cells[:count]}))

    shown = answers(cells)
    states = Counter(output.metadata.nbstream.state for output in shown if "state" in output.metadata.nbstream)
    assert states == STATES[name]
    assert not any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in shown)
    assert "widgets" not in notebook.metadata
    # Of a cell that shows something else each time, nothing is saved.
    found = zip(tutorials.outputs_of(notebook), tutorials.outputs_of(committed), committed.cells, strict=False)
    for outputs, others, cell in found:
        if "varies" not in cell.metadata.get("tags", ()):
            assert outputs == others, cell.source

    if again:
        played = notebook.cells[count + 1 :]
        recorded = [cell for cell in cells if plays_the_same(cell)]
        assert words_of(played) == words_of(recorded)
        assert all(output.metadata.nbstream.recorded_at for output in answers(played))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_tutorial_is_committed_with_is_the_same_wherever_it_was_run(name: str) -> None:
    notebook = read(name)
    assert notebook.metadata == {"kernelspec": tutorials.KERNEL, "language_info": {"name": "python"}}
    for cell in code_cells(notebook):
        assert cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}
        assert set(cell.metadata.get("tags", ())) <= {"varies"}
        for output in cell.outputs:
            assert output.output_type != "error"
            assert not output.get("metadata")
            assert not any("widget" in kind for kind in output.get("data", ()))
            assert not re.search(r"/tmp/|/home/|127\.0\.0\.1:\d", json.dumps(output))


@pytest.mark.parametrize("name", NAMES)
def test_only_the_first_cell_names_the_model_that_a_tutorial_asks(name: str) -> None:
    first, *others = [cell.source for cell in code_cells(read(name))]
    assert first.startswith("%load_ext nbstream\nimport nbstream as nbs\n\n")
    assert 'nbs.configure(model="demo"' in first
    assert first.endswith('\n# nbs.configure(base_url="http://localhost:11434/v1", model="llama3.2")')
    assert not [source for source in others if re.search(r"-m demo|[\"']demo[\"']", source)]


def outputs(*texts: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": "stdout", "text": text} for text in texts]


def test_a_cell_that_shows_something_else_each_time_is_not_saved_silently() -> None:
    cell = nbformat.v4.new_code_cell("now()\n1", id="cell-07")
    assert tutorials.kept(cell, outputs("1"), outputs("1"), "x.ipynb") == outputs("1")
    for other in (outputs("2"), outputs("1", "2"), []):
        with pytest.raises(ValueError, match=r"x\.ipynb, cell cell-07 \(now\(\)\) shows something else in each run"):
            tutorials.kept(cell, outputs("1"), other, "x.ipynb")
    with pytest.raises(ValueError, match=r"cell-07 \(now\(\)\) shows a path"):
        tutorials.kept(cell, outputs("/tmp/x"), outputs("/tmp/x"), "x.ipynb")
    cell.metadata["tags"] = ["varies"]
    assert tutorials.kept(cell, outputs("1"), outputs("2"), "x.ipynb") == []
