"""Answers that arrive at the same time in one terminal: none is written into another, and none is lost."""

from __future__ import annotations

import gc
import io
import random
import sys
import threading
from typing import Any

import pytest

import nbstream as nbs
from nbstream.display.floor import Floor, floor_of
from nbstream.display.terminal import TerminalSurface
from nbstream.result import StreamResult, StreamState
from nbstream.testing import chat_body

TEXTS = {name: f"{name} begins.\n{name} goes on\nand {name} ends." for name in ("Anna", "Berta", "Carla")}


def some(text: str) -> StreamResult:
    return StreamResult(text, StreamState.STREAMING)


def whole(text: str) -> StreamResult:
    return StreamResult(text, StreamState.COMPLETED, "stop")


@pytest.fixture
def opened(make_request: Any) -> Any:
    def opened(out: Any, *, waits: bool = True) -> TerminalSurface:
        surface = TerminalSurface(out)
        surface.open(make_request(), lambda: None)
        surface.attend(waits)
        return surface

    return opened


@pytest.mark.parametrize("seed", range(20))
def test_answers_follow_each_other_whole(opened: Any, seed: int) -> None:
    chance, out = random.Random(seed), io.StringIO()
    surfaces = {name: opened(out) for name in TEXTS}
    given = dict.fromkeys(TEXTS, 0)
    while given:
        name = chance.choice(list(given))
        given[name] += chance.randint(1, 9)
        if given[name] < len(TEXTS[name]):
            surfaces[name].draw(some(TEXTS[name][: given[name]]))
        else:
            surfaces[name].close(whole(TEXTS[name]))
            del given[name]
    written = out.getvalue()
    assert sorted(written.splitlines()) == sorted("\n".join(TEXTS.values()).splitlines())
    for text in TEXTS.values():
        assert f"{text}\n" in written


def test_the_first_grows_and_the_others_come_when_it_has_ended(opened: Any) -> None:
    out = io.StringIO()
    one, two, three = (opened(out) for _ in range(3))
    one.draw(some("On"))
    two.draw(some("Tw"))
    two.close(whole("Two"))
    three.draw(some("Th"))
    one.draw(some("One"))
    assert out.getvalue() == "One"
    one.close(whole("One"))
    assert out.getvalue() == "One\nTwo\n"
    three.draw(some("Thr"))
    assert out.getvalue() == "One\nTwo\nThr", "and then it grows"
    three.close(whole("Three"))
    assert out.getvalue() == "One\nTwo\nThree\n"


def test_who_is_waited_for_goes_first(opened: Any) -> None:
    out = io.StringIO()
    back, front = opened(out, waits=False), opened(out)
    back.draw(some("In the back"))
    front.draw(some("In fro"))
    back.draw(some("In the background"))
    front.close(whole("In front"))
    back.close(whole("In the background."))
    assert out.getvalue() == "In the back\nIn front\n[The earlier answer continues:]\nground.\n"


def test_two_terminals_have_nothing_to_do_with_each_other(opened: Any) -> None:
    one, two = io.StringIO(), io.StringIO()
    first, second = opened(one), opened(two)
    first.draw(some("One"))
    second.draw(some("Two"))
    assert (one.getvalue(), two.getvalue()) == ("One", "Two")


def test_what_waits_is_written_when_the_program_ends(opened: Any) -> None:
    out = io.StringIO()
    one, two = opened(out), opened(out)
    one.draw(some("One"))
    two.close(whole("Two"))
    floor_of(out).flush()
    assert "Two\n" in out.getvalue()


def test_who_is_gone_holds_nobody_up(opened: Any) -> None:
    out = io.StringIO()
    gone = opened(out)
    gone.draw(some("One\n"))
    del gone
    gc.collect()
    opened(out).draw(some("Two"))
    assert out.getvalue() == "One\nTwo"


def test_one_that_cannot_be_written_costs_no_other() -> None:
    floor, written = Floor(), list[str]()

    class Waiting:
        waited_for = True

        def pause(self) -> None: ...

    def fails() -> None:
        raise OSError

    one, two, three = Waiting(), Waiting(), Waiting()
    floor.draw(one, lambda: written.append("one"))
    floor.close(two, fails)
    floor.close(three, lambda: written.append("three"))
    with pytest.raises(OSError):  # noqa: PT011  the surface's own painter tells of it
        floor.close(one, fails)
    assert written == ["one", "three"]


@pytest.mark.sdk
def test_three_streams_in_threads(loopback: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: [f"{name}{number} " for number in range(60)] for name in "abc"}
    loopback.respond(lambda received: chat_body(*texts[received.json["messages"][0]["content"]]))
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    asked = {"model": "m", "base_url": loopback.base_url}
    threads = [threading.Thread(target=nbs.stream, args=(name,), kwargs=asked) for name in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(out.getvalue().splitlines()) == ["".join(pieces) for pieces in texts.values()]
