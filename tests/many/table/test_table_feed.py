"""What the pages of a table are told: ranges, patches within them, and little more than nothing otherwise."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from nbstream.many.table.pace import Pace
from nbstream.many.table.row_line import row_line
from nbstream.many.table.table_feed import ANYBODY, TableFeed
from tests.many.table.jobs import DONE, FAILED, RUNNING, Job, Progress


class Pages:
    """A feed, the hands of its clock, and what it has sent."""

    def __init__(self, job: Job) -> None:
        self.job, self.now = job, 100.0
        self.sent: list[dict[str, Any]] = []
        self.waiting: list[tuple[float, Any]] = []
        self.feed = TableFeed(job, self.sent.append, pace=self._pace, now=lambda: self.now)

    def _pace(self, draw: Any) -> Pace:
        return Pace(
            draw, now=lambda: self.now, later=lambda seconds, call: self.waiting.append((self.now + seconds, call))
        )

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass, with what is due meanwhile."""
        end = self.now + seconds
        while self.waiting and self.waiting[0][0] <= end:
            self.now, call = self.waiting.pop(0)
            call()
        self.now = end

    def show(self, view: str, first: int, count: int, *, failed: bool = False) -> None:
        self.feed.greet(view)
        self.feed.show(view, first, count, failed=failed)
        self.wait()

    def take(self) -> list[dict[str, Any]]:
        taken = list(self.sent)
        self.sent.clear()
        return taken

    def take_part(self, view: str) -> dict[str, Any]:
        """What a view was told by the only frame since the last time."""
        [frame] = self.take()
        part = frame["views"][view]
        assert isinstance(part, dict)
        return part


@pytest.fixture
def pages() -> Pages:
    return Pages(Job(total=1000))


def test_a_view_gets_its_range_and_then_only_what_changes_in_it(pages: Pages) -> None:
    pages.show("v", 100, 50)
    *_, frame = pages.take()
    part = frame["views"]["v"]
    assert (part["count"], part["first"], part["failed"]) == (1000, 100, False)
    assert [line[0] for line in part["rows"]] == [*range(100, 150)]

    pages.feed.change(pages.job.set(99, DONE, "above"))
    assert [frame.get("views") for frame in pages.take()] == [None], "only the progress"
    pages.wait()
    changed = pages.job.set(120, RUNNING, "Half") | pages.job.set(900, DONE, "far")
    pages.feed.change(changed)
    assert [line[0] for line in pages.take_part("v")["rows"]] == [120]
    pages.wait()
    pages.feed.change(frozenset({120}))
    assert pages.take() == [], "nothing is new"


def test_rows_that_stay_are_not_sent_again(pages: Pages) -> None:
    pages.show("v", 0, 40)
    pages.take()
    pages.feed.show("v", 30, 40, failed=False)
    assert [line[0] for line in pages.take_part("v")["rows"]] == [*range(40, 70)]
    pages.wait()
    pages.feed.show("v", 35, 10, failed=False)
    part = pages.take_part("v")
    assert (part["first"], part["rows"]) == (35, []), "it is answered all the same"
    pages.wait()
    pages.feed.show("v", 0, 10, failed=False)
    assert len(pages.take_part("v")["rows"]) == 10, "what was left is forgotten"


def test_what_changed_while_a_row_was_out_of_sight_is_there_when_it_comes_back(pages: Pages) -> None:
    pages.show("v", 0, 10)
    pages.feed.show("v", 500, 10, failed=False)
    pages.wait()
    pages.feed.change(pages.job.set(3, DONE, "new"))
    pages.wait()
    pages.take()
    pages.feed.show("v", 0, 10, failed=False)
    assert pages.take_part("v")["rows"][3][4] == ["new"]


