"""A page that stops reading, and a Jupyter server that does: neither slows the kernel nor makes it grow.

The frames are far more and far larger than a stream's, so that buffers on the way do not hide what becomes of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import re
import signal
import sys
import time
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tornado.websocket import websocket_connect

from tests.real_jupyter import TOKEN

if TYPE_CHECKING:
    from tests.real_jupyter import Jupyter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")

FRAMES, SIZE = 3_000, 20_000
MEGABYTE = 1_000_000
PATIENCE = 60.0

# Draws in a live view, and notes when it was done and how much memory the kernel holds.
DRAW = f"""
import json, os, pathlib, re, time
from nbstream.display.live_view import LiveView
def memory_held():
    return 1024 * int(re.search(r"VmRSS:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
view = LiveView("m", lambda: None)
def draw(frames):
    for number in range(frames):
        view.send({{"type": "patch", "number": number + 1, "blocks": [[0, 0, "", 0, "x" * {SIZE}]]}})
        time.sleep(0.002)  # Jupyter drops what is more than 1,000 messages a second
draw(100)
before = memory_held()
pathlib.Path("NAME.part").write_text(json.dumps(os.getppid()))
os.replace("NAME.part", "NAME.pid")
while not os.path.exists("NAME.go"): time.sleep(0.01)
began = time.perf_counter()
draw({FRAMES})
seconds = time.perf_counter() - began
pathlib.Path("NAME.part").write_text(json.dumps([seconds, memory_held() - before]))
os.replace("NAME.part", "NAME.done")
"""


def memory_of(process: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def written(path: pathlib.Path) -> Any:
    """What is in a file once it is there."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return json.loads(path.read_text())


def ask(jupyter: Jupyter, path: str, method: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(f"{jupyter.url}api/{path}?token={TOKEN}", body, method=method)
    with urllib.request.urlopen(request) as answer:
        said: bytes = answer.read()
        return said


async def run(jupyter: Jupyter, name: str) -> tuple[float, int, int]:
    """Seconds, and how much kernel and server have grown, where the page "reads" or "stops" or the "server stops"."""
    kernel = json.loads(await asyncio.to_thread(ask, jupyter, "kernels", "POST", b'{"name": "python3"}'))["id"]
    address = f"{jupyter.url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?token={TOKEN}"
    page = await websocket_connect(address, max_message_size=2**30)
    content = {
        "code": DRAW.replace("NAME", str(jupyter.root / name)),
        "silent": False,
        "store_history": False,
        "allow_stdin": True,
    }
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "s", "version": "5"}
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
    await page.write_message(json.dumps(message))

    async def read() -> None:
        while await page.read_message() is not None:
            pass

    reading = asyncio.create_task(read())
    server = await asyncio.to_thread(written, jupyter.root / f"{name}.pid")
    before = memory_of(server)
    if name != "reads":
        reading.cancel()
    if name == "server stops":
        os.kill(server, signal.SIGSTOP)
    try:
        (jupyter.root / f"{name}.go").touch()
        seconds, growth = await asyncio.to_thread(written, jupyter.root / f"{name}.done")
        server_growth = memory_of(server) - before
    finally:
        os.kill(server, signal.SIGCONT)
    page.close()
    await asyncio.to_thread(ask, jupyter, f"kernels/{kernel}", "DELETE")
    # Read to the end, or the socket would be left to the garbage collector, which warns in somebody else's test.
    await asyncio.wait_for(reading if name == "reads" else read(), PATIENCE)
    return seconds, growth, server_growth


def test_who_stops_reading_holds_up_no_kernel(jupyter: Jupyter) -> None:
    async def main() -> dict[str, tuple[float, int, int]]:
        return {name: await run(jupyter, name) for name in ("reads", "stops", "server stops")}

    with asyncio.Runner() as runner:
        figures = runner.run(main())
    print(f"\n{FRAMES:,} frames, {FRAMES * SIZE / MEGABYTE:.0f} MB: how long it takes, and how kernel and server grow")
    for name, (seconds, kernel, server) in figures.items():
        who = name if name.startswith("server") else f"page {name}"
        print(f"  {who:16}{seconds:8.1f} s{kernel / MEGABYTE:10.1f} MB{server / MEGABYTE:10.1f} MB")
    normal = figures["reads"]
    for seconds, kernel, _ in figures.values():
        assert seconds < 1.5 * normal[0] + 1
        assert kernel < normal[1] + 40 * MEGABYTE
