"""The widget of a table: what the page says reaches the job, and when the widget is closed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbstream.errors import UsageError
from nbstream.many.table.pace import Pace
from nbstream.many.table.table_view import TableView
from tests import comms
from tests.many.table.jobs import DONE, Job


class Page:
    """A page, and a kernel whose clock stands still."""

    def __init__(self, ends: comms.Page, job: Job) -> None:
        self.job = job
        self.take, self.says_all = ends.take, ends.says
        self.view = TableView(job, pace=self._pace, now=lambda: 0.0)

    def _pace(self, draw: Any) -> Pace:
        return Pace(draw, interval=0.0, now=lambda: 0.0)

    def says(self, kind: str, **message: Any) -> None:
        self.says_all({"type": kind, **message})

    @property
    def closed(self) -> bool:
        return self.view.comm is None


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    page = Page(comms.Page(monkeypatch), Job(total=50))
    yield page
    page.view.close()


def test_a_page_that_draws_at_once_knows_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = comms.Page(monkeypatch)
    page = Page(ends, Job(total=50, columns=("mood", "why")))
    assert [data["state"]["columns"] for _, data in ends.messages if "columns" in data["state"]] == [["mood", "why"]]
    assert {kind for kind, _ in ends.messages} == {"comm_open"}
    page.view.close()


def test_stop_and_retry_reach_the_job(page: Page) -> None:
    page.says("stop")
    page.says("retry", rows=None)
    page.says("retry", rows=[3, "x"])
    assert page.job.done == ["stop", ("retry", None), ("retry", [3])]
    assert [message["type"] for message in page.take()] == ["stopping", "retrying", "retrying"]


def test_what_a_retry_raises_is_told_in_a_line(page: Page) -> None:
    page.job.error = UsageError("the money\nis spent")
    page.says("retry", rows=None)
    assert page.take()[-1] == {"type": "refused", "words": "the money is spent"}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "show", "view": "v", "first": "1", "count": 3, "failed": False},
        {"type": "show", "view": "v", "first": -5, "count": 10**9, "failed": False},
        {"type": "show", "view": "unknown", "first": 0, "count": 1, "failed": False},
        {"type": "open", "view": "v", "row": 10**9},
        {"type": "open", "view": "v", "row": -1},
        {"type": "later"},
        {},
    ],
)
def test_whatever_a_page_says_is_bounded(page: Page, message: dict[str, Any]) -> None:
    page.says("hello", view="v")
    page.take()
    page.says_all(message)
    page.view.change(page.job.set(0, DONE, "x"))
    assert all(len(json.dumps(each)) < 26_000 for each in page.take())


def test_the_last_goodbye_closes_the_widget_of_a_job_that_has_ended(page: Page) -> None:
    for view in ("v", "w"):
        page.says("hello", view=view)
    page.says("gone", view="v")
    page.view.end("Done. 1 row")
    page.view.close_unless_seen()
    assert not page.closed
    page.says("hello", view="v")  # it was late
    page.says("gone", view="w")
    assert page.closed


def test_a_widget_that_nobody_has_seen_is_closed(page: Page) -> None:
    page.view.end("Done. 1 row")
    page.view.close_unless_seen()
    assert page.closed


def test_a_cell_that_is_to_run_again_stops_the_job_that_it_waits_for(page: Page) -> None:
    page.says("gone", view="v", rerun=True)
    assert page.job.done == []
    page.view.waited_for = True
    page.says("gone", view="v", rerun=True)
    assert page.job.done == ["stop"]
