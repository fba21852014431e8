"""What a saved notebook keeps of a job."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import cmarkgfm
import pytest

from nbstream.many.table.table_summary import growing_bundle, summary_bundle
from nbstream.markdown import render
from nbstream.result import Usage
from tests.display.displays import outside
from tests.many.table.jobs import DONE, FAILED, STOPPED, Job, Progress


def ended(total: int, **facts: object) -> Job:
    job = Job(total=total, state=DONE)
    job.facts = replace(Progress(), **facts)  # type: ignore[arg-type]
    for number in range(total):
        job.set(number, DONE, f"answer {number}")
    return job


def test_a_line_of_facts_and_the_first_rows() -> None:
    job = ended(1204, usage=Usage(12_345, 678, 13_023), cost=0.0123)
    data, metadata = summary_bundle(job)
    head, table, rest = data["text/markdown"].strip().split("\n\n")
    assert head == "**Done.** 1,204 rows · 12,345 tokens in, 678 out · $0.012 · m".replace("$", "\\$")
    assert table.splitlines()[:3] == [
        "| Row | Input | Answer |",
        "| --- | --- | --- |",
        "| 0 | input 0 | answer 0 |",
    ]
    assert len(table.splitlines()) == 22
    assert rest == "… and 1,184 more rows"
    assert data["text/plain"].splitlines()[:2] == [
        "Done. 1,204 rows · 12,345 tokens in, 678 out · $0.012 · m",
        "0  input 0  answer 0",
    ]
    assert metadata["nbstream"] == {
        "state": "completed",
        "rows": 1204,
        "done": 1204,
        "failed": 0,
        "hits": 0,
        "input_tokens": 12_345,
        "output_tokens": 678,
        "cost": 0.0123,
    }


def test_failures_are_listed_shortly_and_how_to_ask_them_again() -> None:
    job = ended(30)
    for number in range(8):
        job.set(number, FAILED, error=f"it broke: {number}")
    markdown = summary_bundle(job)[0]["text/markdown"]
    assert "| Row | State | Input | Answer |" in markdown
    quote = [line for line in markdown.splitlines() if line.startswith("> ")]
    assert quote[0].replace("\\", "") == "> 8 rows failed; .retry_failed() of the job asks them again."
    assert quote[1].replace("\\", "") == "> Row 0: it broke: 0"
    assert (len(quote), quote[-1]) == (7, "> … and 3 more")


def test_a_stopped_job_says_that_what_is_done_is_kept() -> None:
    job = Job(total=9, state=STOPPED)
    job.set(0, DONE, "a")
    assert summary_bundle(job)[0]["text/plain"].startswith("Stopped. 1 row of 9 · m · what is done is kept\n")


def test_the_fields_of_a_schema_are_columns() -> None:
    job = Job(total=1, columns=("mood", "score"), state=DONE)
    job.set(0, DONE, "{}", value={"mood": "good", "score": 0.5})
    assert "| 0 | input 0 | good | 0.5 |" in summary_bundle(job)[0]["text/markdown"]


def test_words_stay_as_they_are() -> None:
    text = "**ROW 2** alert(1) [x](y) \\(z\\) a_b $5 &lt;"
    job = Job(total=1, state=DONE)
    job.set(0, DONE, text)
    html = render(summary_bundle(job)[0]["text/markdown"])
    assert unescape(html).replace("\u2060", "").count(text) == 1
    assert "nbs-math" not in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a | b || c",
        "[x](javascript:alert(1)) ![y](https://canary.example.com/a.png)",
        "`` ` $x$ \\(y\\) ~~~ \n\n# head\n\n---\n| --- |",
        "&lt;img src=x onerror=alert(1)&gt; <img src=x onerror=alert(1)>",
        "\u202e backwards \x1b[31m",
    ],
)
def test_hostile_text_is_inert_and_stays_in_its_cell(text: str) -> None:
    job = Job(total=2, state=DONE, model=text)
    job.set(0, DONE, text)
    job.set(1, FAILED, error=text)
    for markdown in (summary_bundle(job)[0]["text/markdown"], growing_bundle(job)["text/markdown"]):
        html = outside(markdown)
        assert not any(tag in html for tag in ("<script", "<img", "<h1", "<hr", 'href="javascript', "<pre"))
    html = cmarkgfm.github_flavored_markdown_to_html(summary_bundle(job)[0]["text/markdown"])
    assert html.count("<tr>") == 3
    assert html.count("<td>") == 2 * 4


def test_an_empty_job_is_a_line() -> None:
    assert summary_bundle(Job(state=DONE))[0]["text/markdown"].strip() == "**Done.** 0 rows · m"
