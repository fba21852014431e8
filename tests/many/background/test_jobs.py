"""`nbs.jobs`: streams by name, ended and waited for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nbstream.errors import UsageError
from nbstream.many.background.jobs import Jobs


def job(name: str, *, running: bool = True) -> Any:
    made = SimpleNamespace(name=name, running=running, stopped=0, waited=[])
    made.stop = lambda: setattr(made, "stopped", made.stopped + 1)
    made.wait = made.waited.append
    return made


def test_a_name_means_the_stream_that_began_last() -> None:
    listed = [job("answer", running=False), job("2"), job("answer")]
    jobs = Jobs(lambda: listed)
    assert jobs["answer"] is listed[2]
    assert [jobs[0], *jobs[1:]] == listed
    assert (len(jobs), jobs.running) == (3, listed[1:])


def test_those_that_are_named_are_stopped_and_waited_for_else_all() -> None:
    listed = [job("one"), job("two")]
    jobs = Jobs(lambda: listed)
    jobs.stop("two")
    jobs.stop()
    assert [each.stopped for each in listed] == [1, 2]
    jobs.wait("one", timeout=5.0)
    jobs.wait()
    assert 4.0 < listed[0].waited[0] <= 5.0
    assert listed[0].waited[1:] == [None]
    assert listed[1].waited == [None]


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="there is no background stream called x; there is none at all"):
        Jobs(list).stop("x")
    listed = [job("answer"), job("2")]
    with pytest.raises(UsageError, match="called anwser; did you mean answer"):
        Jobs(lambda: listed).stop("2", "anwser")
    with pytest.raises(UsageError, match="called z; there is answer, 2"):
        Jobs(lambda: listed).wait("z")
    assert [each.stopped for each in listed] == [0, 0]
