"""The calls of group F as the SDK's own streaming helper sees them, beside those that nbstream sees.

`pytest -s` prints the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import openai
import pytest

from nbstream.testing import FaultServer, ScriptedBytes, play
from tests.wire_table import Case, cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

pytestmark = pytest.mark.sdk

RECORDED = Path(__file__).parents[1] / "data" / "recorded"

WELL_FORMED = {"F01", "F08", "F10"}
"""What the SDK's helper is made for."""

JOINED = {
    "F04": "calls of the same slot",
    "F05": "an id or a name that comes again",
    "F06": "a name that comes again whole",
    "F07": "arguments that never come are `None`",
    "F12": "two entries of a slot in one chunk, with openai 2",
    "F15": "arguments that come again whole",
}
"""What it joins to one, or takes as it comes, so that nobody could run the call."""

CASES = [case for case in cases() if case.id[0] == "F" and not case.http_only]


class Row(NamedTuple):
    case: Case
    verdict: str
    seen: list[tuple[Any, ...]]
    theirs: list[tuple[Any, ...]] | str

    def __str__(self) -> str:
        return f"{self.case} | {self.verdict} | {self.seen} | {self.theirs}"


def by_nbstream(case: Case) -> list[tuple[Any, ...]]:
    result = play(ScriptedBytes(case.body), api=case.api, max_retries=0)
    return [(call.id, call.name, call.arguments) for call in result.tool_calls]


def by_sdk(client: openai.OpenAI, case: Case) -> list[tuple[Any, ...]] | str:
    """The calls, or in a few words why there are none."""
    try:
        if case.api == "responses":
            with client.responses.stream(model="m", input="Hi") as answering:
                for _ in answering:
                    pass
                return list(_from_items(answering.get_final_response().output))
        with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as completing:
            for _ in completing:
                pass
            calls = completing.get_final_completion().choices[0].message.tool_calls
    except Exception as error:  # noqa: BLE001  whatever the SDK raises
        return f"{type(error).__name__}: {' '.join(str(error).split())[:60]}"
    return [_from_call(call) for call in calls or ()]


def _from_call(call: Any) -> tuple[Any, ...]:
    custom = getattr(call, "custom", None)
    return (call.id, custom.name, custom.input) if custom else (call.id, call.function.name, call.function.arguments)


def _from_items(items: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    return ((each.call_id, each.name, each.arguments) for each in items if each.type == "function_call")


@pytest.fixture
def compared(loopback: FaultServer) -> Iterator[Callable[[Case], Row]]:
    client = openai.OpenAI(base_url=loopback.base_url, api_key="none", max_retries=0)

    def compare(case: Case) -> Row:
        loopback.send(case.body, **case.http)
        seen, theirs = by_nbstream(case), by_sdk(client, case)
        verdict = "error" if isinstance(theirs, str) else "same" if theirs == seen else "other" if theirs else "none"
        return Row(case, verdict, seen, theirs)

    yield compare
    client.close()


def test_the_sdk_sees_the_same_calls_where_it_understands_them(compared: Callable[[Case], Row]) -> None:
    rows = list(map(compared, CASES))
    for row in rows:
        print(row)
    assert {row.case.id for row in rows if row.verdict == "other"} <= JOINED.keys()
    same = {str(row.case) for row in rows if row.verdict == "same"}
    assert {str(case) for case in CASES if case.id in WELL_FORMED and "custom" not in case.name} <= same


@pytest.mark.parametrize("name", ["chat_openai_tools", "responses_openai_tools"])
def test_the_sdk_sees_the_same_calls_in_what_was_recorded(name: str, compared: Callable[[Case], Row]) -> None:
    api: Any = name.partition("_")[0]
    row = compared(Case("F01", name, (RECORDED / f"{name}.sse").read_bytes(), {}, api))
    assert row.verdict == "same", row
    assert row.seen
