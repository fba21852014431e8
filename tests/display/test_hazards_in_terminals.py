"""Nothing that a terminal prints of what a server or a file says acts: no escape, no bell, no carriage return."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.cli.commands import main
from nbstream.display.rich_terminal import RichTerminalSurface
from nbstream.display.terminal import TerminalSurface
from nbstream.errors import NotAStreamError, ServerError, UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamResult, StreamState, StreamWarning, ToolCall
from nbstream.testing import FaultServer, ScriptedBytes
from nbstream.testing.script import play
from nbstream.text.place import Place
from tests.each import check_each
from tests.transport.over_http import ask

if TYPE_CHECKING:
    from collections.abc import Callable

HAZARDS = {
    "colour": "\x1b[5;35m",
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;b3duZWQ=\x1b\\",
    "link": "\x1b]8;;http://e.example\x1b\\x\x1b]8;;\x1b\\",
    "8 bit": "\x9b31m\x9d0;owned\x9c",
    "erase": "\r\x08\x7f\x0b\x0c",
    "charset": "\x0e\x0f",
    "NUL": "\x00",
    "next line": "\x85",
    "half": "\ud83d",
}
ACTING = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - set("\t\n")


def acting(text: str) -> set[str]:
    text.encode()
    return set(text) & ACTING


def everything(result: StreamResult) -> str:
    out = io.StringIO()
    surface = TerminalSurface(out)
    surface.draw(result)
    surface.close(result)
    painted = _painted(result)
    assert not [each for each in ("\x1b]", "\x1b[5;35m") if each in painted]
    assert acting(painted) <= {"\x1b", "\r"}  # its own
    said = [out.getvalue(), repr(result), str(result), *(f"{name} {value}" for name, value in result.summary())]
    said += [each.message for each in result.warnings] + [repr(result.warnings), repr(result.parts)]
    if (error := result.error) is not None:
        said += [str(error), repr(error), error.happened, *(error.told(place) for place in Place)]
        said += error._render_traceback_()
        said += [str(error.code), str(error.request_id)]
    return "\n".join(said)


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _painted(result: StreamResult) -> str:
    """What a terminal that draws Markdown is sent."""
    out = _Screen()
    surface = RichTerminalSurface(out, lambda: os.terminal_size((80, 24)))
    surface.draw(result)
    surface.close(result)
    return out.getvalue()


def chunk(delta: dict[str, Any], reason: str | None = None, **head: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'id': 'c', 'model': 'm', **head, 'choices': [choice]})}\n\n"


BODIES: dict[str, Callable[[str], str | bytes]] = {
    "text": lambda bad: chunk({"content": f"a{bad}b"}) + chunk({"content": f"{bad}c"}, "stop"),
    "a split escape": lambda bad: b"".join(
        map(str.encode, (chunk({"content": each}) for each in f"a{bad}b".encode("utf-8", "replace").decode()))
    ),
    "reasoning": lambda bad: chunk({"reasoning_content": bad}) + chunk({"content": "a"}, "stop"),
    "only reasoning": lambda bad: chunk({"reasoning_content": bad}, "stop"),
    "refusal": lambda bad: chunk({"refusal": f"No{bad}"}, "stop"),
    "reason": lambda bad: chunk({"content": "a"}, f"odd{bad}"),
    "reason without text": lambda bad: chunk({}, f"odd{bad}"),
    "model and id": lambda bad: chunk({"content": "a"}, "stop", model=f"m{bad}", id=f"i{bad}"),
    "tool": lambda bad: chunk(
        {"tool_calls": [{"index": 0, "id": bad, "function": {"name": f"f{bad}", "arguments": bad}}]}, "tool_calls"
    ),
    "error": lambda bad: f"data: {json.dumps({'error': {'message': f'x{bad}y', 'code': f'c{bad}', 'type': bad}})}\n\n",
    "nested error": lambda bad: f"data: {json.dumps({'error': {'message': 'x', 'metadata': {'raw': f'x{bad}y'}}})}\n\n",
    "error without escapes": lambda bad: f'data: {{"error": "bad "{bad}" quote"}}\n\n'.encode("utf-8", "replace"),
    "text instead": lambda bad: f"An error{bad} page".encode("utf-8", "replace"),
    "JSON instead": lambda bad: json.dumps({"odd": bad}, ensure_ascii=False).encode("utf-8", "replace"),
    "malformed": lambda bad: f"data: x{bad}y\n\n".encode("utf-8", "replace"),
    "malformed at the end": lambda bad: (
        chunk({"content": "a"}, "stop").encode() + f"data: x{bad}y\n\n".encode("utf-8", "replace")
    ),
    "unrecognized": lambda bad: f"data: {json.dumps({'odd': bad}, ensure_ascii=False)}\n\n".encode("utf-8", "replace"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_answer_acts(body: Callable[[str], str | bytes]) -> None:
    def check(name: str) -> None:
        made, headers = body(HAZARDS[name]), {"x-request-id": f"r{HAZARDS[name]}"}
        result = play(ScriptedBytes(made.encode() if isinstance(made, str) else made, headers=headers))
        assert result.state.terminal
        assert acting(everything(result)) == set()

    check_each(HAZARDS, check)


RESPONSES: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "tool": lambda bad: [
        {"type": "response.output_item.added", "item": {"id": bad, "type": f"{bad}_call", "status": bad, "name": bad}},
        {"type": "response.output_item.done", "item": {"id": bad, "type": f"{bad}_call", "action": {"query": bad}}},
    ],
    "image": lambda bad: [
        {
            "type": "response.output_item.done",
            "item": {"type": "image_generation_call", "result": "AAAA", "output_format": bad},
        }
    ],
    "failed": lambda bad: [
        {"type": "response.failed", "response": {"id": bad, "error": {"code": bad, "message": f"a{bad}"}}}
    ],
    "incomplete": lambda bad: [
        {"type": "response.incomplete", "response": {"incomplete_details": {"reason": f"a{bad}"}}}
    ],
}


@pytest.mark.parametrize("events", RESPONSES.values(), ids=RESPONSES)
def test_no_event_of_the_other_api_acts(events: Callable[[str], list[dict[str, Any]]]) -> None:
    def check(name: str) -> None:
        body = "".join(f"data: {json.dumps(each)}\n\n" for each in events(HAZARDS[name]))
        result = play(ScriptedBytes(body.encode()), api="responses")
        assert acting(everything(result)) == set()

    check_each(HAZARDS, check)


@pytest.mark.parametrize("bad", HAZARDS.values(), ids=HAZARDS)
def test_no_error_status_acts(loopback: FaultServer, bad: str) -> None:
    for status in (400, 401, 404, 500):
        loopback.send(json.dumps({"error": {"message": f"x{bad}y", "code": bad}}), status=status)
        result = ask(loopback.base_url, model=f"m{bad}".encode("utf-8", "replace").decode())
        assert acting(everything(result)) == set()
    page = f"<html><title>Denied{bad}</title>".encode("utf-8", "replace")
    loopback.send(page, status=403)
    assert acting(everything(ask(loopback.base_url))) == set()


@pytest.mark.parametrize("bad", HAZARDS.values(), ids=HAZARDS)
def test_what_comes_from_a_file_does_not_act_either(bad: str) -> None:
    error = ServerError(f"It broke{bad}.", remedies=[Remedy(RemedyKind.CHECK_MODEL, f"m{bad}")], code="c")
    warning = StreamWarning("odd", f"Odd{bad}.", (Remedy(RemedyKind.CHECK_MODEL, f"m{bad}"),))
    result = StreamResult(f"a{bad}", StreamState.FAILED, f"r{bad}", model=f"m{bad}", warnings=(warning,), error=error)
    for each in (result, copy.copy(result), pickle.loads(pickle.dumps(result))):
        assert acting(everything(each)) == set()
    for raised in (UsageError(f"no {bad}"), NotAStreamError(bad)):
        assert acting(f"{raised}{raised!r}{raised.happened}") == set()
    called = StreamResult(
        tool_calls=(ToolCall(bad, bad, bad),), state=StreamState.COMPLETED, finish_reason="tool_calls"
    )
    assert acting(everything(called)) == set()


@pytest.mark.parametrize("bad", HAZARDS.values(), ids=HAZARDS)
def test_the_doctor_prints_nothing_that_acts(
    loopback: FaultServer, bad: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSTREAM_MODEL", f"m{bad}".replace("\0", "").encode("utf-8", "replace").decode())
    answers: list[tuple[int, str | bytes]] = [
        (200, json.dumps({"data": [{"id": f"model{bad}"}]})),
        (401, json.dumps({"error": {"message": f"x{bad}y", "code": bad}})),
        (500, f"x{bad}".encode("utf-8", "replace")),
    ]
    for status, body in answers:
        loopback.send(body, status=status)
        main(["doctor", "--base-url", loopback.base_url])
        printed = capsys.readouterr()
        assert acting(printed.out + printed.err) == set()
