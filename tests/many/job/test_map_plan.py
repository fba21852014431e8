"""What a map would cost, and the question whether it may begin; what is drawn while it runs."""

import io
import threading

import pytest
import tqdm.std

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.many.job.progress import MapProgress
from nbstream.many.job.progress_bar import facts_of
from nbstream.testing import chat_body

pytestmark = pytest.mark.sdk


@pytest.fixture
def _priced():
    nbs.price("m", input=1.0, output=10.0)
    yield
    nbs.configure(prices=None)


@pytest.mark.usefixtures("_priced")
def test_a_plan_asks_three_rows_and_works_out_the_rest(ask, oracle):
    oracle.answers["row 0"] = chat_body("short", usage=(10, 2))
    rows = [f"row {number % 50}" for number in range(60)] + [None]
    job = ask("{{ value }}", rows)
    plan = job.plan()
    assert oracle.asked == {"row 0": 1, "row 1": 1, "row 2": 1}
    assert job.state == "pending"
    assert [row.text for row in plan.samples] == ["short", "ROW 1", "ROW 2"]
    assert (plan.rows, plan.to_ask, plan.unusable) == (61, 47, 1)
    assert (plan.output_low, plan.output_high) == (47 * 2, 47 * 5)
    assert plan.input_tokens is None
    assert "Chat Completions, which does not count" in plan.counted
    assert plan.cost_low is not None
    assert plan.cost_high is not None
    assert plan.cost_low < plan.cost_high == pytest.approx(47 * (10 * 1.0 + 5 * 10.0) / 1e6)
    assert "Tokens out: 94 to 235" in repr(plan)
    assert job.result()[:2] == ["short", "ROW 1"]
    assert oracle.asked.total() == 50
    with pytest.raises(UsageError, match="has begun already"):
        job.plan()


def test_what_nobody_knows_is_told_as_unknown(ask, oracle):
    oracle.answers["*"] = lambda _: chat_body("no usage")
    plan = ask(iter(["a", "b", "c", "d"])).plan()
    assert (plan.rows, plan.to_ask, plan.cost_low, plan.output_high) == (None, None, None, None)
    assert "how many would be asked is unknown" in repr(plan)
    assert "Cost: unknown." in repr(plan)


@pytest.mark.usefixtures("demo")
def test_a_provider_that_counts_is_asked():
    rows = [f"Count to {number}" for number in (3, 4, 5, 6)]
    plan = nbs.map(rows, model="demo", api="responses", display=False, checkpoint=None).plan(samples=1)
    assert (plan.to_ask, plan.rows) == (3, 4)
    assert plan.input_tokens is not None
    assert plan.input_tokens >= 9
    assert "counted by" in repr(plan)


@pytest.mark.parametrize(("said", "goes_on"), [("y", True), ("", False), ("no", False)])
def test_with_confirm_you_are_asked_first(ask, oracle, monkeypatch, capsys, said, goes_on):
    monkeypatch.setattr("builtins.input", lambda _: said)
    job = ask([f"row {number}" for number in range(5)], confirm=True)
    if goes_on:
        assert len(job.result()) == oracle.asked.total() == 5
    else:
        with pytest.raises(UsageError, match="has not begun, as you said"):
            job.result()
        assert oracle.asked.total() == 3
    assert "2 would be asked" in capsys.readouterr().out


def test_where_nobody_can_be_asked_it_does_not_begin(ask, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UsageError, match="nobody can be asked here"):
        ask(["a"], confirm=True).start()


def test_a_bar_is_drawn_where_it_runs(ask, capfd, monkeypatch):
    closed = threading.Event()

    # Which class `auto` is depends on the shell that there was when it was imported, by whatever test.
    class Bar(tqdm.std.tqdm):  # type: ignore[misc]  # which has no types
        def close(self) -> None:
            super().close()
            closed.set()

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    ask(["a", "b"], display=True, surface="terminal").result()  # whatever shell other tests have left here
    assert closed.wait(30)
    assert "2/2" in capfd.readouterr().err


def test_what_is_said_beside_the_bar():
    told = MapProgress(total=10, done=3, failed=2, hits=1, tokens_per_second=12.4, cost=0.5, rate_limits=2)
    assert list(facts_of(told)) == ["2 failed", "1 kept from before", "12 tokens/s", "$0.50", "rate limited 2 times"]
