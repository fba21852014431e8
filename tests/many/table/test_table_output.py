"""Where a job is shown, and what takes the place of what: without widgets, without a page, and at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbstream.display.host import Host
from nbstream.many.table import choose
from nbstream.many.table.table_output import TableOutput
from tests import comms
from tests.many.table.jobs import DONE, Job

if TYPE_CHECKING:
    from collections.abc import Callable

WIDGET = "application/vnd.jupyter.widget-view+json"


class Shown:
    """An output that notes what it shows."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []
        self.reserved = self.ended = False

    def display(self, data: dict[str, Any], _: object = None) -> None:
        self.data.append(data)

    def reserve(self) -> None:
        self.reserved = True

    def update(self, data: dict[str, Any], _: object) -> None:
        self.data.append(data)

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("nbstream.many.table.table_output.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def output(shown: Shown) -> Callable[..., TableOutput]:
    def output(mode: str, host: Host = Host.OTHER_KERNEL) -> TableOutput:
        return TableOutput(mode, host, lambda: shown)  # type: ignore[arg-type,return-value]

    return output


def finish(table: TableOutput, job: Job) -> None:
    job.state = DONE
    table.ended(job)


def test_a_live_table_is_replaced_by_its_summary(
    output: Callable[..., TableOutput], shown: Shown, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    del clock  # it stands still
    page, job = comms.Page(monkeypatch), Job(total=3)
    table = output("live")
    table.open(job)
    assert WIDGET in shown.data[0]
    assert "0 rows of 3" in shown.data[0]["text/plain"]
    page.says({"type": "hello", "view": "v"})
    table.began(job)
    table.changed(job.set(0, DONE, "x"))
    finish(table, job)
    assert set(shown.data[-1]) == {"text/markdown", "text/plain"}
    assert len(shown.data) == 2, "a page that shows the table is sent no Markdown meanwhile"
    assert page.custom[-1]["type"] == "end"
    page.says({"type": "gone", "view": "v"})
    assert page.messages[-1][0] == "comm_close"


def test_where_no_page_answers_a_line_counts(
    output: Callable[..., TableOutput], shown: Shown, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    comms.Page(monkeypatch)
    job, table = Job(total=100), output("live")
    table.open(job)
    for number in range(50):
        clock[0] += 0.2
        table.changed(job.set(number, DONE, "x"))
    counts = [data["text/plain"] for data in shown.data]
    assert counts[:3] == ["m: 0 rows of 100", "m: 13 rows of 100", "m: 18 rows of 100"]
    assert len(counts) == 9
    assert all(WIDGET in data for data in shown.data)
    finish(table, job)


def test_a_static_one_shows_nothing_before_the_end(output: Callable[..., TableOutput], shown: Shown) -> None:
    job, table = Job(total=2), output("static", Host.PROGRAM)
    table.open(job)
    table.changed(job.set(0, DONE, "x"))
    assert (shown.data, shown.reserved) == ([], True)
    finish(table, job)
    assert "1 row of 2" in shown.data[0]["text/plain"]
    assert shown.ended


def test_a_notebook_that_is_saved_meanwhile_has_a_summary_now_and_then(
    output: Callable[..., TableOutput], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, job = comms.Page(monkeypatch), Job(total=1000)
    table = output("live")
    table.open(job)
    page.says({"type": "hello", "view": "v"})
    for number in range(140):
        clock[0] += 0.2
        table.changed(job.set(number, DONE, "x"))
    kept = [message for message in page.custom if message["type"] == "keep"]
    assert len(kept) == 2
    assert "still running when the notebook was saved" in kept[0]["markdown"]
    finish(table, job)


@pytest.mark.parametrize(
    ("host", "wanted", "mode"),
    [
        (Host.TERMINAL, "auto", None),
        (Host.CONSOLE, "auto", None),
        (Host.PAGE, "terminal", None),
        (Host.PAGE, "auto", "live"),
        (Host.LATE_PAGE, "auto", "live"),
        (Host.PAGE, "static", "static"),
        (Host.PROGRAM, "auto", "static"),
        (Host.SERVER_PAGE, "auto", "static"),
        (Host.OTHER_KERNEL, "auto", "markdown"),
        (Host.MARIMO, "auto", "markdown"),
    ],
)
def test_where_the_code_runs_decides(
    monkeypatch: pytest.MonkeyPatch, host: Host, wanted: str, mode: str | None
) -> None:
    monkeypatch.setattr(choose, "host_here", lambda: host)
    table = choose.table_here(wanted)
    assert (table and table.mode) == mode