def test_any_way_of_scrolling_shows_what_the_job_has(pages: Pages) -> None:
    chance = random.Random(5)
    shown: dict[int, list[Any]] = {}
    pages.feed.greet("v")
    first, count, failed = 0, 0, False
    for _ in range(300):
        kind = chance.randrange(4)
        if kind == 0:
            first, count, failed = chance.randrange(990), chance.randrange(1, 60), chance.random() < 0.3
            pages.feed.show("v", first, count, failed=failed)
        elif kind == 1:
            pages.feed.hide("v")
            pages.feed.show("v", first, count, failed=failed)
        state = chance.choice([DONE, RUNNING, FAILED])
        number = chance.randrange(1000) if kind == 3 else min(999, first + chance.randrange(60))
        error = "it broke" if state is FAILED else None
        pages.feed.change(pages.job.set(number, state, f"text {chance.random()}", error=error))
        pages.wait()
        numbers: Any = pages.job.failed[first : first + count] if failed else range(first, min(1000, first + count))
        parts = [frame["views"]["v"] for frame in pages.take() if "v" in frame.get("views", {})]
        for part in parts:
            shown |= {line[0]: line for line in part["rows"]}
        if parts and failed:
            assert parts[-1]["numbers"] == numbers
        shown = {number: line for number, line in shown.items() if number in numbers}
        assert shown == {number: row_line(pages.job.rows[number], ()) for number in numbers}


def test_the_filter_shows_the_rows_that_have_failed(pages: Pages) -> None:
    for number in (5, 700, 800):
        pages.job.set(number, FAILED, error="it broke")
    pages.show("v", 0, 20, failed=True)
    part = pages.take()[-1]["views"]["v"]
    assert (part["count"], part["numbers"]) == (3, [5, 700, 800])
    pages.feed.change(pages.job.set(700, RUNNING))
    part = pages.take_part("v")
    assert (part["count"], part["numbers"], part["rows"]) == (2, [5, 800], [])
    pages.wait()
    pages.feed.change(pages.job.set(6, FAILED, error="it broke, too"))
    part = pages.take_part("v")
    assert (part["numbers"], [line[5] for line in part["rows"]]) == ([5, 6, 800], ["it broke, too"])


def test_only_the_rows_of_a_view_are_read(pages: Pages) -> None:
    pages.show("v", 100, 30)
    pages.feed.change(frozenset(range(1000)))
    pages.wait()
    assert set(pages.job.read) <= {*range(24), *range(100, 130)}


def test_a_hidden_page_costs_nothing(pages: Pages) -> None:
    pages.show("v", 0, 30)
    pages.feed.hide("v")
    pages.take()
    pages.job.read.clear()
    for number in range(200):
        pages.feed.change(pages.job.set(number, DONE, "x"))
        pages.wait()
    assert (pages.take(), pages.job.read) == ([], [])
    pages.feed.show("v", 0, 30, failed=False)
    [frame] = pages.take()
    assert (frame["progress"]["done"], len(frame["views"]["v"]["rows"])) == (200, 30)


def test_each_page_has_its_own_range_and_frames_are_shared(pages: Pages) -> None:
    pages.show("v", 0, 10)
    pages.show("w", 500, 10)
    pages.take()
    pages.feed.change(pages.job.set(3) | pages.job.set(505))
    [frame] = pages.take()
    assert {view: [line[0] for line in part["rows"]] for view, part in frame["views"].items()} == {"v": [3], "w": [505]}
    pages.wait()
    pages.feed.leave("v")
    pages.feed.change(pages.job.set(4, DONE, "x") | pages.job.set(506))
    [frame] = pages.take()
    assert set(frame["views"]) == {"w"}


def test_a_page_that_is_never_heard_is_shown_the_first_rows(pages: Pages) -> None:
    pages.feed.change(pages.job.set(0, DONE, "first"))
    assert len(pages.take_part(ANYBODY)["rows"]) == 24
    pages.wait()
    pages.feed.change(pages.job.set(1, DONE, "second"))
    assert [line[0] for line in pages.take_part(ANYBODY)["rows"]] == [1]
    pages.show("v", 0, 5)
    assert all(ANYBODY not in frame.get("views", {}) for frame in pages.take())


def test_a_page_that_has_missed_something_gets_everything_again(pages: Pages) -> None:
    pages.show("v", 0, 10)
    pages.take()
    pages.feed.greet("v")
    [frame] = pages.take()
    assert (len(frame["views"]["v"]["rows"]), "progress" in frame) == (10, True)


