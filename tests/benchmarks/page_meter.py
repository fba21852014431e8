"""What a page and its kernel spend while a cell runs: websocket bytes, main-thread time, long tasks, kernel CPU.

It must not know what the cell does.
"""

from __future__ import annotations

import os
import pathlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.websocket import Listener, Received

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real_jupyter import Notebook

__all__ = ["PageMeter", "Spent"]

_OBSERVE = """() => {
  window.long_tasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.long_tasks.push([task.startTime, task.startTime + task.duration]);
  }).observe({ type: "longtask" });
  window.left = null; // the last live view that has left the page: when, and its text
  window.came_at = null; // when the last one came
  new MutationObserver((changes) => {
    if (document.querySelector(".nbs-body")) window.came_at ??= performance.now();
    for (const node of changes.flatMap((change) => [...change.removedNodes])) {
      const body = node.querySelector?.(".nbs-body");
      if (body) window.left = { at: performance.now(), text: body.textContent };
    }
  }).observe(document.body, { subtree: true, childList: true });
}"""
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass
class Spent:
    """What one run of a cell took.

    Attributes:
        received: What came over the websocket.
        main_thread: Seconds of the page's main thread.
        drawing: Seconds of it in scripts, styles and layout.
        kernel: Seconds of CPU of the kernel's process.
        seconds: How long the cell ran.
        long_tasks: Milliseconds of each task of the page of over 50 ms.
        live_tasks: Those of them while the live view was on the page.
        live_text: What the live view said when it left.
    """

    received: Received = field(default_factory=Received)
    main_thread: float = 0.0
    drawing: float = 0.0
    kernel: float = 0.0
    seconds: float = 0.0
    long_tasks: list[float] = field(default_factory=list)
    live_tasks: list[float] = field(default_factory=list)
    live_text: str = ""


class PageMeter:
    """Measures one page: hand `listen` to whatever opens it, and call `start` once it is open."""

    def __init__(self) -> None:
        self._listener = Listener()
        self.listen = self._listener.listen
        self._kernel = 0

    def start(self, notebook: Notebook, spare_cell: int) -> None:
        """Get ready, once the notebook is open."""
        self._kernel = int(notebook.value("__import__('os').getpid()", spare_cell))
        self._session = notebook.page.context.new_cdp_session(notebook.page)
        self._session.send("Performance.enable")
        notebook.page.evaluate(_OBSERVE)

    def run(self, notebook: Notebook, cell: int, until: Callable[[], object]) -> Spent:
        """Run a cell to its end.

        Args:
            notebook: The notebook that is open in the page.
            cell: The number of the cell.
            until: Waits until the end is near; meanwhile the page is left alone, for to look at it takes its time.
        """
        self._session.send("HeapProfiler.collectGarbage")  # or this run would pay for the garbage of what came before
        notebook.page.wait_for_timeout(500)  # which has calmed down
        notebook.page.evaluate("window.long_tasks.length = 0; window.left = window.came_at = null")
        spent = Spent()
        self._listener.received = spent.received
        before, cpu, began = self._metrics(), self._kernel_cpu(), time.perf_counter()
        notebook.start(cell)
        until()
        notebook.wait_for_end(cell)
        spent.seconds = time.perf_counter() - began
        notebook.page.wait_for_timeout(500)  # the last messages are on their way, the last frame is drawn
        after = self._metrics()
        spent.kernel = self._kernel_cpu() - cpu
        spent.main_thread = after["TaskDuration"] - before["TaskDuration"]
        names = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
        spent.drawing = sum(after[name] - before[name] for name in names)
        tasks = notebook.page.evaluate("window.long_tasks")
        spent.long_tasks = [end - start for start, end in tasks]
        if left := notebook.page.evaluate("window.left"):
            came_at = notebook.page.evaluate("window.came_at")
            spent.live_tasks = [end - start for start, end in tasks if came_at < start and end < left["at"]]
            spent.live_text = left["text"]
        return spent

    def _metrics(self) -> dict[str, float]:
        return {each["name"]: each["value"] for each in self._session.send("Performance.getMetrics")["metrics"]}

    def _kernel_cpu(self) -> float:
        """Seconds of all threads; Linux only."""
        fields = pathlib.Path(f"/proc/{self._kernel}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
