"""Whatever happens meanwhile, no call runs twice, and what ran is told: random moments, with a seed."""

from __future__ import annotations

import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.api import launch
from nbstream.settings.resolution import resolve
from nbstream.streaming.surfaces import Surfaces
from nbstream.testing import Answer, chat_body
from nbstream.tools.approval import Approved, Denied
from tests.tools.wire import calling

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer, Received
    from nbstream.tools.approval import Question

CALLS = 3
ROUNDS = 2
RUNS = 40
DYING = pathlib.Path(__file__).with_name("dying.py")


class Readers:
    """Several pages that answer each question at random moments, all of them at once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.answering: list[threading.Thread] = []

    def open(self, _: Any, stop: Callable[[], None]) -> None: ...
    def draw(self, _: Any) -> None: ...
    def close(self, _: Any) -> None: ...
    def withdraw(self, _: Question) -> None: ...

    def ask(self, question: Question) -> bool:
        for _ in range(self._chance.randrange(1, 4)):
            decision = Denied() if self._chance.random() < 0.2 else Approved(question.digest)
            timer = threading.Timer(self._chance.random() * 0.01, question.answer, (decision,))
            self.answering.append(timer)
            timer.start()
        return True


@pytest.mark.sdk
def test_no_call_runs_twice(loopback: FaultServer) -> None:
    chance = random.Random(15)
    ran: list[tuple[int, int, int]] = []
    lasts = 0.0

    @nbs.tool
    def work(run: int, at: int, call: int) -> str:
        ran.append((run, at, call))
        time.sleep(lasts)
        return "ok"

    def respond(received: Received) -> Answer:
        at = sum(message["role"] == "assistant" for message in received.json["messages"])
        if at == ROUNDS:
            return Answer(chat_body("Done."))
        run = int(received.json["messages"][0]["content"])
        body = calling("chat", *(("work", {"run": run, "at": at, "call": call}) for call in range(CALLS)), round_=at)
        return Answer(body[: len(body) // 2], then="reset") if chance.random() < 0.1 else Answer(body)

    loopback.respond(respond)
    ends: set[str] = set()
    for number in range(RUNS):
        lasts, readers = chance.random() * 0.003, Readers(chance)
        named: Any = {"model": "m", "base_url": loopback.base_url, "max_retries": 0}
        request = resolve(str(number), tools=[work], **named)
        handle = launch(request, Surfaces([readers]), None, lambda *_: None)  # type: ignore[arg-type]
        if chance.random() < 0.5:
            threading.Timer(chance.random() * 0.05, handle.cancel).start()
        try:
            result = handle.result(30)
        except nbs.StreamError as error:
            result = error.result
        for timer in readers.answering:
            timer.join()
        ends.add(str(result.state))
        states = [part.run.state for part in result.tool_runs if part.run is not None]
        assert sum(state in {"completed", "unknown"} for state in states) >= sum(run == number for run, *_ in ran)
        assert not {"waiting", "running"} & set(states)
    assert len(ran) == len(set(ran)), "no call ran twice"
    assert ends == {"completed", "failed", "cancelled"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children that can be killed are forks")
@pytest.mark.parametrize("chats", [60, pytest.param(1000, marks=pytest.mark.benchmark)])
def test_no_call_runs_twice_though_the_program_is_killed(chats: int, tmp_path: pathlib.Path) -> None:
    run = [sys.executable, "-m", "tests.tools.dying", str(tmp_path), str(chats), "15"]
    ended = subprocess.run(run, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    print(seen)
    assert (seen["twice"], seen["lost"]) == (0, [])
    assert seen["killed"] > chats / 20, "most children are killed"
    assert seen["done"] > chats
    assert seen["unknown"] > 0
