"""From the first byte of an answer to its pixels, in JupyterLab, against a loop that prints, in the same run."""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from nbstream.testing import chat_body
from tests.benchmarks.bounds import hold

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook, OpenNotebook

ROUNDS = 9
LIMIT_MS = 60
PATIENCE = 30.0

PRINT = """
for chunk in client.chat.completions.create(
    stream=True, model="m", messages=[{"role": "user", "content": "Go"}]
):
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
"""

# Notes when the frame has been painted in which the word is first there.
WATCH = """(number) => {
  const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[number];
  window.painted_at = null;
  const look = () => {
    if (!cell.querySelector(".jp-Cell-outputArea")?.textContent.includes("Eureka")) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.painted_at = performance.timeOrigin + performance.now())));
  };
  const watch = new MutationObserver(look);
  watch.observe(cell, { subtree: true, childList: true, characterData: true });
}"""


def latency(notebook: Notebook, cell: int, server: FaultServer) -> float:
    """Milliseconds from the moment the server may send the first token to the frame that shows it."""
    first, rest = threading.Event(), threading.Event()
    server.send(
        chat_body("", finish_reason=None, done=False), first, chat_body("Eureka", finish_reason=None, done=False),
        rest, chat_body("!"),
    )  # fmt: skip
    asked = len(server.requests)
    notebook.start(cell)
    server.wait(requests=asked + 1, timeout=PATIENCE)
    notebook.page.evaluate(WATCH, cell)
    notebook.page.wait_for_timeout(400)  # the view is there and waits, as with a real model
    sent_at = time.time()
    first.set()
    notebook.page.wait_for_function("window.painted_at", timeout=PATIENCE * 1000, polling=100)
    painted_at: float = notebook.page.evaluate("window.painted_at")
    rest.set()
    notebook.wait_for_end(cell)
    expect(notebook.output(cell)).to_contain_text("Eureka!")
    return painted_at - sent_at * 1000


def test_the_first_token_is_on_screen_within_60_ms(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    notebook = open_notebook(
        "lab",
        f"import openai\nclient = openai.OpenAI(base_url={loopback.base_url!r})",
        f"%%stream --base-url {loopback.base_url} -m m\nGo",
        PRINT,
    )
    notebook.run(1)
    ways = {"%%stream": 2, "print at each chunk": 3}
    for cell in ways.values():
        latency(notebook, cell, loopback)  # the first is always dear
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, cell in ways.items():
            taken[way].append(latency(notebook, cell, loopback))
    print("\nfrom the first token's leaving the server to its pixels, in JupyterLab")
    for way, times in taken.items():
        print(f"  {way:24} median {statistics.median(times):5.0f} ms, {min(times):.0f} to {max(times):.0f} ms")
    hold("first token to its pixels in JupyterLab", statistics.median(taken["%%stream"]), LIMIT_MS, "ms")
