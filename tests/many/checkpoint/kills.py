"""Kills a map again and again at random moments, and looks at what is asked and what is lost."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import nbstream as nbs

if TYPE_CHECKING:
    from tests.many.conftest import Oracle

__all__ = ["killed_and_gone_on"]

PROGRAM = pathlib.Path(__file__).parent / "killed_map.py"
MOST_IN_FLIGHT = 100


def killed_and_gone_on(oracle: Oracle, folder: pathlib.Path, *, runs: int, rows: int, longest: float) -> dict[str, int]:
    """Kill so many runs of one map, each at a random moment, and let the last one go on to its end.

    Returns:
        How many runs had answers in their hands when they were killed, and how often a row was asked again whose
        answer had not been in anybody's hands.
    """
    dice, notes, checkpoint = random.Random(runs), folder / "notes", folder / "answers.sqlite"
    notes.touch()
    given = [sys.executable, str(PROGRAM), oracle.server.base_url, str(checkpoint), str(notes), str(rows)]
    had = 0
    settled: dict[str, int] = {}  # how often a row had been asked when it counted as done
    with subprocess.Popen(given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for _ in range(runs):
            print(file=program.stdin, flush=True)
            child = int(program.stdout.readline())
            if dice.random() < 0.8 and len(settled) < rows:  # most of them while answers come, the others at any time
                with contextlib.suppress(TimeoutError):  # nothing is left to be asked
                    oracle.server.wait(requests=len(oracle.server.requests) + 1, timeout=5.0)
            time.sleep(dice.uniform(0.0, longest))  # the moment is what is random here
            with contextlib.suppress(ProcessLookupError):  # it was done before
                os.kill(child, signal.SIGKILL)
            assert program.stdout.readline() == "gone\n"
            lines = [line.split("\t") for line in notes.read_text().splitlines(keepends=True) if line.endswith("\n")]
            values = {f"row {number}": value.rstrip("\n") for number, value in lines}
            assert all(value == row.upper() for row, value in values.items())  # nothing half
            new = values.keys() - settled.keys()
            had += bool(new)
            settled |= {row: oracle.asked[row] for row in new}
            assert {row: oracle.asked[row] for row in settled} == settled  # nothing is paid twice
        program.stdin.close()
    job: Any = nbs.map(
        [f"row {number}" for number in range(rows)],
        model="m",
        base_url=oracle.server.base_url,
        checkpoint=checkpoint,
        display=False,
    )
    assert job.result() == [f"ROW {number}" for number in range(rows)]  # nothing is lost
    assert job.progress.hits >= len(settled)
    assert {row: oracle.asked[row] for row in settled} == settled
    again = oracle.asked.total() - rows
    assert again <= runs * MOST_IN_FLIGHT
    return {"runs with answers": had, "asked again": again}
