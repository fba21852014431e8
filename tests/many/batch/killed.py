"""Runs maps in processes that may be killed: reads a job a line, forks, says who does it, and says how that ended."""

from __future__ import annotations

import importlib
import json
import os
import sys
from contextlib import suppress
from typing import Any

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.many.batch import batch_pace, batch_sending

KEY = "sk-fault-server"


def answer(job: dict[str, Any]) -> None:
    """Do what a kernel does: take the map up if there is one, or else begin it."""
    batch_pace._SHORTEST = 0.01  # noqa: SLF001  as the tests have it
    batch_sending.GRACE_SECONDS = 0.05
    os.environ["OPENAI_API_KEY"] = KEY
    file = str(job["file"])
    options: Any = {"model": "demo", "base_url": job["base_url"], "display": False, "checkpoint": file}
    try:
        made = nbs.map.resume(file)
    except UsageError:
        made = nbs.map("Say {{ x }}", [{"x": each} for each in range(job["rows"])], batch=job["batch"], **options)
    values = made.result(60)
    assert all(values), made
    assert len(values) == job["rows"]


def names_of_modules() -> list[str]:
    """The modules that a map imports, found out by a process that has asked one."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        nbs.map(["Hi"], model="demo", display=False).result()
        with os.fdopen(writing, "w") as told:
            told.write("\n".join(sys.modules))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        names = told.read().split()
    os.waitpid(pid, 0)
    return names


for name in names_of_modules():  # so that no other process has to
    with suppress(ImportError):
        importlib.import_module(name)

for line in sys.stdin:
    pid = os.fork()
    if not pid:
        code = 1
        try:
            answer(json.loads(line))
            code = 0
        except BaseException:  # noqa: BLE001  the other process is told
            import traceback

            traceback.print_exc()
        os._exit(code)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
