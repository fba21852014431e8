"""Every case of the wire table through decoder and assembler, however it is cut; and that no entry lacks a test."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbstream.assembly import Assembler
from nbstream.request import Endpoint
from nbstream.transport.adapters import adapter_for
from nbstream.transport.wire import WireDecoder
from tests.each import check_each
from tests.wire_table import ENTRIES, Case, by_entry, cases, cut_at_random, load, outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbstream.result import StreamResult

ENDPOINT = Endpoint("http://localhost:8000/v1")
TESTS = Path(__file__).parents[1]
CASES = by_entry(lambda case: not case.http_only)


def play(pieces: Iterable[bytes], api: str) -> StreamResult:
    """What a session does with the bytes of a response, without the session."""
    decoder = WireDecoder(adapter_for(api), ENDPOINT)
    assembler = Assembler(model="asked", endpoint=ENDPOINT.name)

    def batches() -> Iterator[list[object]]:
        for piece in pieces:
            yield list(decoder.feed(piece))
            if decoder.ended:
                break
        yield list(decoder.close())

    for batch in batches():
        for event in batch:
            assembler.feed(event)  # type: ignore[arg-type]
            if assembler.state.terminal:
                return assembler.snapshot()
    return assembler.snapshot()


@pytest.mark.parametrize("entry", CASES)
def test_every_case_ends_as_it_must_however_it_is_cut(entry: str) -> None:
    check_each(CASES[entry], check_however_it_is_cut)


def check_however_it_is_cut(case: Case) -> None:
    assert outcome(play([case.body], case.api), case.expect) == case.expect
    for pieces in cut_at_random(case.body, 20):
        assert outcome(play(pieces, case.api), case.expect) == case.expect, pieces
    if len(case.body) < 64_000:
        single = (case.body[i : i + 1] for i in range(len(case.body)))
        assert outcome(play(single, case.api), case.expect) == case.expect, "byte by byte"


# --- completeness -----------------------------------------------------------------------------------------------------


def marked_entries() -> Counter[str]:
    """The entries that `pytest.mark.wire(…)` names in the tests' sources."""
    return Counter(
        str(ast.literal_eval(argument))
        for file in TESTS.rglob("*.py")
        if "pytest.mark.wire" in (source := file.read_text("utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.wire"
        for argument in node.args
    )


def test_every_entry_has_a_test() -> None:
    table, marked = Counter(case.id for case in cases()), marked_entries()
    decided = sum(bool(case.decided) for case in cases())
    print(
        f"wire: {len(ENTRIES)} entries; {len(table)} in the table with {table.total()} cases, {decided} decided "
        f"otherwise; {len(marked)} in {marked.total()} tests of their own"
    )
    assert set(marked) <= ENTRIES
    assert sorted(ENTRIES - set(table) - set(marked)) == []


# --- the table itself -------------------------------------------------------------------------------------------------

MINIMAL = """
title = "t"
[[case]]
id = "A01"
name = "n"
body = ''
expect = {state = "completed"}
"""


def test_macros_and_repeats_are_expanded() -> None:
    source = """
title = "t"
[[case]]
id = "A01"
name = "n"
repeat = {body = "data: END(stop)\\n", text = "y", times = 2}
body = '''
: CH(
data: CH({"content":"(a)"})
<REPEAT>'''
expect = {state = "completed", text = "x<REPEAT>"}
"""
    [case] = load("a.toml", source)
    head = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    lines = case.body.split(b"\n")
    assert lines[0] == b": CH("
    assert lines[1] == b"data: " + head + b'{"content":"(a)"},"finish_reason":null}]}'
    assert lines[2:] == [b"data: " + head + b'{},"finish_reason":"stop"}]}'] * 2 + [b""]
    assert case.expect["text"] == "xyy"


def test_bytes_can_be_written_one_by_one() -> None:
    [case] = load("a.toml", MINIMAL.replace("body = ''", r'body = "\u00ff\r\u0000"' + '\nencoding = "latin-1"'))
    assert case.body == b"\xff\r\x00"


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (MINIMAL.replace("name", "nam"), "unknown"),
        (MINIMAL.replace("body = ''", ""), "lacks"),
        (MINIMAL.replace("A01", "A99"), "no such entry"),
        (MINIMAL.replace("A01", "B01"), "another group"),
        (MINIMAL + MINIMAL.partition('"t"')[2], "twice"),
        (MINIMAL.replace("state", "stat"), "unknown expectation"),
        (MINIMAL.replace("completed", "streaming"), "completed or failed"),
        (MINIMAL.replace("completed", "failed"), "of a known kind"),
        (MINIMAL.replace('"}', '", kind = "boom"}').replace("completed", "failed"), "of a known kind"),
        (MINIMAL.replace("body", 'then = "reset"\nbody'), "http_only"),
        (MINIMAL.replace("body", "status = 500\nbody"), "http_only"),
        ("x = 1", "not a title and cases"),
    ],
)
def test_a_slip_in_the_table_is_told(wrong: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load("a.toml", wrong)
