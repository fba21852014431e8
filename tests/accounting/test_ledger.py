"""The ledger of a kernel: each request is entered once, with what is known of it, and nothing of what was said."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.accounting.book import Book
from nbstream.accounting.budget import Budget
from nbstream.accounting.budgeted import Budgeted
from nbstream.accounting.entry import Entry
from nbstream.accounting.price import Price
from nbstream.display.surface import NullSurface
from nbstream.errors import ConnectionLostError, UsageError
from nbstream.events import EndOfStream, Event, Finished, Started, TextDelta, UsageReported
from nbstream.outcome import Usage
from nbstream.streaming.engine import engine
from nbstream.streaming.notices import Notices
from nbstream.streaming.observers import Observers
from nbstream.streaming.rounds import Rounds
from nbstream.testing import ScriptedAttempts, ScriptedStream, chat_body, chat_chunk, error_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from nbstream.testing import FaultServer

END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]
QUIET: dict[str, Any] = {"model": "demo", "display": False}


pytestmark = pytest.mark.usefixtures("new_engine")


def ask(source: Any, **options: Any) -> Any:
    return nbs.start("How are you?", source=source, model="m", api="chat", display=False, **options)


def only_entry() -> Entry:
    (entry,) = nbs.ledger
    return entry


@pytest.mark.usefixtures("demo")
def test_a_request_is_entered_once_with_what_is_known_of_it() -> None:
    result = nbs.stream("Zebras and giraffes?", **QUIET)
    entry = only_entry()
    assert result.usage is not None
    assert (entry.model, entry.state, entry.finish_reason, entry.error) == ("demo", "completed", "stop", None)
    assert (entry.input_tokens, entry.output_tokens) == (result.usage.input_tokens, result.usage.output_tokens)
    assert (entry.input_at_least, entry.output_at_least, entry.tokens) == (None, None, "known")
    assert (entry.ttft, entry.seconds) == (result.timing.ttft, result.timing.total)
    assert entry.host == "nbstream-demo"
    assert (entry.round, entry.attempts, entry.replayed, entry.cost) == (1, 1, False, None)
    assert entry.time.tzinfo is not None


@pytest.mark.usefixtures("demo")
def test_neither_prompt_nor_answer_is_in_it() -> None:
    result = nbs.stream("Zebras and giraffes?", system="You are a pirate.", **QUIET)
    written = repr([asdict(entry) for entry in nbs.ledger]) + repr(nbs.ledger) + nbs.ledger._repr_html_()
    for word in ("Zebra", "giraffe", "pirate", result.text[:20]):
        assert word not in written


def test_what_a_server_reports_apart_stays_apart(loopback: FaultServer) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    loopback.send(chat_body("Hello", done=False) + chat_chunk(choices=[], usage=usage) + b"data: [DONE]\n\n")
    nbs.price("m", input=10, output=100, cached=1, cache_write=20)
    result = nbs.stream("Hi", model="m", base_url=loopback.base_url, display=False)
    entry = only_entry()
    assert result.usage == Usage(100, 20, 120, 60, 5, 30)
    assert (entry.cached_tokens, entry.cache_write_tokens, entry.reasoning_tokens) == (60, 30, 5)
    assert result.cost == entry.cost == pytest.approx((10 * 10 + 60 * 1 + 30 * 20 + 20 * 100) / 1e6)
    assert entry.price_source == "your own"


def test_attempts_are_one_entry() -> None:
    lost = ScriptedStream(ConnectionLostError("It broke.", retryable=True, retry_after=0.001))
    ask(ScriptedAttempts(lost, ScriptedStream.answering("Hello"))).result(10)
    assert only_entry().attempts == 2


@pytest.mark.usefixtures("demo")
def test_each_round_of_an_answer_with_tools_is_an_entry() -> None:
    @nbs.tool(safe=True)
    def population(city: str) -> int:
        """How many live in a city."""
        return len(city) * 100_000

    result = nbs.stream('Call population(city="Oslo")', tools=[population], **QUIET)
    assert len(result.rounds) == 2
    first, second = nbs.ledger
    assert (first.answer, first.round, second.round) == (second.answer, 1, 2)
    assert [first.output_tokens, second.output_tokens] == [
        each.usage.output_tokens for each in result.rounds if each.usage
    ]


def test_a_continuation_is_an_entry_of_its_own(loopback: FaultServer) -> None:
    loopback.send(chat_body("One two", finish_reason=None, done=False), then="close")
    loopback.send(chat_body(" three."))
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Count", model="m", base_url=loopback.base_url, display=False, max_retries=0)
    caught.value.result.resume(display=False)
    broken, continued = nbs.ledger
    assert (broken.state, broken.error, broken.output_at_least) == ("failed", "connection_lost", 2)
    assert (continued.state, continued.round) == ("completed", 2)
    assert continued.answer != broken.answer


@pytest.mark.usefixtures("demo")
def test_a_chat_is_entered_too() -> None:
    chat = nbs.Chat(model="demo")
    chat.stream("hello", display=False)
    chat.stream("hello", display=False)
    assert [entry.model for entry in nbs.ledger] == ["demo", "demo"]


@pytest.mark.usefixtures("demo")
def test_what_is_replayed_was_saved_not_spent(tmp_path: Path) -> None:
    nbs.price("demo", input=1000, output=1000)
    with nbs.recordings(tmp_path):
        spent = nbs.stream("hello", **QUIET)
        again = nbs.stream("hello", **QUIET)
    assert again.recorded_at is not None
    assert [entry.replayed for entry in nbs.ledger] == [False, True]
    total = nbs.ledger.total
    assert (total.requests, total.replayed) == (2, 1)
    assert total.cost == total.saved == spent.cost
    assert total.output_tokens == (spent.usage.output_tokens if spent.usage else None)


# --- known, lower bound, unknown --------------------------------------------------------------------------------------


def cut_off(*events: Any) -> ScriptedStream:
    return ScriptedStream([Started("m", None), *events], ConnectionLostError("It broke."))


def test_an_answer_that_was_cut_off_has_a_lower_bound() -> None:
    nbs.price("m", input=10, output=100, cached=1)
    with pytest.raises(ConnectionLostError):
        ask(cut_off(TextDelta("I am very "), TextDelta("well"))).result(10)
    entry = only_entry()
    assert (entry.tokens, entry.input_tokens, entry.output_tokens, entry.cost) == ("lower bound", None, None, None)
    assert (entry.input_at_least, entry.output_at_least) == (3, 4)
    assert entry.cost_at_least == pytest.approx((3 * 1 + 4 * 100) / 1e6)
    total = nbs.ledger.total
    assert (total.output_tokens, total.output_at_least, total.cost, total.cost_at_least) == (
        0, 4, 0.0, entry.cost_at_least,
    )  # fmt: skip


def test_a_report_on_the_way_is_a_lower_bound() -> None:
    with pytest.raises(ConnectionLostError):
        ask(cut_off(TextDelta("I am"), UsageReported(Usage(7, 1, 8)))).result(10)
    entry = only_entry()
    assert (entry.input_at_least, entry.output_at_least, entry.input_tokens) == (7, 2, None)


def test_what_was_never_answered_is_unknown() -> None:
    with pytest.raises(ConnectionLostError):
        ask(ScriptedStream(ConnectionLostError("It broke."))).result(10)
    assert only_entry().tokens == "unknown"
    assert (nbs.ledger.total.unknown, nbs.ledger.total.unpriced) == (1, 1)


def test_what_was_refused_took_nothing(loopback: FaultServer) -> None:
    loopback.send(error_body("No"), status=401)
    with pytest.raises(nbs.StreamError):
        nbs.stream("Hi", model="m", base_url=loopback.base_url, api_key="sk-0123456789abcdef", display=False)
    entry = only_entry()
    assert (entry.error, entry.tokens, entry.input_tokens, entry.cost) == ("authentication", "known", 0, 0.0)
    assert nbs.ledger.total.unpriced == 0


def test_no_usage_is_a_lower_bound_and_no_price_is_unknown() -> None:
    ask(ScriptedStream([TextDelta("Very well indeed"), Finished("stop"), EndOfStream(marked=True)])).result(10)
    entry = only_entry()
    assert (entry.state, entry.tokens, entry.output_at_least) == ("completed", "lower bound", 3)
    assert (entry.cost, entry.cost_at_least, nbs.ledger.total.unpriced) == (None, None, 1)


# --- looking at it ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_it_adds_up_by_any_field() -> None:
    for question in ("hello", "hello", "markdown"):
        nbs.stream(question, **QUIET)
    with pytest.raises(nbs.StreamError):
        nbs.stream("hello", demo={"fault": "cut"}, max_retries=0, **QUIET)
    by_state = nbs.ledger.by("state")
    assert {state: total.requests for state, total in by_state.items()} == {"completed": 3, "failed": 1}
    assert sum(total.output_tokens for total in by_state.values()) == nbs.ledger.total.output_tokens
    assert list(nbs.ledger.by("model", "state")) == [("demo", "completed"), ("demo", "failed")]
    assert len(nbs.ledger[:2]) == 2
    assert nbs.ledger[-1].state == "failed"
    with pytest.raises(UsageError, match="did you mean model"):
        nbs.ledger.by("modle")


@pytest.mark.usefixtures("demo")
def test_as_a_data_frame_what_is_unknown_is_missing() -> None:
    nbs.stream("hello", **QUIET)
    with pytest.raises(nbs.StreamError):
        nbs.stream("hello", demo={"fault": "cut"}, max_retries=0, **QUIET)
    frame = nbs.ledger.to_pandas()
    assert len(frame) == 2
    assert frame["output_tokens"].isna().tolist() == [False, True]
    assert frame["tokens"].tolist() == ["known", "lower bound"]
    assert str(frame["output_tokens"].dtype) == "Int64"


def test_an_empty_one_has_nothing() -> None:
    assert (len(nbs.ledger), nbs.ledger.total.requests, len(nbs.ledger.to_pandas())) == (0, 0, 0)
    assert repr(nbs.ledger) == "<no request has ended in this kernel>"


def test_a_fault_in_keeping_it_does_not_take_the_answer_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nbstream.accounting.entering.entry_of", broken)
    assert ask(ScriptedStream.answering("Hello")).result(10).text == "Hello"


@pytest.mark.usefixtures("demo")
def test_streams_side_by_side_are_all_entered() -> None:
    async def main() -> None:
        await asyncio.gather(*(nbs.astream(f"Count to {n}", **QUIET) for n in range(1, 21)))

    asyncio.run(main())
    assert len(nbs.ledger) == 20
    assert len({entry.answer for entry in nbs.ledger}) == 20
    assert {entry.kernel for entry in nbs.ledger} == {engine().book.kernel}


def test_a_resumed_answer_is_counted_once() -> None:
    from datetime import UTC, datetime

    from nbstream.accounting.total import total_of

    facts: dict[str, Any] = {"time": datetime.now(UTC), "model": "m", "host": "h", "response_id": "r1"}
    broken = Entry(**facts, state="failed", output_at_least=5, input_at_least=3, cost_at_least=0.1)
    whole = Entry(**facts, input_tokens=8, output_tokens=9, cost=0.2)
    total = total_of([broken, whole])
    assert (total.requests, total.output_tokens, total.output_at_least, total.cost_at_least) == (2, 9, 0, 0.0)
    assert total_of([broken]).output_at_least == 5


# --- what it costs ----------------------------------------------------------------------------------------------------


def lines_in_accounting(pieces: int, make_request: Callable[..., Any], budget: Budget | None) -> int:
    """How many lines of this room run while an answer of so many pieces arrives."""
    count, book = 0, Book()
    source: Any = ScriptedStream(*([TextDelta("word ")] for _ in range(pieces)), [UsageReported(Usage(1, 1, 2))], END)
    watch = Observers(Notices(), book.keep).watch()
    if budget is not None:
        source = Budgeted(source, budget, book)

    def line(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    rounds = Rounds(make_request(prices={"m": Price(1, 1)}), NullSurface(), source, watch=watch)
    before = sys.gettrace()
    sys.settrace(lambda frame, *_: line if "/nbstream/accounting/" in frame.f_code.co_filename else None)
    try:
        result = asyncio.run(rounds.run())
    finally:
        sys.settrace(before)
    assert (result.state, len(book.entries)) == ("completed", 1)
    return count


def test_without_a_budget_no_piece_of_an_answer_takes_anything(make_request: Callable[..., Any]) -> None:
    assert lines_in_accounting(400, make_request, None) == lines_in_accounting(100, make_request, None) > 0


def test_with_a_budget_a_piece_takes_little(make_request: Callable[..., Any]) -> None:
    budget = Budget(dollars=1000.0, kernel=1000.0)
    many, few = (lines_in_accounting(pieces, make_request, budget) for pieces in (400, 100))
    assert (many - few) / 300 <= 45
