"""A process is killed while it asks for a batch or takes its answers: nothing is paid twice, and nothing is lost."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.testing import FaultServer, ScriptedBatches, chat_body

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 12
PATIENCE = 60


class Kernels:
    """Processes that answer maps, one after the other."""

    def __init__(self) -> None:
        here = pathlib.Path(__file__).parent / "killed.py"
        self._process = subprocess.Popen(
            [sys.executable, str(here)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._known = threading.Event()
        self._pid = 0

    def run(self, **job: Any) -> int:
        """Have one answer a map; how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._known.clear()
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._process.stdout.readline())
        self._known.set()
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill the one that runs."""
        assert self._known.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Killing:
    """Kills whoever asks, at one request: before it is heard, or once it has had its effect."""

    def __init__(self, kernels: Kernels, at: int, heard: bool) -> None:  # noqa: FBT001
        self.batches = ScriptedBatches(step=5)
        self.asked: Counter[str] = Counter()
        self._kernels, self._left, self._heard = kernels, at, heard

    def __call__(self, received: Any) -> Any:
        self._left -= 1
        kills = self._left == 0
        if kills and not self._heard:
            self._kernels.kill()
            return b""
        answer = self._answered(received)
        if kills:
            self._kernels.kill()
        return answer

    def _answered(self, received: Any) -> Any:
        if received.path.endswith("/chat/completions"):
            prompt = received.json["messages"][-1]["content"]
            self.asked[prompt] += 1
            return chat_body(prompt.upper())
        return self.batches(received)


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    kernels = Kernels()
    yield kernels
    kernels.close()


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 9])
def test_a_kill_at_any_request_costs_nothing(kernels: Kernels, tmp_path: pathlib.Path, at: int, heard: bool) -> None:  # noqa: FBT001
    with FaultServer() as server:
        killing = Killing(kernels, at, heard)
        server.respond(killing)
        job = {"base_url": server.base_url, "file": str(tmp_path / "kept.sqlite"), "rows": ROWS, "batch": True}
        assert os.waitstatus_to_exitcode(kernels.run(**job)) == -signal.SIGKILL
        assert kernels.run(**job) == 0
        paid = Counter(each["body"]["messages"][-1]["content"] for each in killing.batches.submitted)
        assert paid == {f"Say {each}": 1 for each in range(ROWS)}
        kept = sqlite3.connect(tmp_path / "kept.sqlite")
        assert kept.execute("SELECT count(*) FROM answers WHERE state = 'completed'").fetchone() == (ROWS,)
        assert kept.execute("SELECT count(*) FROM batch_rows").fetchone() == (0,)
        kept.close()


def test_a_map_that_is_no_batch_goes_on_with_what_is_missing(kernels: Kernels, tmp_path: pathlib.Path) -> None:
    with FaultServer() as server:
        killing = Killing(kernels, 30, heard=True)
        server.respond(killing)
        job = {"base_url": server.base_url, "file": str(tmp_path / "kept.sqlite"), "rows": 60, "batch": False}
        assert os.waitstatus_to_exitcode(kernels.run(**job)) == -signal.SIGKILL
        kept = sqlite3.connect(tmp_path / "kept.sqlite")
        done = kept.execute("SELECT count(*) FROM answers WHERE state = 'completed'").fetchone()[0]
        kept.close()
        before = sum(killing.asked.values())
        assert kernels.run(**job) == 0
        assert sum(killing.asked.values()) - before == 60 - done
        assert set(killing.asked) == {f"Say {each}" for each in range(60)}
