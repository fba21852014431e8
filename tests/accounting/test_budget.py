"""Budgets: refused before anything is sent when they are spent, ended in flight when a lower bound passes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.accounting.book import Book
from nbstream.accounting.budget import Budget
from nbstream.accounting.budgeted import Budgeted
from nbstream.accounting.price import Price
from nbstream.display.marks import mark_of
from nbstream.display.surface import NullSurface
from nbstream.errors import BudgetError, ConnectionLostError, RateLimitError, TimeBudgetError, UsageError
from nbstream.events import EndOfStream, Event, Finished, ReasoningDelta, TextDelta, UsageReported
from nbstream.outcome import Usage
from nbstream.streaming.engine import engine
from nbstream.streaming.rounds import Rounds
from nbstream.testing import LoopClock, ScriptedAttempts, ScriptedStream, chat_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbstream.result import StreamResult
    from nbstream.testing import FaultServer

DOLLAR_A_TOKEN = {"input": 0, "output": 1_000_000}
END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


pytestmark = pytest.mark.usefixtures("new_engine")


def ask(source: Any, **options: Any) -> Any:
    return nbs.start("How are you?", source=source, model="m", api="chat", display=False, **options)


def spoken(*words: str) -> list[list[Event]]:
    return [[TextDelta(f"{word} ")] for word in words]


# --- money ------------------------------------------------------------------------------------------------------------


def test_an_answer_is_ended_when_it_is_sure_to_cost_more() -> None:
    nbs.price("m", **DOLLAR_A_TOKEN)
    source = ScriptedStream(*spoken("one", "two", "three", "four", "five"), END)
    with pytest.raises(BudgetError) as caught:
        ask(source, budget=2.5).result(10)
    result = caught.value.result
    assert result.text == "one two three "
    assert (result.state, caught.value.kind) == ("failed", "budget")
    assert "costs at least $3.00, more than its budget of $2.50; it was ended" in str(caught.value)
    assert "budget=…" in str(caught.value)
    mark = mark_of(result)
    assert mark is not None
    assert mark.word == "Over budget"
    assert "--budget DOLLARS" in mark.sentence
    assert "%stream_continue" in mark.sentence
    (entry,) = nbs.ledger
    assert (entry.error, entry.output_at_least, entry.cost_at_least) == ("budget", 3, 3.0)


def test_what_stays_within_it_is_whole() -> None:
    nbs.price("m", **DOLLAR_A_TOKEN)
    result = ask(ScriptedStream(*spoken("one", "two"), END), budget=2).result(10)
    assert (result.state, result.text) == ("completed", "one two ")


def test_an_answer_that_is_there_is_not_taken_back_when_its_usage_is_dearer() -> None:
    nbs.price("m", **DOLLAR_A_TOKEN)
    usage = UsageReported(Usage(9, 50, 59))
    source = ScriptedStream(*spoken("one"), [Finished("stop")], [usage], [EndOfStream(marked=True)])
    result = ask(source, budget=2).result(10)
    assert (result.state, result.cost) == ("completed", 50)


@pytest.mark.parametrize(
    ("piece", "most"),
    [(UsageReported(Usage(1, 7, 8)), 7.0), (ReasoningDelta("a b c d e f g "), 7.0)],
    ids=["usage on the way", "thoughts"],
)
def test_reports_on_the_way_and_thoughts_count(piece: Event, most: float) -> None:
    nbs.price("m", **DOLLAR_A_TOKEN)
    with pytest.raises(BudgetError, match=r"at least \$[78]"):
        ask(ScriptedStream([TextDelta("one ")], [piece], *spoken("x"), END), budget=most - 1).result(10)


def test_a_prompt_that_is_sure_to_cost_more_is_not_sent(loopback: FaultServer) -> None:
    nbs.price("m", input=1_000_000, output=0)
    with pytest.raises(BudgetError, match="nothing was sent"):
        nbs.stream("one two three", model="m", base_url=loopback.base_url, budget=2, display=False)
    assert loopback.requests == []
    (entry,) = nbs.ledger
    assert (entry.error, entry.cost, entry.tokens) == ("budget", 0.0, "known")


def test_without_a_price_nothing_is_sent(loopback: FaultServer) -> None:
    with pytest.raises(BudgetError) as caught:
        nbs.stream("Hi", model="m", base_url=loopback.base_url, budget=2, display=False)
    assert "no price is known for m at 127.0.0.1" in str(caught.value)
    assert 'nbs.price("m", input=…, output=…)' in str(caught.value)
    assert loopback.requests == []


@pytest.mark.usefixtures("demo")
def test_all_the_requests_of_an_answer_share_it() -> None:
    nbs.price("demo", **DOLLAR_A_TOKEN)

    @nbs.tool(safe=True)
    def population(city: str) -> int:
        """How many live in a city."""
        return len(city) * 100_000

    asked: dict[str, Any] = {"prompt": 'Call population(city="Oslo")', "tools": [population], "model": "demo"}
    free = nbs.stream(**asked, display=False)
    first = free.rounds[0].usage
    assert first is not None
    with pytest.raises(BudgetError) as caught:
        nbs.stream(**asked, display=False, budget=float(first.output_tokens))
    assert [each.state for each in caught.value.result.rounds] == ["completed", "failed"]
    assert "nothing was sent" in str(caught.value)


def test_an_attempt_that_was_refused_has_cost_nothing() -> None:
    nbs.price("m", input=1_000_000, output=0)
    refused = ScriptedStream(refusal=RateLimitError("Not now.", retryable=True, retry_after=0.001))
    attempts = ScriptedAttempts(refused, ScriptedStream.answering("Hello"))
    assert ask(attempts, budget=4).result(10).text == "Hello"  # the prompt has three words


def test_a_kernel_has_one_too(loopback: FaultServer) -> None:
    nbs.price("m", **DOLLAR_A_TOKEN)
    nbs.configure(budget=5)
    loopback.send(chat_body("Hello", usage=(3, 6)))
    quiet: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "display": False}
    assert nbs.stream("Hi", **quiet).cost == 6
    with pytest.raises(BudgetError) as caught:
        nbs.stream("Hi", **quiet)
    assert "The budget of this kernel, $5.00, is spent; nothing was sent." in str(caught.value)
    assert "nbs.configure(budget=…)" in str(caught.value)
    assert len(loopback.requests) == 1
    nbs.configure(budget=None)
    loopback.send(chat_body("Hello"))
    assert nbs.stream("Hi", **quiet).text == "Hello"


def test_what_is_in_flight_counts_in_the_kernels(make_request: Callable[..., Any], run_virtually: Any) -> None:
    book, budget = Book(), Budget(kernel=3.0)
    book.in_flight[0] = 2.0

    async def main() -> StreamResult:
        request = make_request(prices={"m": Price(0, 1_000_000)})
        return await Rounds(request, NullSurface(), Budgeted(ScriptedStream(*spoken(*"abc"), END), budget, book)).run()

    result = run_virtually(main())
    assert (result.state, result.text) == ("failed", "a b ")
    assert book.in_flight == {0: 2.0}


@pytest.mark.usefixtures("demo")
def test_what_is_replayed_is_not_spent(tmp_path: Path) -> None:
    nbs.price("demo", **DOLLAR_A_TOKEN)
    with nbs.recordings(tmp_path):
        cost = nbs.stream("hello", model="demo", display=False).cost
        assert cost is not None
        nbs.configure(budget=cost)
        again = nbs.stream("hello", model="demo", display=False, budget=0.01)
        assert again.recorded_at is not None
        with pytest.raises(BudgetError):
            nbs.stream("hello again", model="demo", display=False)


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, "1", True])
@pytest.mark.parametrize("name", ["budget", "max_seconds"])
def test_an_impossible_one_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"the {name} must be a number"):
        ask(ScriptedStream.answering("Hello"), **{name: wrong})
    if name == "budget" and wrong is not True:
        with pytest.raises(UsageError):
            nbs.configure(budget=wrong)


def test_a_continuation_has_its_own() -> None:
    nbs.price("m", **DOLLAR_A_TOKEN)
    attempts = ScriptedAttempts(
        ScriptedStream(*spoken("one", "two", "three"), END), ScriptedStream(*spoken("three", "four"), END)
    )
    with pytest.raises(BudgetError) as caught:
        ask(attempts, budget=1.5).result(10)
    with pytest.raises(BudgetError, match=r"at least \$2"):
        caught.value.result.resume(display=False)
    assert engine().book.spent == 4


# --- time -------------------------------------------------------------------------------------------------------------


def timed(make_request: Callable[..., Any], run_virtually: Any, source: Any, seconds: float) -> StreamResult:
    async def main() -> StreamResult:
        return await Rounds(
            make_request(), NullSurface(), Budgeted(source, Budget(seconds=seconds), Book()), clock=LoopClock()
        ).run()

    result: StreamResult = run_virtually(main())
    return result


def test_an_answer_is_ended_when_its_time_is_over(make_request: Callable[..., Any], run_virtually: Any) -> None:
    source = ScriptedStream(*spoken("one"), 2.0, *spoken("two"), 2.0, *spoken("three"), END)
    result = timed(make_request, run_virtually, source, 3)
    assert (result.state, result.text) == ("failed", "one two ")
    assert isinstance(result.error, TimeBudgetError)
    assert "longer than the 3 s" in str(result.error)
    mark = mark_of(result)
    assert mark is not None
    assert mark.word == "Out of time"
    assert result.timing.total == pytest.approx(3)


def test_pauses_before_a_request_is_sent_again_count(make_request: Callable[..., Any], run_virtually: Any) -> None:
    lost = ScriptedStream(ConnectionLostError("It broke.", retryable=True, retry_after=2.0))
    result = timed(make_request, run_virtually, ScriptedAttempts(lost, ScriptedStream(2.0, END)), 3)
    assert isinstance(result.error, TimeBudgetError)
    assert result.timing.total == pytest.approx(3)


def test_what_is_quick_enough_is_whole(make_request: Callable[..., Any], run_virtually: Any) -> None:
    result = timed(make_request, run_virtually, ScriptedStream(2.0, *spoken("one"), END), 3)
    assert (result.state, result.text) == ("completed", "one ")


def test_options_of_the_magic(shell: Any, demo: Any) -> None:
    del demo
    nbs.price("demo", **DOLLAR_A_TOKEN)
    asked = shell.run_cell("%%stream -m demo --budget 3 --max-seconds 100\nTell a long story")
    assert type(asked.error_in_exec).__name__ == "BudgetError"
    assert "stream_text" not in shell.user_ns
    assert shell.user_ns["stream_result"].text
