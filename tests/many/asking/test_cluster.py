"""A map on a cluster of real worker processes, one of which is killed while it runs."""

import os
import signal
import warnings

import pytest

pytestmark = pytest.mark.sdk

ROWS = 60


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=4, processes=True, dashboard_address=None, silence_logs=50
        ) as made,
        distributed.Client(made) as client,
    ):
        warnings.simplefilter("ignore")
        yield client


@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_is_killed_costs_no_more_than_the_rows_that_it_had(ask, oracle, cluster):
    victim, *_ = cluster.run(os.getpid).values()
    killed = []

    def kill(times):
        if times == 1:
            killed.append(dict(oracle.asked))
            os.kill(victim, signal.SIGKILL)

    oracle.answers["row 20"] = kill
    rows = [f"row {number}" for number in range(ROWS)]
    job = ask(rows, executor=cluster.get_executor(), concurrency=8)
    assert job.result() == [row.upper() for row in rows]  # every row exactly once, in its place
    assert (job.progress.done, job.progress.failed) == (ROWS, 0)
    assert killed
    twice = {row: times for row, times in oracle.asked.items() if times > 1}
    assert set(twice.values()) <= {2}
    assert len(twice) <= 4  # as many rows as the dead worker has threads
