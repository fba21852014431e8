"""What would be sent: part by part, counted by the provider where it counts; nothing is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.accounting.counting import planned
from nbstream.accounting.plan import Plan, plan_of
from nbstream.settings.resolution import resolve
from nbstream.testing import error_body

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from nbstream.testing import FaultServer

DATA = "data:image/png;base64," + "QUJD" * 500


@nbs.tool
def population(city: str) -> int:
    """How many live in a city."""
    return len(city)


def full_request(**options: Any) -> Any:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": DATA}}]
    earlier: list[dict[str, Any]] = [
        {"role": "user", "content": "Good morning"},
        {"role": "assistant", "content": "And to you"},
    ]
    messages = [*earlier, {"role": "user", "content": parts}]
    given = {"model": "m", "system": "Be terse.", "tools": [population], "schema": list[int], "max_tokens": 100}
    return resolve(messages, **{**given, **options})


def kinds(plan: Plan) -> list[str]:
    return [part.kind for part in plan.parts]


def test_it_has_all_the_parts_in_the_order_in_which_they_are_read() -> None:
    plan = plan_of(full_request(base_url="http://localhost:1/v1", temperature=0.5))
    assert kinds(plan) == ["system", "tool", "schema", "context", "image", "question"]
    told = [part.told for part in plan.parts]
    assert told[0] == "Be terse."
    assert told[1] == "population How many live in a city."
    assert told[3:] == ["2 earlier messages", "image/png, 2 kB", "What is this?"]
    assert [part.at_least for part in plan.parts] == [2, 7, None, 5, None, 3]
    assert plan.at_least == 17
    assert dict(plan.parameters) == {"temperature": 0.5, "max_tokens": 100}
    assert plan.max_rounds == 8


def test_without_a_price_the_cost_is_unknown_and_without_a_count_the_tokens_are() -> None:
    text = repr(plan_of(full_request(base_url="http://localhost:1/v1")))
    assert "At least 17 tokens in; how many is unknown (nobody was asked)." in text
    assert "The cost is unknown: no price is known for m at localhost:1." in text
    assert text.startswith("What would be sent to m at localhost:1 (Chat Completions); the model was not asked.")


def test_the_price_is_a_range_where_the_answer_has_a_limit() -> None:
    nbs.price("m", input=10, output=100, cached=1)
    request = full_request(base_url="http://localhost:1/v1")
    plan = plan_of(request, tokens=1_000_000)
    assert plan.cost_from == pytest.approx(1.0)
    assert plan.cost_to == pytest.approx(10.01)
    assert "From $1.00 (all from a cache, no answer) to $10.01 (an answer of 100 tokens)" in repr(plan)
    endless = plan_of(full_request(base_url="http://localhost:1/v1", max_tokens=None), tokens=1000)
    assert endless.cost_to is None
    assert "$0.10 for each 1,000 tokens of the answer, which has no limit" in repr(endless)


@pytest.mark.sdk
def test_the_provider_counts_where_it_counts(demo: DemoServer) -> None:
    del demo
    chat = nbs.Chat("Be terse.", model="demo", api="responses")
    chat.stream("Good morning", display=False)
    entered = len(nbs.ledger)
    plan = planned(chat.request("And what is a token?"))
    assert kinds(plan) == ["system", "context", "question"]
    counts = [part.tokens for part in plan.parts]
    assert None not in counts
    assert sum(count or 0 for count in counts) == plan.tokens
    assert plan.counted == "nbstream-demo"
    assert len(chat.turns) == 2
    assert len(nbs.ledger) == entered
    asked = chat.stream("And what is a token?", display=False)
    assert asked.usage is not None
    assert asked.usage.input_tokens == plan.tokens


@pytest.mark.sdk
def test_what_counts_is_told_what_counts_and_nothing_else(loopback: FaultServer) -> None:
    for count in (50, 40, 45):
        told = {"object": "response.input_tokens", "input_tokens": count}
        loopback.send(json.dumps(told), headers={"content-type": "application/json"})
    request = resolve(
        "Hi there", model="m", api="responses", base_url=loopback.base_url, system="Be terse.", temperature=0.2,
        max_tokens=9, tools=[{"type": "web_search"}],
    )  # fmt: skip
    plan = planned(request)
    assert {each.path for each in loopback.requests} == {"/v1/responses/input_tokens"}
    first = json.loads(loopback.requests[0].body)
    assert set(first) == {"model", "input", "instructions", "tools"}
    assert plan.tokens == 50
    assert sorted(part.tokens or 0 for part in plan.parts) == [5, 10, 35]


@pytest.mark.sdk
@pytest.mark.parametrize("status", [404, 400, 401, 500])
def test_a_provider_that_does_not_count_is_named(loopback: FaultServer, status: int) -> None:
    loopback.send(error_body("No"), status=status)
    plan = planned(
        resolve("Hi there", model="m", api="responses", base_url=loopback.base_url, api_key="sk-" + "0" * 20)
    )
    assert plan.tokens is None
    assert "127.0.0.1" in plan.counted
    assert plan.at_least == 2


@pytest.mark.sdk
@pytest.mark.parametrize("body", ["<html>", "{", '{"input_tokens": "7"}', '{"input_tokens": 7, "x": "' + "x" * 200_000])
def test_what_is_no_count_is_not_taken_for_one(loopback: FaultServer, body: str) -> None:
    loopback.send(body, headers={"content-type": "application/json"})
    plan = planned(resolve("Hi there", model="m", api="responses", base_url=loopback.base_url))
    assert plan.tokens is None
    assert "did not say how many tokens there are" in plan.counted


def test_chat_completions_do_not_count() -> None:
    plan = planned(resolve("Hi there", model="m", api="chat", base_url="http://localhost:1/v1"))
    assert plan.counted == "localhost:1 is asked over Chat Completions, which does not count"


def test_locally_nothing_at_all_is_sent(loopback: FaultServer) -> None:
    plan = planned(resolve("Hi there", model="m", api="responses", base_url=loopback.base_url), counted=False)
    assert (plan.tokens, plan.at_least, loopback.requests) == (None, 2, [])


def test_words_are_words() -> None:
    html = plan_of(resolve("<script>alert(1)</script>", model="<b>", base_url="http://localhost:1/v1"))._repr_html_()
    assert "<script" not in html
    assert "<b>" not in html


# --- in a cell --------------------------------------------------------------------------------------------------------


def shown(shell: Any, capsys: pytest.CaptureFixture[str], cell: str) -> str:
    shell.run_cell(cell).raise_error()
    return capsys.readouterr().out


@pytest.mark.usefixtures("demo")
def test_a_cell_shows_its_plan_and_asks_nothing(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(nbs.ledger)
    out = shown(shell, capsys, "%%stream -m demo --api responses --plan -s 'Be terse.'\nWhat is {{ 1 + 1 }}?")
    assert "What would be sent to demo at nbstream-demo" in out
    assert "What is 2?" in out
    assert "counted by nbstream-demo" in out
    assert "stream_result" not in shell.user_ns
    assert "nobody was asked" in shown(shell, capsys, "%%stream -m demo --plan=local\nHi")
    assert len(nbs.ledger) == before


@pytest.mark.usefixtures("demo")
def test_a_cell_of_a_chat_leaves_the_chat_as_it_is(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.user_ns["tutor"] = chat = nbs.Chat("You are a tutor.", model="demo")
    chat.stream("hello", display=False)
    out = shown(shell, capsys, "%%stream --chat tutor --plan=local --temperature 0.3\nAnd then?")
    assert "2 earlier messages" in out
    assert "temperature 0.3" in out
    assert len(chat.turns) == 2
    assert "temperature" not in chat.options


@pytest.mark.usefixtures("demo")
def test_what_was_sent_is_below_the_answer(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(shell, capsys, "%%stream -m demo --context -s 'Be terse.'\nhello")
    assert out.index("Hello") < out.index("Sent to demo")
    assert "system" in out


def test_a_wrong_call_is_a_short_error(shell: Any) -> None:
    ran = shell.run_cell("%%stream -m demo --plan\n")
    assert type(ran.error_in_exec).__name__ == "UsageError"
