"""A map as a user has it: lazy, in row order, with what failed kept and what is done never asked again."""

import asyncio
import threading

import pytest

import nbstream as nbs
from nbstream.errors import MapError, UsageError
from nbstream.testing import Answer, chat_body
from tests.many.conftest import refusal

pytestmark = pytest.mark.sdk


def test_nothing_is_sent_before_somebody_wants_a_value(ask, oracle):
    job = ask("Mood of {{ review }}", [{"review": "a"}, {"review": "b"}])
    assert (job.state, repr(job), len(job)) == ("pending", "<MapJob pending, 0 of 2 rows done>", 2)
    assert not oracle.asked
    assert list(job) == ["MOOD OF A", "MOOD OF B"]
    assert (job.state, job[-1], job[0:1], job.result()) == ("completed", "MOOD OF B", ["MOOD OF A"], list(job))
    assert oracle.asked == {"Mood of a": 1, "Mood of b": 1}
    assert job.progress.usage == nbs.Usage(20, 10, 30)


def test_equal_rows_are_asked_once(ask, oracle):
    job = ask(["a", "b", "a", "a"])
    assert job.result() == ["A", "B", "A", "A"]
    assert oracle.asked == {"a": 1, "b": 1}
    assert (job.progress.done, job.progress.duplicates, job.progress.hits) == (4, 2, 0)
    assert [row.source for row in job.rows] == ["asked", "asked", "duplicate", "duplicate"]


def test_what_is_done_is_not_asked_again_and_what_changed_is(ask, oracle):
    ask("Say {{ value }}", ["a", "b"]).result()
    again = ask("Say {{ value }}", ["b", "c"])
    assert again.result() == ["SAY B", "SAY C"]
    assert (again.progress.hits, again.rows[0].source) == (1, "checkpoint")
    assert again.progress.usage == nbs.Usage(10, 5, 15)  # what a row costs once is not counted twice
    assert oracle.asked.total() == 3
    ask("Say {{ value }}", ["a"], temperature=0.5).result()
    ask("Say {{ value }}", ["a"], model="other").result()
    assert oracle.asked["Say a"] == 3


def test_without_a_checkpoint_answers_are_kept_until_the_kernel_ends(ask, oracle):
    assert ask(["q"], checkpoint=None).result() == ask(["q"], checkpoint=None).result() == ["Q"]
    assert oracle.asked["q"] == 1


def test_failed_rows_are_kept_and_can_be_asked_again(ask, oracle):
    oracle.answers["b"] = refusal(400, "bad row")
    job = ask(["a", "b", "c"], max_retries=0)
    assert job.result() == ["A", None, "C"]
    assert (job.state, job.progress.failed) == ("completed", 1)
    assert (job.rows[1].state, "bad row" in job.rows[1].error) == ("failed", True)
    del oracle.answers["b"]
    assert job.retry_failed().result() == ["A", "B", "C"]
    assert oracle.asked == {"a": 1, "b": 2, "c": 1}
    assert job.progress.failed == 0


def test_a_model_that_fails_at_once_stops_the_map_in_one_line(ask, oracle):
    oracle.answers["*"] = refusal(404, "no such model")
    job = ask([f"row {number}" for number in range(300)], concurrency=5, max_retries=0)
    with pytest.raises(MapError) as caught:
        job.result()
    assert "the first 5 rows failed alike" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert job.state == "failed"
    assert oracle.asked.total() < 30


@pytest.mark.parametrize("on_error", ["stop", "raise"])
def test_a_failure_may_stop_it(ask, oracle, on_error):
    oracle.answers["b"] = refusal(400)
    job = ask(["a", "b", "c", "d"], concurrency=1, on_error=on_error)
    if on_error == "raise":
        with pytest.raises(MapError, match="row 1 failed"):
            job.result()
    else:
        assert job.result() == ["A", None, None, None]
    assert oracle.asked.total() == 2


def test_a_rate_limit_is_waited_for_once(ask, oracle):
    oracle.answers["*"] = lambda times: refusal(429, retry_after="1") if times == 1 else None
    job = ask([f"row {number}" for number in range(10)], max_retries=0)
    assert job.result() == [f"ROW {number}" for number in range(10)]
    assert (job.progress.rate_limits, job.progress.failed) == (1, 0)
    assert {row.attempts for row in job.rows} == {2}
    assert job.progress.elapsed < 5


