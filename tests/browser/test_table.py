"""The table of a job in an empty page: what is in the page, what is asked for, by hand and by keyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.test_panel_accessibility import violations
from tests.browser.test_view_alone import another_host, jupyterlab, vscode
from tests.many.table.jobs import DONE, FAILED, RUNNING, Job, Progress
from tests.table_page import TablePage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    OPEN = Callable[..., TablePage]

HOSTILE = "<img src=x onerror=\"window.hit = 'img'\"><script>window.hit = 'script'</script> [x](javascript:hit=1) **b**"


@pytest.fixture
def open_table(page: Page, monkeypatch: pytest.MonkeyPatch) -> Iterator[OPEN]:
    opened: list[TablePage] = []

    def open_(job: Job) -> TablePage:
        page.set_viewport_size({"width": 900, "height": 700})
        opened.append(TablePage(page, monkeypatch, job))
        return opened[-1]

    yield open_
    for each in opened:
        each.view.close()
        assert each.errors == []


def filled(total: int, done: int = 40) -> Job:
    job = Job(total=total)
    for number in range(done):
        job.set(number, DONE, f"answer {number}")
    return job


def test_of_a_hundred_thousand_rows_only_those_in_sight_are_there(open_table: OPEN) -> None:
    table = open_table(filled(100_000))
    expect(table.row(3)).to_contain_text("answer 3")
    expect(table.root.get_by_role("table")).to_have_attribute("aria-rowcount", "100001")
    expect(table.root.get_by_role("progressbar")).to_have_attribute("aria-valuetext", "40 of 100,000 rows")
    most, messages = 0, len(table.sent)
    for number in (50_000, 99_990, 7, 12_345, 40):
        table.job.set(number, DONE, f"answer {number}")
        table.scroll_to(number)
        expect(table.row(number)).to_contain_text(f"answer {number}")
        expect(table.row(number)).to_be_in_viewport()
        most = max(most, table.rows.count())
    table.scroll_to(100_000)
    expect(table.row(99_999)).to_be_in_viewport()
    sizes = [len(json.dumps(message)) for message in table.sent[messages:]]
    print(f"at most {most} rows in the page; {len(sizes)} messages for 6 jumps, {sum(sizes):,} bytes")
    assert most < 40
    assert len(sizes) <= 12
    assert sum(sizes) < 40_000
    assert len(set(table.job.read)) < 500


def test_rows_fill_where_they_are_and_nothing_is_asked_for_on_the_way(open_table: OPEN) -> None:
    table = open_table(Job(total=500))
    expect(table.row(0)).to_contain_text("queued")
    asked = "window.sent.filter(({ type }) => type === 'show').length"
    before = table.page.evaluate(asked)
    table.page.evaluate("(row) => { window.kept = document.querySelector(row) }", ".nbs-row[aria-rowindex='4']")
    for text in ("One", "One two", "One two three"):
        table.change(table.job.set(2, RUNNING, text))
        expect(table.row(2)).to_contain_text(text)
    table.change(table.job.set(2, FAILED, error="it broke"), table.job.set(1, DONE, "ok", source="checkpoint"))
    expect(table.row(2)).to_contain_text("failed")
    expect(table.row(2)).to_contain_text("it broke")
    expect(table.row(1)).to_contain_text("checkpoint")
    table.change(table.job.set(2, DONE, "at last"))
    expect(table.row(2)).to_contain_text("at last")
    expect(table.row(2)).not_to_contain_text("it broke")
    assert table.page.evaluate("window.kept.isConnected"), "the row is the same one"
    assert table.page.evaluate(asked) == before


def test_hostile_text_is_text(open_table: OPEN, page: Page) -> None:
    job = Job(total=3, columns=("a<b>",), model=HOSTILE)
    job.set(0, DONE, "{}", value={"a<b>": HOSTILE})
    job.set(1, FAILED, HOSTILE, error=HOSTILE)
    table = open_table(job)
    expect(table.row(0).locator(".nbs-row-cell")).to_have_text(f"{HOSTILE[:79].rstrip()}…")
    expect(table.row(1).locator(".nbs-row-error")).to_have_text(HOSTILE)
    expect(table.root.locator("th").last).to_have_text("a<b>")
    job.columns = ()
    for number in (0, 1):
        job.set(number, FAILED if number else DONE, HOSTILE, error=HOSTILE if number else None)
        table.row(number).click()
        table.settle()
        expect(table.root.locator(".nbs-row-box strong")).to_have_text("b")
    page.wait_for_timeout(100)
    assert page.evaluate("window.hit") is None
    assert table.root.locator("img, script, a[href^=javascript]").count() == 0


def test_a_row_opens_below_its_line_and_failures_are_filtered_and_retried(open_table: OPEN) -> None:
    job = filled(2000)
    for number in (5, 900, 1700):
        job.set(number, FAILED, error=f"it broke {number}")
    table = open_table(job)
    table.row(3).click()
    table.settle()
    box = table.root.locator(".nbs-row-box")
    expect(box).to_contain_text("answer 3")
    below = table.row(4).bounding_box()
    shown = box.bounding_box()
    assert below is not None
    assert shown is not None
    assert below["y"] >= shown["y"] + shown["height"] - 1
    table.scroll_to(1000)
    expect(table.row(1005)).to_be_in_viewport()
    table.button("Failed (3)").click()
    table.settle()
    expect(table.rows).to_have_count(3)
    expect(table.rows.nth(2)).to_contain_text("it broke 1700")
    table.rows.nth(1).get_by_role("button", name="Retry").click()
    table.button("Retry failed").click()
    assert job.done == [("retry", [900]), ("retry", None)]
    table.change(job.set(900, RUNNING, "again"))
    expect(table.rows).to_have_count(2)
    table.button("All").click()
    table.settle()
    expect(table.row(3)).to_contain_text("answer 3")
    table.button("Stop").click()
    expect(table.button("Stopping …")).to_have_attribute("aria-disabled", "true")
    assert job.done[-1] == "stop"


def test_the_keyboard_reaches_every_row(open_table: OPEN, page: Page) -> None:
    table = open_table(filled(300, 300))
    table.scroller.focus()
    page.keyboard.press("Tab")
    expect(table.button("Row 0")).to_be_focused()
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    expect(table.button("Row 20")).to_be_focused()
    expect(table.row(20)).to_be_in_viewport()
    page.keyboard.press("Enter")
    table.settle()
    expect(table.button("Row 20")).to_have_attribute("aria-expanded", "true")
    expect(table.root.locator(".nbs-row-box")).to_contain_text("answer 20")
    page.keyboard.press("Escape")
    expect(table.root.locator(".nbs-row-box")).to_have_count(0)
    expect(table.button("Row 20")).to_be_focused()
    table.scroll_to(200)
    expect(table.scroller).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(table.scroller).to_be_focused()


def test_little_is_announced(open_table: OPEN, page: Page) -> None:
    table = open_table(filled(50))
    said = page.locator(".nbs-announcer")
    for number in range(40, 45):
        table.change(table.job.set(number, DONE, "x"))
    expect(said).to_have_text("")
    table.change(table.job.set(45, FAILED, error="it broke"))
    expect(said).to_have_text("A row has failed; the others go on")
    table.job.state = DONE
    table.view.end("Done. 49 rows · 1 failed")
    table.settle()
    expect(said).to_have_text("Done. 49 rows · 1 failed")
    expect(table.button("Stop")).to_be_hidden()
    expect(table.button("Retry failed")).to_be_visible()
    expect(table.root).to_contain_text("not saved in the notebook")
    table.view.begin_again()
    table.settle()
    expect(table.button("Stop")).to_be_visible()
    expect(table.root).not_to_contain_text("not saved in the notebook")


def test_a_hidden_page_asks_for_nothing_and_catches_up(open_table: OPEN, page: Page) -> None:
    table = open_table(Job(total=100))
    page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    table.settle()
    sent = len(table.sent)
    for number in range(20):
        table.change(table.job.set(number, DONE, f"answer {number}"))
    assert len(table.sent) == sent
    page.evaluate("delete document.hidden")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    table.settle()
    expect(table.row(9)).to_contain_text("answer 9")
    expect(table.root).to_contain_text("20 of 100 rows")
    # What is scrolled out of sight needs no rows either.
    page.evaluate("document.getElementById('here').style.marginTop = '3000px'")
    table.settle()
    sent = len(table.sent)
    table.change(table.job.set(3, DONE, "new"))
    assert [message.get("views") for message in table.sent[sent:] if message["type"] == "frame"] in ([], [None])


def test_a_page_that_is_loaded_again_or_has_missed_something_has_all(open_table: OPEN, page: Page) -> None:
    table = open_table(filled(100))
    table.load()
    expect(table.row(3)).to_contain_text("answer 3")
    table.change(table.job.set(2, DONE, "lost"))
    page.evaluate("window.deaf = true")
    table.now += 1
    table.view.change(table.job.set(3, DONE, "this, too"))
    table.lose()
    page.evaluate("window.deaf = false")
    table.change(table.job.set(99, DONE, "far"), table.job.set(98, FAILED, error="so that there is something to tell"))
    table.settle()
    expect(table.row(3)).to_contain_text("this, too")


@pytest.mark.parametrize("host", [jupyterlab, vscode, another_host], ids=lambda host: host.__name__)
@pytest.mark.parametrize("shade", ["light", "dark"])
def test_axe_finds_nothing_and_all_has_room(
    open_table: OPEN, page: Page, host: Callable[..., None], shade: str
) -> None:
    job = Job(total=3000, columns=("mood", "score", "reason"))
    for number in range(20):
        job.set(number, DONE, "{}", value={"mood": "good", "score": 0.5, "reason": "words " * 30})
    job.set(2, FAILED, error="the answer does not fit: " + "words " * 20)
    job.set(4, RUNNING, '{"mood": "ba')
    job.set(5, DONE, "{}", value={"mood": "good"}, source="checkpoint")
    job.facts = Progress(cost=0.0123, tokens_per_second=412.0, rate_limited_until=1100.0)
    table = open_table(job)
    host(page, shade)
    table.row(1).click()
    for width in (900, 500, 320):
        page.set_viewport_size({"width": width, "height": 800})
        table.settle()
        expect(table.root).to_contain_text("because the server limits requests")
        assert violations(page, ".nbs-table") == [], width
        wide = "() => [document.documentElement, document.querySelector('.nbs-table-scroll')]"
        over = page.evaluate(f"({wide})().map((each) => each.scrollWidth - each.clientWidth)")
        assert over == [0, 0], width
        cut = "node => [...node.querySelectorAll('button')].filter((b) => b.scrollWidth > b.clientWidth + 1).length"
        assert table.root.locator(".nbs-table-head").evaluate(cut) == 0
