"""A soak: thousands of streams with faults and cancels through one real kernel, which must hold no more afterwards.

Run it by itself with `python tests/benchmarks/soak.py [STREAMS [AT_ONCE]]`.
"""

from __future__ import annotations

import ast
import contextlib
import json
import pathlib
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

ROOT = str(pathlib.Path(__file__).parents[2])
if ROOT not in sys.path:  # as a script
    sys.path.insert(0, ROOT)

from jupyter_client.blocking.client import BlockingKernelClient  # noqa: E402  a script finds the rest only now
from jupyter_client.manager import run_kernel  # noqa: E402

from nbstream.testing import FaultServer  # noqa: E402
from tests.benchmarks.soak_streams import HELD, Holdings, Responder, kind_of, stream_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Report", "run"]

STREAMS, AT_ONCE = 2_000, 32
LONGEST_SECONDS = 240
MEGABYTE = 1_000_000

CELL = """
import sys
sys.path.insert(0, {root!r})
from tests.benchmarks.soak_streams import soak
report = await soak({url!r}, {dead_end!r}, {streams}, {at_once})
"""


@dataclass(frozen=True)
class Report:
    """What came of a soak.

    Attributes:
        seconds: How long the streams took.
        ended: How many streams of each kind ended how.
        wrong: What was wrong with single streams.
        before: What the kernel held after a warm-up.
        after: What it held after the streams.
        unnoticed: Held answers whose client never left.
    """

    seconds: float
    ended: dict[str, int]
    wrong: list[str]
    before: Holdings
    after: Holdings
    unnoticed: int

    def __str__(self) -> str:
        streams = sum(self.ended.values())
        lines = [f"{streams:,} streams in {self.seconds:.1f} s"]
        lines += [f"  {how:34}{count:6}" for how, count in self.ended.items()]
        lines += [f"  {'the kernel holds':34}{'before':>8}{'after':>8}"]
        for name in ("threads", "descriptors", "tasks"):
            lines.append(f"  {name:34}{getattr(self.before, name):8}{getattr(self.after, name):8}")
        before, after = (each.memory / MEGABYTE for each in (self.before, self.after))
        lines += [f"  {'memory, MB':34}{before:8.1f}{after:8.1f}", *self.wrong[:20]]
        return "\n".join(lines)


def run(streams: int = STREAMS, at_once: int = AT_ONCE) -> Report:
    """Start a kernel, soak it and stop it.

    Args:
        streams: How many streams count, after a warm-up.
        at_once: How many run at a time.
    """
    with FaultServer() as server, dead_end() as nowhere, run_kernel(kernel_name="python3", cwd=ROOT) as client:
        assert isinstance(client, BlockingKernelClient)
        server.respond(Responder())
        cell = CELL.format(root=ROOT, url=server.base_url, dead_end=nowhere, streams=streams, at_once=at_once)
        reply = client.execute_interactive(
            cell, user_expressions={"report": "report"}, timeout=LONGEST_SECONDS, allow_stdin=False
        )["content"]
        if reply["status"] != "ok":
            raise RuntimeError("\n".join(reply["traceback"]))
        said: dict[str, Any] = json.loads(ast.literal_eval(reply["user_expressions"]["report"]["data"]["text/plain"]))
        held = [received for received in server.requests if kind_of(stream_of(received)) in HELD]
        unnoticed = sum(not received.client_left.wait(1) for received in held)
    before, after = Holdings(**said.pop("before")), Holdings(**said.pop("after"))
    return Report(before=before, after=after, unnoticed=unnoticed, **said)


@contextlib.contextmanager
def dead_end() -> Iterator[str]:
    """The base URL of a port whose queue is full, so that connecting to it goes on and on."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


if __name__ == "__main__":
    print(run(*map(int, sys.argv[1:])))