def test_stop_keeps_what_is_done_and_start_goes_on(ask, oracle):
    half = Answer(chat_body("never", finish_reason=None, done=False), then="hold")  # so that "d" is not asked yet
    asked = threading.Event()

    def answer(times):
        asked.set()
        return None if times > 1 else half

    oracle.answers["c"] = answer
    job = ask(["a", "b", "c", "d"], concurrency=1, max_retries=0)
    values = iter(job)
    assert [next(values), next(values)] == ["A", "B"]
    assert asked.wait(60)
    job.stop()
    job.wait()
    assert job.state == "cancelled"
    assert job.start().wait().result() == ["A", "B", "C", "D"]
    assert (oracle.asked["a"], oracle.asked["b"], oracle.asked["d"]) == (1, 1, 1)


def test_a_generator_is_read_as_rows_are_asked(ask):
    read = []

    def rows():
        for number in range(1000):
            read.append(number)
            yield {"n": number}

    job = ask("{{ n }}", rows(), concurrency=2)
    assert (len(read), job.progress.total) == (1, None)
    with pytest.raises(TypeError, match="nobody knows how many rows"):
        len(job)
    values = iter(job)
    assert [next(values) for _ in range(3)] == ["0", "1", "2"]
    assert len(read) < 200
    job.stop()
    job.wait()


def test_rows_that_cannot_be_read_further_stop_it_and_keep_what_is_done(ask):
    def rows():
        yield "a"
        raise ValueError("the file has ended")

    job = ask(rows())
    with pytest.raises(MapError, match=r"could not be read after row 1: ValueError: the file has ended"):
        job.result()
    assert job.rows[0].value == "A"


def test_it_can_be_awaited(ask):
    async def main():
        return await ask(["a", "b"])

    assert asyncio.run(main()) == ["A", "B"]


def test_a_schema_makes_objects(ask, oracle):
    oracle.answers["a"] = chat_body('{"value": 7}')
    oracle.answers["b"] = chat_body("seven")
    job = ask(["a", "b"], schema=int)
    assert job.result() == [7, None]
    assert "does not fit" in job.rows[1].error
    assert ask(["a"], schema=int).result() == [7]
    assert oracle.asked["a"] == 1


def test_watchers_are_told_and_hurt_nothing(ask):
    told = []

    class Watcher:
        def began(self, job):
            told.append(("began", job))
            raise RuntimeError("of a watcher")

        def changed(self, numbers):
            told.append(("changed", numbers))

        def ended(self, job):
            told.append(("ended", job))

    job = ask(["a", "b"])
    job.watch(Watcher())
    job.result()
    for _ in range(100):
        if told and told[-1][0] == "ended":
            break
        asyncio.run(asyncio.sleep(0.02))
    assert told[0] == ("began", job)
    assert told[-1] == ("ended", job)
    assert frozenset().union(*(numbers for what, numbers in told if what == "changed")) == {0, 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Mood of {{ revew }}", [{"review": "a"}]), "did you mean review?"),
        (("Mood of {{ review }}", [{"text": "a"}]), "there is no review"),
        (("Mood of the review", [{"review": "a"}]), "the template names no column"),
        (("Mood of {{ review", [{"review": "a"}]), "no Python expression in double braces"),
        (("Mood of {{ review }}", []), "there are no rows: the list is empty"),
        (("Mood of {{ review }}", iter([])), "there are no rows"),
        (("Mood of {{ review }}",), "a template needs rows"),
        (("Mood of {{ review }}", "one text"), "not a text"),
        (([{"role": "user", "content": "Hi"}],), "rows are prompts"),
    ],
)
def test_a_wrong_call_is_an_error_at_once(arguments, words):
    with pytest.raises(UsageError) as caught:
        nbs.map(*arguments, model="demo")
    assert words in str(caught.value)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_an_empty_cell_fails_its_row_without_asking(ask, oracle, missing):
    job = ask("Mood of {{ review }}", [{"review": "a"}, {"review": missing}])
    assert job.result() == ["MOOD OF A", None]
    assert "{{ review }} is missing in this row" in job.rows[1].error
    assert oracle.asked.total() == 1
