"""A job's table in an empty page: its own kernel's half, the real page's half, and nothing of Jupyter between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbstream.many.table.pace import Pace
from nbstream.many.table.table_view import TableView
from tests import comms
from tests.panel_page import STAND_IN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest
    from playwright.sync_api import Locator, Page

    from tests.many.table.jobs import Job

__all__ = ["ADDRESS", "TablePage"]

ADDRESS = "http://localhost/table"
PAGE = "<!doctype html><html lang=en><title>Table</title><body><div id=here></div></body></html>"


class TablePage:
    """The page and the hands of the kernel, whose clock stands still unless a test moves it.

    Attributes:
        sent: What the kernel has sent so far, message by message.
        errors: What went wrong in the page's code.
    """

    def __init__(self, page: Page, monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
        self.page, self.job = page, job
        self.now = 1000.0
        self.sent: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._ends = comms.Page(monkeypatch)
        self._waiting: list[Any] = []
        self.view = TableView(job, pace=self._pace, now=lambda: self.now)
        page.expose_function("hear", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route(ADDRESS, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        self.load()

    def load(self) -> None:
        """Open the page, perhaps again."""
        state = self.view.get_state()
        known = json.dumps({name: state[name] for name in ("key", "label", "columns", "no_notebook")})
        stand_in = STAND_IN.replace('({ key: "k" })[name]', f"({known})[name]")
        self.page.goto(ADDRESS)
        self.page.evaluate(stand_in.replace("ESM", json.dumps(state["_esm"])))
        self.root.wait_for()
        self.settle()

    @property
    def root(self) -> Locator:
        return self.page.locator(".nbs-table").first

    @property
    def rows(self) -> Locator:
        return self.root.locator(".nbs-row")

    @property
    def scroller(self) -> Locator:
        return self.root.get_by_role("region", name="Rows")

    def row(self, number: int) -> Locator:
        return self.root.locator(f".nbs-row[aria-rowindex='{number + 2}']")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name)

    def change(self, *numbers: Iterable[int]) -> None:
        """Tell the table of changed rows, and let the page draw them."""
        self.now += 1
        self.view.change(frozenset().union(*numbers))
        self.settle()

    def scroll_to(self, row: int) -> None:
        self.scroller.evaluate("(scroller, top) => { scroller.scrollTop = top }", row * self.row_height)
        self.settle()

    @property
    def row_height(self) -> float:
        return float(self.rows.first.evaluate("row => row.getBoundingClientRect().height"))

    def settle(self) -> None:
        """Let what is on its way arrive and be drawn."""
        for _ in range(3):
            self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")
            self.now += 1
            while self._waiting:
                self._waiting.pop()()
            self.deliver()
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def deliver(self) -> None:
        self.page.evaluate("(messages) => window.tell(messages)", self._take())

    def lose(self) -> None:
        """What is on its way does not arrive."""
        self._take()

    def _take(self) -> list[dict[str, Any]]:
        taken = self._ends.take()
        self.sent += taken
        return taken

    def _hear(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        self._ends.says(message)
        return self._take()

    def _pace(self, draw: Any) -> Pace:
        return Pace(draw, now=lambda: self.now, later=lambda _, call: self._waiting.append(call))
