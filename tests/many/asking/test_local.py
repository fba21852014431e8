"""What the rows of a map have in common with any other answer: budgets, moderation, recordings."""

import pytest

import nbstream as nbs
from nbstream.errors import MapError

pytestmark = pytest.mark.sdk


def test_a_budget_that_is_reached_ends_the_map_and_keeps_what_is_paid(ask, oracle):
    nbs.price("m", input=100_000, output=100_000)  # a row takes 10 tokens in and 5 out: $1.50
    job = ask([*"abcdef"], concurrency=1, budget=4.55)
    with pytest.raises(
        MapError, match=r"with 3 rows done, which are kept: With this row the map .* of \$4\.55; nothing"
    ):
        job.result()
    assert (str(job.state), job.progress.done, job.progress.cost) == ("failed", 3, pytest.approx(4.5))
    assert [row.value for row in job.rows][:3] == ["A", "B", "C"]
    more = ask([*"abcdef"], concurrency=1, budget=4.55)  # what is paid is not paid again
    assert more.result() == [*"ABCDEF"]
    assert more.progress.cost == pytest.approx(4.5)
    assert oracle.asked == dict.fromkeys("abcdef", 1)


def test_a_row_that_is_flagged_fails_alone_and_is_not_paid_again(ask, oracle):
    oracle.answers["b"] = lambda _: "violence"
    moderate = {"moderate": lambda text: ["violence"] if "violence" in text else []}
    job = ask([*"abc"], **moderate).wait()
    assert [row.value for row in job.rows] == ["A", None, "C"]
    flagged = job.rows[1]
    assert (str(flagged.state), flagged.error) == ("failed", "the answer was filtered")
    assert "violence" not in flagged.text
    assert oracle.asked == dict.fromkeys("abc", 1)


def test_a_recorded_map_is_replayed_without_its_server(ask, oracle, tmp_path):
    folder = tmp_path / "recordings"
    with nbs.recordings(folder):
        recorded = ask([*"abc"]).result()
    sent = len(oracle.server.requests)
    offline = {"base_url": "http://127.0.0.1:9/v1", "checkpoint": tmp_path / "other.sqlite", "max_retries": 0}
    with nbs.recordings(folder, "replay"):
        job = ask([*"abcd"], **offline).wait()
    assert [row.value for row in job.rows] == [*recorded, None]
    assert "There is no recording of this request" in job.rows[3].error
    assert len(oracle.server.requests) == sent == 3
