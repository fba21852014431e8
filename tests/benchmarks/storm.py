"""Storms of interrupts over a real kernel whose cells ask: at the start, within and at the end of a stream.

Run it by itself with `python tests/benchmarks/storm.py [ROUNDS]`.
"""

from __future__ import annotations

import ast
import json
import pathlib
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

ROOT = str(pathlib.Path(__file__).parents[2])
if ROOT not in sys.path:  # as a script
    sys.path.insert(0, ROOT)

from jupyter_client.manager import start_new_kernel  # noqa: E402  a script finds the rest only now

from nbstream.testing import Answer, FaultServer, chat_body  # noqa: E402

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

    from nbstream.testing import Received

__all__ = ["Report", "run"]

ROUNDS = 60
PATIENCE, LOST_SECONDS = 30.0, 3.0

# ipykernel 7 dies of a second interrupt that comes while it logs the first, whatever its cell did (measured: three of
# four kernels that only slept died in such a storm). One that comes while it aborts what is queued leaves it aborting
# for ever. What is tested here is nbstream, so the first moment is covered and nothing is ever aborted.
SETUP = """
import asyncio, signal, sys
sys.path.insert(0, {root!r})
kernel = get_ipython().kernel

def covered(*args, error=kernel.log.error, **options):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the kernel sets its own again afterwards
    error(*args, **options)

kernel.log.error = covered
import nbstream as nbs
from nbstream.streaming.engine import engine
%load_ext nbstream
nbs.configure(base_url={url!r}, model="m", max_retries=0)
chat = nbs.Chat()

async def others():
    return len(asyncio.all_tasks()) - 1

def held():
    import json
    names = globals()
    result = names.get("stream_result")
    return json.dumps({{
        "state": result and str(result.state), "text": result and result.text, "stream_text": names.get("stream_text"),
        "answer": names.get("answer"), "same": names.get("run") is result, "turns": [t.role for t in chat.turns],
        "chat_runs": chat.running is not None, "tasks": engine().submit(others()).result(10)}})
"""
FORGET = "for name in ('stream_result', 'run', 'stream_text', 'answer'): globals().pop(name, None)"
CELLS = {
    "a cell": "%%stream -o answer -r run\n{}",
    "a quiet cell": "%%stream --quiet -o answer -r run\n{}",
    "a blocking call": "nbs.stream('{}', display=False)",
    "a chat": "chat.stream('{}', display=False)",
    "a chat by magic": "%%stream --chat chat -o answer -r run\n{}",
}


@dataclass
class Report:
    """What came of the storms.

    Attributes:
        interrupts: How many there were.
        ended: How the kernel replied to the cells; it loses the reply when an interrupt meets its own code.
        wrong: What was wrong afterwards.
    """

    interrupts: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([f"{self.interrupts:,} interrupts, cells: {dict(self.ended)}", *self.wrong[:20]])


def run(rounds: int = ROUNDS, seed: int = 7) -> Report:
    """Start a kernel and interrupt it, over and over.

    Args:
        rounds: How many cells to run.
        seed: Of the moments at which they are interrupted.
    """
    chance, report = random.Random(seed), Report()
    with FaultServer() as server:
        server.respond(_answer)
        manager, client = start_new_kernel(kernel_name="python3", cwd=ROOT)
        try:
            client.execute_interactive(SETUP.format(root=ROOT, url=server.base_url), timeout=PATIENCE)
            client.execute_interactive("nbs.stream('short', display=False)", timeout=PATIENCE)
            for number in range(rounds):
                kind = list(CELLS)[number % len(CELLS)]
                words = chance.choice(["short", "slow", "endless"])
                client.execute_interactive(FORGET, silent=True, timeout=PATIENCE)
                message = client.execute(CELLS[kind].format(words), stop_on_error=False)
                time.sleep(chance.random() * chance.choice([0.01, 0.1, 0.3]))
                storm, until = chance.choice([1, 5, 30]), time.monotonic() + LOST_SECONDS
                while (reply := _reply(client, message, 0.002)) is None and time.monotonic() < until:
                    if storm:
                        manager.interrupt_kernel()
                        report.interrupts += 1
                        storm -= 1
                        if not storm and words == "endless":
                            time.sleep(0.1)
                            storm = 1
                status = "lost by the kernel" if reply is None else reply["status"]
                report.ended[status] += 1
                what = f"round {number}, {kind}, {words}, {status}"
                report.wrong += [f"{what}: {wrong}" for wrong in _wrong(_held(client))]
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    return report


def _answer(received: Received) -> Answer:
    words = str(received.json["messages"][-1]["content"])
    if "endless" in words:
        return Answer(chat_body("Hel", finish_reason=None, done=False), then="hold")
    return Answer(chat_body(*["word "] * 40), drip=(200, 0.005) if "slow" in words else None)


def _reply(client: BlockingKernelClient, message: str, seconds: float) -> dict[str, Any] | None:
    try:
        reply = client.get_shell_msg(timeout=seconds)
    except Exception as error:
        # An interrupt may cut what the kernel sends into two messages, and neither is signed then.
        if type(error).__name__ != "Empty" and "Signature" not in str(error):
            raise
        return None
    found: dict[str, Any] = reply["content"]
    return found if reply["parent_header"].get("msg_id") == message else None


def _held(client: BlockingKernelClient) -> dict[str, Any]:
    """What the kernel holds, once what was interrupted has settled."""
    until = time.monotonic() + PATIENCE
    while True:
        message = client.execute("", silent=True, user_expressions={"held": "held()"})
        later = time.monotonic() + LOST_SECONDS
        while (reply := _reply(client, message, 0.5)) is None and time.monotonic() < later:
            pass
        if reply is None:
            if time.monotonic() > until:
                raise RuntimeError("the kernel does not answer any more")
        elif reply["status"] == "ok" and reply["user_expressions"]["held"]["status"] == "ok":
            held: dict[str, Any] = json.loads(ast.literal_eval(reply["user_expressions"]["held"]["data"]["text/plain"]))
            if not (held["tasks"] or held["chat_runs"]) or time.monotonic() > until:
                return held
        elif time.monotonic() > until:
            raise RuntimeError(reply)


def _wrong(held: dict[str, Any]) -> list[str]:
    wrong = [f"{held['tasks']} tasks still run"] if held["tasks"] else []
    wrong += ["the chat still answers"] if held["chat_runs"] else []
    text = held["text"] if held["state"] == "completed" else None
    if held["state"] is not None and (held["stream_text"], held["answer"], held["same"]) != (text, text, True):
        wrong.append(f"the names do not agree: {held}")
    if held["state"] is None and (held["stream_text"] or held["answer"]):
        wrong.append(f"names without a result: {held}")
    if held["turns"] != ["user", "assistant"] * (len(held["turns"]) // 2):
        wrong.append(f"half an exchange: {held['turns']}")
    return wrong


if __name__ == "__main__":
    print(run(*map(int, sys.argv[1:])))
