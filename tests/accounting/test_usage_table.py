"""What requests took, as a reader sees it: in words, and in HTML with small charts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import html5lib
import pytest

from nbstream.accounting.entry import Entry
from nbstream.accounting.total import total_of
from nbstream.accounting.usage_table import as_html, as_text, groups_as_html, groups_as_text
from nbstream.outcome import Quota

if TYPE_CHECKING:
    from pathlib import Path


def entry(**facts: Any) -> Entry:
    return Entry(**{"time": datetime(2026, 11, 30, 12, tzinfo=UTC), "model": "m", "host": "h", **facts})


KNOWN = entry(input_tokens=1200, output_tokens=300, cached_tokens=200, reasoning_tokens=50, cost=0.02, ttft=0.4, cell=3)
BOUND = entry(state="failed", error="connection_lost", input_at_least=7, output_at_least=4, cost_at_least=0.001)
UNKNOWN = entry(model="other", state="cancelled")
REPLAYED = entry(input_tokens=10, output_tokens=20, cost=0.5, replayed=True)


def test_in_words_what_is_certain_and_what_is_not_are_told_apart() -> None:
    text = as_text([KNOWN, BOUND, UNKNOWN, REPLAYED])
    assert "4 requests, 1 of them played from recordings." in text
    assert "1,200 tokens in (200 from a cache), 300 out (50 for reasoning)." in text
    assert "Besides, at least 7 in and 4 out where no usage was reported." in text
    assert "Of 1 request the tokens are unknown." in text
    assert "Spent $0.020, and at least $0.0010 more." in text
    assert "The cost of 1 request is unknown." in text
    assert "Recordings saved $0.50." in text


def test_what_a_relay_has_left_is_told() -> None:
    quotas = {"hub:8000": Quota(12_300, 0.98, 1_796_083_200.0), "other:1": Quota(price=(1.0, 1.0, 1.0))}
    told = "Left at hub:8000: 12,300 tokens and $0.98, until 01 December (UTC)."
    assert told in as_text([KNOWN], quotas)
    assert told in as_html([KNOWN], quotas)
    assert "other:1" not in as_text([KNOWN], quotas)


def test_a_row_tells_them_apart_too() -> None:
    head, known, other = groups_as_text(
        ("model",), {"m": total_of([KNOWN, BOUND]), "other": total_of([UNKNOWN])}
    ).splitlines()
    assert head.split() == ["Model", "Requests", "Tokens", "in", "Tokens", "out", "Cost"]
    assert re.split(r"\s{2,}", known)[-3:] == ["1,200 + ≥ 7", "300 + ≥ 4", "$0.020 + ≥ $0.0010"]
    assert other.split() == ["other", "1", "unknown", "unknown", "unknown"]


def test_where_prices_are_from_is_told() -> None:
    priced = [
        entry(input_tokens=1, output_tokens=1, cost=1.0, price_source=each) for each in ("your own", "list 1", "list 1")
    ]
    assert "Prices: list 1, your own." in as_text(priced)
    assert "Prices:" not in as_text([KNOWN])


def test_where_no_price_is_known_none_is_told() -> None:
    text = as_text([entry(input_tokens=1, output_tokens=2)])
    assert "The cost is unknown." in text
    assert "$" not in text


def test_the_charts_say_in_words_what_they_show() -> None:
    html = as_html([KNOWN, BOUND, UNKNOWN, REPLAYED])
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    charts = list(tree.iter("{http://www.w3.org/2000/svg}svg")) or list(tree.iter("svg"))
    assert len(charts) == 2
    for chart in charts:
        assert chart.get("role") == "img"
        assert chart.get("aria-label")
    assert "Tokens of the last 3 requests, from 0 to 1,500; the most in request 1 of them" in html
    assert "Known cost over 3 requests, rising from $0 to $0.020" in html


@pytest.mark.parametrize("entries", [[KNOWN], [UNKNOWN, UNKNOWN], [REPLAYED, REPLAYED]])
def test_what_has_no_course_has_no_chart(entries: list[Entry]) -> None:
    assert "<svg" not in as_html(entries)


def test_the_colours_are_the_pages_own() -> None:
    html = as_html([KNOWN, BOUND, UNKNOWN])
    assert "currentColor" in html
    assert "#" not in html
    assert "rgb" not in html


def test_words_of_a_server_are_words() -> None:
    hostile = entry(model="<script>alert(1)</script>\x1b[31m", finish_reason="<b>", input_tokens=1, output_tokens=1)
    html = as_html([hostile, hostile]) + groups_as_html(("model",), {hostile.model: total_of([hostile])})
    assert "<script" not in html
    assert "<b>" not in html
    assert "\x1b" not in html + as_text([hostile])


def test_no_front_end_takes_two_prices_for_a_formula() -> None:
    for html in (as_html([KNOWN]), groups_as_html(("model",), {"m": total_of([KNOWN, BOUND])})):
        assert re.match(r'<div class="nbs-usage tex2jax_ignore mathjax_ignore">', html)


def test_a_long_course_is_one_chart_of_the_latest() -> None:
    html = as_html([entry(input_tokens=5, output_tokens=number) for number in range(1, 500)])
    assert html.count("<rect") == 120
    assert "The latest 20" in html


def test_magic(shell: Any, tmp_path: Path) -> None:
    from nbstream.accounting.ledger_file import LedgerFile

    path = tmp_path / "usage.sqlite"
    LedgerFile(path).add([KNOWN, BOUND, UNKNOWN])
    read = shell.run_cell(f"%stream_usage {path}").result
    assert "3 requests" in repr(read)
    by_model = shell.run_cell(f"%stream_usage {path} --by model --by state").result
    assert list(by_model) == [("m", "completed"), ("m", "failed"), ("other", "cancelled")]
    assert len(shell.run_cell("%stream_usage").result) >= 0
    for line in ("%stream_usage no-such-file", "%stream_usage --by modle"):
        assert type(shell.run_cell(line).error_in_exec).__name__ == "UsageError"
