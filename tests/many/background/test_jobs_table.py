"""The table of the streams in the background, by value."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from nbstream.many.background.jobs_table import as_html, as_text, rows_of
from nbstream.result import StreamState
from nbstream.streaming.running import Job, JobFacts


def job(state: str = "streaming", **values: Any) -> Job:
    facts = JobFacts(StreamState(state), **{name: values.pop(name) for name in list(values) if name in FACTS})
    usual = {"number": 1, "name": "answer", "what": "Write", "model": "m", "state": facts.state, "facts": facts}
    made = {**usual, "seconds": 3.2, "running": not facts.state.terminal, **values}
    return cast("Job", SimpleNamespace(**made))


FACTS = {"tokens", "characters", "end_of_text", "asks", "error"}


@pytest.mark.parametrize(
    ("asked", "cells"),
    [
        (job("pending"), ("waiting", "3 s", "", "")),
        (job(characters=1234, end_of_text="a\n b"), ("streaming", "3 s", "1,234 chars", "a b")),
        (job(end_of_text="x" * 80, seconds=75.9), ("streaming", "1 min 15 s", "", f"…{'x' * 40}")),
        (job(end_of_text="word " * 20 + "end."), ("streaming", "3 s", "", f"…{'word ' * 7}end.")),
        (job(asks=True), ("asks you", "3 s", "", "")),
        (job("completed", tokens=1500, characters=9), ("completed", "3 s", "1,500", "")),
        (job("cancelled", characters=9, end_of_text="Half"), ("stopped", "3 s", "9 chars", "Half")),
        (job("failed", error="It hung.", end_of_text="Half"), ("failed", "3 s", "", "It hung.")),
    ],
)
def test_each_state_has_its_row(asked: Job, cells: tuple[str, ...]) -> None:
    (row,) = rows_of([asked])
    assert row.cells == ("answer", "Write", "m", *cells)


def test_in_words_columns_stand_below_each_other() -> None:
    rows = rows_of([job(), job("completed", name="2", tokens=7, end_of_text="The end.")])
    assert as_text(rows).splitlines() == [
        "Name    Asked  Model  State      Time  Tokens  Text",
        "answer  Write  m      streaming   3 s",
        "2       Write  m      completed   3 s       7  The end.",
    ]
    assert as_text([]) == "<no stream has run in the background>"


def test_nothing_in_it_acts() -> None:
    hostile = "<script>alert(1)</script>\x1b[31m"
    rows = rows_of([job(what=hostile, model=hostile, name="a", end_of_text=hostile)])
    html = as_html(rows)
    assert "<script" not in html
    assert "\x1b" not in html + as_text(rows)
    assert "mathjax_ignore" in html
    assert as_html([]) == "<p>No stream has run in the background.</p>"
