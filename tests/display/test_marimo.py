"""What a cell of a marimo notebook shows; marimo itself is a stand-in, of the few functions that are used."""

import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest

from nbstream.display.choose import choose_surface
from nbstream.display.marimo import in_marimo
from nbstream.parts import TextPart, ToolCallPart, ToolRun
from nbstream.result import StreamResult, StreamState


class Thread(threading.Thread):
    should_exit = False


@pytest.fixture
def shown(monkeypatch):
    """What the cell shows, one after the other."""
    shown: list[str] = []
    output = SimpleNamespace(replace=shown.append)
    marimo = SimpleNamespace(running_in_notebook=lambda: True, Thread=Thread, output=output, md=str)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    return shown


@pytest.fixture
def surface(shown, make_request):
    assert shown == []
    surface = choose_surface()
    surface.open(make_request(model="m"), lambda: None)
    return surface


def test_the_cell_that_asked_shows_the_answer(surface, shown):
    surface.draw(StreamResult("**Hel**", StreamState.STREAMING))
    surface.close(StreamResult("**Hello** $x$", StreamState.COMPLETED, "stop"))
    assert [frame.partition("\n")[0] for frame in shown] == ["*Waiting for m …*", "**Hel**", "**Hello** $x$"]


def test_brackets_are_no_formulas(surface, shown):
    call = ToolCallPart("c1", "add", "{}", run=ToolRun("denied", "No.", "denied"))
    text = "\n```python\nr'\\(x\\)'\n```"
    surface.close(StreamResult(state=StreamState.COMPLETED, finish_reason="stop", parts=(TextPart(text), call)))
    code, line = shown[-1].split("```\n")
    assert r"\(x\)" in code
    assert "&#40;not allowed&#41;" in line


def test_a_cell_shows_an_answer_again(shown):
    StreamResult("**Hello**", StreamState.COMPLETED, "stop", model="m").show()
    assert [frame.partition("\n")[0] for frame in shown] == ["**Hello**"]


def test_a_cell_that_ends_with_the_result_shows_the_answer_as_its_value(shown):
    value = StreamResult("**Hello**", StreamState.COMPLETED, "stop", model="m")._display_()
    assert value.partition("\n")[0] == "**Hello**"
    assert shown == [], "it is its value that is shown, once"


def test_a_cell_that_was_run_again_shows_nothing_of_the_answer_before(surface, shown, monkeypatch):
    monkeypatch.setattr(Thread, "should_exit", True)
    before = len(shown)
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    assert "Hello" not in "".join(shown[before:])


def test_a_marimo_that_is_being_imported_shows_nothing_yet(monkeypatch):
    monkeypatch.setitem(sys.modules, "marimo", ModuleType("marimo"))
    assert not in_marimo()


def test_a_program_with_marimo_that_is_no_notebook_has_a_terminal(shown, monkeypatch):
    monkeypatch.setattr(sys.modules["marimo"], "running_in_notebook", lambda: False)
    assert type(choose_surface()).__name__ == "TerminalSurface"
    assert shown == []
