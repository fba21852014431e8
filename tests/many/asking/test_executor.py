"""Rows that are asked by other processes."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from nbstream.errors import MapError, UsageError
from nbstream.testing import Answer, chat_body

pytestmark = pytest.mark.sdk


@pytest.fixture
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def test_processes_answer_with_the_key_of_their_environment(ask, oracle, processes, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", oracle.server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment-0123456789")
    job = ask([f"row {number % 10}" for number in range(20)], executor=processes, base_url=None)
    assert job.result() == [f"ROW {number % 10}" for number in range(20)]
    assert (oracle.asked.total(), job.progress.duplicates) == (10, 10)
    assert {each.headers["authorization"] for each in oracle.server.requests} == {
        "Bearer sk-of-the-environment-0123456789"
    }
    assert len({each.connection for each in oracle.server.requests}) <= 4  # one pooled client a process


def test_a_stop_reaches_rows_that_run_elsewhere(ask, oracle):
    oracle.answers["*"] = lambda _: Answer(chat_body("begun", finish_reason=None, done=False), then="hold")
    with ThreadPoolExecutor(2) as executor:
        job = ask(["a", "b", "c"], executor=executor).start()
        oracle.server.wait(requests=2)
        job.stop()
        job.wait()
    assert job.state == "cancelled"
    oracle.server.wait(left=2)


def test_a_broken_executor_stops_the_map_and_keeps_what_is_done(ask, oracle):
    executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    job = ask(["a", "die", "b"], executor=executor, concurrency=1)

    def kill(_):
        for pid in list(executor._processes):  # noqa: SLF001  what a machine does that runs out of memory
            os.kill(pid, signal.SIGKILL)

    oracle.answers["die"] = kill
    with pytest.raises(MapError, match="the executor takes no more work"):
        job.result()
    assert job.rows[0].value == "A"
    executor.shutdown()
    with pytest.raises(UsageError, match="the executor takes no work"):
        ask(["x"], executor=executor)
    assert ask(["a", "b"]).result() == ["A", "B"]
    assert oracle.asked["a"] == 1


class Everywhere(ThreadPoolExecutor):
    """Makes each call on every worker, as a direct view of ipyparallel does."""

    def submit(self, call, /, *given, **_):
        return super().submit(lambda: [call(*given) for _ in range(2)])


def test_an_executor_that_makes_each_call_everywhere_is_refused_before_anything_is_paid(ask, oracle):
    with Everywhere(2) as executor, pytest.raises(MapError, match="every worker make each call"):
        ask(["a", "b"], executor=executor).result()
    assert not oracle.asked


class Confused(ThreadPoolExecutor):
    """Gives something else than what a row comes to."""

    def submit(self, call, /, *given, **_):
        return super().submit(lambda: call() if not given else None)


def test_a_row_of_which_nothing_comes_has_failed(ask, caplog):
    with Confused(1) as executor:
        job = ask(["a", "b"], executor=executor)
        job.wait()
    assert [(row.state, row.error.partition(":")[0]) for row in job.rows] == [("failed", "nbstream itself failed")] * 2
    assert "nbstream could not ask a row" in caplog.text


def shout(text: str) -> str:
    """Shout."""
    return text.upper()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stop_when": str.isupper}, "stop_when is a text"),
        ({"tools": [shout]}, "takes no tools"),
        ({"api_key": "sk-given-by-hand-0123456789"}, "in no environment variable"),
        ({"executor": 3}, "the executor must be a"),
    ],
)
def test_what_cannot_go_elsewhere_is_refused_at_once(ask, options, words):
    with ThreadPoolExecutor(1) as executor, pytest.raises(UsageError, match=words):
        ask(["a"], **{"executor": executor, **options})