def test_messages_are_numbered_and_the_end_is_told_to_all_and_to_who_comes_later(pages: Pages) -> None:
    pages.show("v", 0, 3)
    pages.feed.hide("v")
    pages.feed.change(pages.job.set(0, DONE, "last"))
    pages.job.state = DONE
    pages.feed.end("Done. 1 row")
    *_, frame, end = messages = pages.take()
    assert frame["views"]["v"]["rows"][0][4] == ["last"], "the last frame is not held back"
    assert end == {"type": "end", "state": "completed", "words": "Done. 1 row", "number": len(messages)}
    assert [message["number"] for message in messages] == [*range(1, len(messages) + 1)]
    pages.feed.greet("w")
    assert pages.take()[-1]["type"] == "end"
    pages.wait()
    pages.take()
    pages.feed.show("w", 990, 5, failed=False)
    assert len(pages.take_part("w")["rows"]) == 5, "what has ended can be read"
    pages.wait()
    pages.feed.begin_again()
    assert pages.take()[0]["type"] == "begin"


def test_a_rate_limit_is_told_once_with_the_seconds_that_are_left(pages: Pages) -> None:
    pages.show("v", 0, 0)
    pages.take()
    pages.job.facts = Progress(rate_limited_until=pages.now + 12)
    waits = []
    for _ in range(4):
        pages.feed.change(frozenset())
        waits += [frame["wait"] for frame in pages.take()]
        pages.now += 5
    assert waits == [12.0, 0]
    pages.feed.greet("v")
    assert "wait" not in pages.take()[0], "it is over"


def test_the_open_row_is_drawn_whole_and_again_as_it_grows(pages: Pages) -> None:
    pages.show("v", 0, 3)
    pages.take()
    pages.job.set(1, RUNNING, "So **far**")
    pages.feed.open("v", 1)
    detail = pages.take_part("v")["detail"]
    assert detail == {
        "number": 1,
        "input": "input 1",
        "error": "",
        "html": "<p>So <strong>far</strong></p>",
        "more": "",
    }
    pages.wait()
    drawn = 0
    for size in range(11, 400):
        pages.feed.change(pages.job.set(1, RUNNING, "x" * size))
        pages.wait()
        drawn += sum("detail" in frame.get("views", {}).get("v", {}) for frame in pages.take())
    assert drawn < 45, "only when it is a tenth longer"
    pages.feed.change(pages.job.set(1, DONE, "y" * 30_000))
    detail = pages.take_part("v")["detail"]
    assert len(detail["html"]) < 20_100
    assert detail["more"] == "… and 10,000 more characters: see .rows[1].text of the job"
    pages.wait()
    pages.feed.open("v", None)
    pages.feed.change(pages.job.set(1, DONE, "z"))
    assert "detail" not in pages.take_part("v")


def test_a_scripted_job_costs_few_messages_and_bytes() -> None:
    """1,000 rows at 50 in flight, each 400 characters in 40 pieces, with 60 rows in a view that follows none."""
    pages = Pages(Job(total=1000))
    pages.show("v", 0, 60)
    pages.take()
    start, steps, sizes = pages.now, 0, []
    for begin in range(0, 1000, 50):
        for step in range(1, 41):
            state = DONE if step == 40 else RUNNING
            changed = [pages.job.set(number, state, "word " * 2 * step) for number in range(begin, begin + 50)]
            pages.feed.change(frozenset().union(*changed))
            pages.wait(0.05)
            steps += 1
        sizes += [len(json.dumps(message, ensure_ascii=False).encode()) for message in pages.take()]
    seconds = pages.now - start
    print(f"{steps} changes in {seconds:.0f} s: {len(sizes)} messages, {sum(sizes):,} bytes, largest {max(sizes):,}")
    assert len(sizes) <= 5 * seconds + 1
    assert max(sizes) < 26_000
    assert sum(sizes) < 400_000, "two thirds of the rows are in sight of nobody"


def test_progress_is_in_words() -> None:
    pages = Pages(Job(total=3))
    pages.job.facts = replace(pages.job.facts, cost=0.0123, tokens_per_second=1234.5, duplicates=2, concurrency=8)
    pages.job.set(0, DONE, source="checkpoint")
    pages.job.set(1, FAILED, error="it broke")
    pages.show("v", 0, 0)
    assert pages.take()[0]["progress"] == {
        "done": 1,
        "failed": 1,
        "total": 3,
        "facts": [
            *("1,234 tokens/s", "$0.012 so far", "1 error", "1 from the checkpoint", "2 equal to another"),
            "8 at once",
        ],
    }
