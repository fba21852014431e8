"""The table of jobs below a cell: live while something runs, then static; static at once where nothing can change."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from nbstream.many.background.shown_jobs import ShownJobs
from nbstream.result import StreamState
from nbstream.streaming.running import JobFacts
from tests import comms

PATIENCE = 60.0


class Jobs:
    """One job, which runs until it is stopped."""

    def __init__(self) -> None:
        self.state = StreamState.STREAMING
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.state = StreamState.CANCELLED
        self.stopped.set()

    @property
    def running(self) -> list[Any]:
        return [] if self.state.terminal else list(self)

    def __iter__(self) -> Any:
        facts = JobFacts(self.state, None, 5, "Hello")
        running = not self.state.terminal
        usual = {"number": 7, "name": "answer", "what": "Hi", "model": "m", "seconds": 1.0}
        return iter([SimpleNamespace(**usual, state=self.state, facts=facts, running=running, stop=self.stop)])


class Output:
    """An output that notes what it shows."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.ended = threading.Event()

    def display(self, data: dict[str, Any]) -> None:
        self.shown.append(data)

    def update(self, data: dict[str, Any], _: dict[str, Any]) -> None:
        self.shown.append(data)

    def end(self) -> None:
        self.ended.set()


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    made = Output()
    monkeypatch.setattr("nbstream.many.background.shown_jobs.output_here", lambda: made)
    return made


def test_it_is_live_until_nothing_runs(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = comms.Page(monkeypatch)
    jobs = Jobs()
    table = ShownJobs(jobs, "live")
    table.begin()
    table.end()
    assert "application/vnd.jupyter.widget-view+json" in output.shown[0]
    ends.says({"type": "hello", "view": "v"})
    ends.says({"type": "stop", "key": "8"})
    assert not jobs.stopped.is_set()
    ends.says({"type": "stop", "key": "7"})
    assert jobs.stopped.is_set()
    assert output.ended.wait(PATIENCE)
    assert set(output.shown[-1]) == {"text/html", "text/markdown", "text/plain"}
    assert "stopped" in output.shown[-1]["text/plain"]
    rows = [message for message in ends.custom if message.get("type") == "rows"]
    assert (rows[-1]["over"], rows[-1]["rows"][0]["state"], rows[-1]["rows"][0]["key"]) == (True, "stopped", "7")


def test_where_nothing_can_change_it_is_shown_once(output: Output) -> None:
    jobs = Jobs()
    table = ShownJobs(jobs, "static")
    table.begin()
    assert output.shown == []
    jobs.stop()
    table.end()
    assert ["stopped" in data["text/plain"] for data in output.shown] == [True]


def test_in_a_terminal_it_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("nbstream.many.background.shown_jobs.output_here", lambda: None)
    table = ShownJobs(Jobs())
    table.begin()
    table.end()
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "answer",
        "Hi",
        "m",
        "streaming",
        "1",
        "s",
        "5",
        "chars",
        "Hello",
    ]
