"""An answer in the background of a terminal: written at its end, in one piece, after the one that is being written."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from nbstream.display.choose import choose_surface, in_background
from nbstream.display.late_terminal import LateTerminalSurface
from nbstream.display.surface import NullSurface
from nbstream.display.terminal import TerminalSurface
from nbstream.errors import StalledError
from nbstream.result import StreamResult, StreamState
from nbstream.tools.approval import Question

SOME = StreamResult("Hel", StreamState.STREAMING)
WHOLE = StreamResult("Hello *there*", StreamState.COMPLETED, "stop")


class Writes(io.StringIO):
    """A terminal that notes each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Writes:
    made = Writes()
    monkeypatch.setattr(sys, "stdout", made)
    return made


@pytest.fixture
def late(out: Writes, make_request: Any) -> LateTerminalSurface:
    made = LateTerminalSurface(TerminalSurface)
    made.open(make_request(), lambda: None)
    assert out.writes == []
    return made


def test_it_is_written_once(late: LateTerminalSurface, out: Writes) -> None:
    late.draw(SOME)
    assert out.writes == []
    late.close(WHOLE)
    assert out.writes == ["[The answer of m in the background:]\nHello *there*\n"]


def test_a_failure_is_told_with_it(late: LateTerminalSurface, out: Writes) -> None:
    late.close(StreamResult("Hel", StreamState.FAILED, error=StalledError("It hung.")))
    assert out.getvalue().endswith("\nHel\n[Stalled: It hung.]\n")


def test_it_follows_the_answer_that_is_being_written(late: LateTerminalSurface, out: Writes, make_request: Any) -> None:
    front = TerminalSurface(out)
    front.open(make_request(), lambda: None)
    front.attend(True)
    front.draw(StreamResult("In front", StreamState.STREAMING))
    late.close(WHOLE)
    front.close(StreamResult("In front.", StreamState.COMPLETED, "stop"))
    assert out.getvalue() == "In front.\n[The answer of m in the background:]\nHello *there*\n"


def test_at_the_prompt_it_is_written_above_what_is_typed(
    late: LateTerminalSurface, out: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = type("StdoutProxy", (Writes,), {"__module__": "prompt_toolkit.patch_stdout"})()
    monkeypatch.setattr(sys, "stdout", prompt)
    late.close(WHOLE)
    assert (out.writes, len(prompt.writes)) == ([], 1)


def test_another_cells_capture_does_not_take_it(
    late: LateTerminalSurface, out: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured = Writes()
    monkeypatch.setattr(sys, "stdout", captured)
    late.close(WHOLE)
    assert (len(out.writes), captured.writes) == (1, [])


def test_nobody_is_asked_who_does_not_wait(late: LateTerminalSurface, monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[Any] = []
    question = Question("c", "f", {})
    question.when_answered(answered.append)
    with pytest.raises(EOFError):
        late.prompt(question)
    monkeypatch.setattr("nbstream.display.late_terminal.answer_by_input", answered.append)
    late.attend(True)
    late.prompt(question)
    assert answered == [question]


def test_only_at_the_prompt_of_ipython_does_an_answer_wait_for_its_end(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(in_background(choose_surface()), LateTerminalSurface)
    assert isinstance(in_background(NullSurface()), NullSurface)
    monkeypatch.setattr("nbstream.display.choose.running_shell", lambda: None)
    assert isinstance(in_background(choose_surface()), TerminalSurface)
    del shell
