"""What a streamed answer costs in real JupyterLab, against what people write with the SDK, in the same run.

The page does things of its own while a cell runs, which a cell that only sleeps shows; main-thread times are compared
above that floor.
"""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.bounds import hold
from tests.benchmarks.cells import WAYS, cell, preparation
from tests.benchmarks.page_meter import PageMeter, Spent

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from tests.real_jupyter import Notebook, OpenNotebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's CPU time from /proc")

PROMPT = "Write 880 words"  # about 5 KB
PACE = {"first_token": 0.2, "tokens_per_second": 100}
WEBSOCKET_BYTES = 1 / 30  # of those of a display a chunk
MAIN_THREAD = 1 / 9  # of that of a display a chunk, summed; 1/8.4 to 1/11 from day to day
KERNEL_CPU = 1 / 3  # of that of a loop that prints; 1/3.2 to 1/4.1 on a machine that does nothing else
REPEATS = 3

LONG_PROMPT = "Write 15500 words"  # about 80 KB
LONG_PACE = {"first_token": 0.2, "tokens_per_second": 3000}
LONG_TASK_MS = 50
KERNEL_DUTY = 0.25  # of one core

PATIENCE = 120.0
WORD = re.compile(r"\w+")


def measure(meter: PageMeter, notebook: Notebook, number: int, upstream: DemoServer) -> Spent:
    """Run a cell that asks once."""
    asked = len(upstream.requests)

    def until_answered() -> None:
        deadline = time.monotonic() + PATIENCE
        while len(upstream.requests) == asked and time.monotonic() < deadline:
            time.sleep(0.01)
        assert upstream.requests[asked].ended.wait(PATIENCE)

    return meter.run(notebook, number, until_answered)


def print_table(title: str, spent: dict[str, Spent]) -> None:
    print(f"\n{title}")
    heads = ("websocket", "messages", "main thread", "drawing", "kernel CPU", "wall", "longest task")
    print(f"  {'':28}" + "".join(f"{head:>14}" for head in heads))
    for way, each in spent.items():
        longest = max(each.long_tasks, default=0)
        print(
            f"  {way:28}{each.received.size:14,}{sum(each.received.messages.values()):14,}{each.main_thread:12.2f} s"
            f"{each.drawing:12.2f} s{each.kernel:12.2f} s{each.seconds:12.1f} s{longest:11.0f} ms"
        )


def test_an_answer_of_5_kb_at_100_chunks_a_second(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    meter = PageMeter()
    cells = [cell(way, upstream.base_url, PROMPT, PACE) for way in WAYS]
    preparing = preparation(upstream.base_url, PROMPT, PACE)
    notebook = open_notebook("lab", preparing, *cells, "time.sleep(13)", before_opening=meter.listen)
    notebook.run(1)
    floor_cell, spare = 2 + len(WAYS), 3 + len(WAYS)
    meter.start(notebook, spare)
    runs = {way: [measure(meter, notebook, number, upstream)] for number, way in enumerate(WAYS, start=2)}
    floors = [meter.run(notebook, floor_cell, lambda: time.sleep(13))]
    # Times vary, also those of a page whose cell only sleeps, by half of what an answer costs: main-thread times are
    # summed over runs in turn, because minima would subtract the quietest sleep from the answer of another moment.
    compared = ("%%stream", "display(Markdown) a chunk", "print a chunk")
    for _ in range(REPEATS - 1):
        for way in compared:
            runs[way].append(measure(meter, notebook, 2 + WAYS.index(way), upstream))
        floors.append(meter.run(notebook, floor_cell, lambda: time.sleep(13)))
    size, chunks, same = notebook.value("len(text), stream_usage.output_tokens, text == stream_text", spare).split()

    spent = {way: of_it[0] for way, of_it in runs.items()} | {"time.sleep": floors[0]}
    print_table(f"{size} characters in {chunks} chunks, 100 a second, in JupyterLab", spent)
    ours, each_chunk = spent["%%stream"], spent["display(Markdown) a chunk"]
    print("  where the bytes of %%stream go:")
    for part, part_size in ours.received.parts.most_common(7):
        kind = part.partition(" ")[0]
        print(f"    {part:36}{part_size:8,} in {ours.received.messages[kind]} messages")
    slept = sum(floor.main_thread for floor in floors)
    main_thread, other, _ = (sum(run.main_thread for run in runs[way]) - slept for way in compared)
    kernel, _, printing = (min(run.kernel for run in runs[way]) for way in compared)
    figures = {
        "websocket bytes of a display a chunk": (ours.received.size / each_chunk.received.size, WEBSOCKET_BYTES),
        "main-thread time of a display a chunk": (max(main_thread, 0.001) / other, MAIN_THREAD),
        "kernel CPU of a loop that prints": (kernel / printing, KERNEL_CPU),
    }
    for name, (ratio, limit) in figures.items():
        print(f"  {name:40} 1/{1 / ratio:.1f} (at most 1/{1 / limit:.0f})")
    assert same == "True"
    for name, (ratio, limit) in figures.items():
        hold(f"5 KB in JupyterLab: {name}", ratio, limit)


def test_an_answer_of_80_kb_at_3000_chunks_a_second(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    meter = PageMeter()
    ways = ("%%stream", "display(Markdown), 10/s")  # what does something at each chunk brings JupyterLab down
    cells = [cell(way, upstream.base_url, LONG_PROMPT, LONG_PACE) for way in ways]
    preparing = preparation(upstream.base_url, LONG_PROMPT, LONG_PACE)
    notebook = open_notebook("lab", preparing, *cells, before_opening=meter.listen)
    notebook.run(1)
    meter.start(notebook, 4)
    # Twice, because a full garbage collection of the page may hit any run.
    rounds = [measure(meter, notebook, 2, upstream) for _ in range(2)]
    spent = {"%%stream": rounds[0], "%%stream again": rounds[1], ways[1]: measure(meter, notebook, 3, upstream)}
    static = notebook.output(2).inner_text().rpartition("demo · ")[0]  # the footer
    size, chunks, same = notebook.value("len(text), stream_usage.output_tokens, text == stream_text", 4).split()

    print_table(f"{size} characters in {chunks} chunks, 3,000 a second, in JupyterLab", spent)
    live_tasks = [[round(task) for task in each.live_tasks] for each in rounds]
    duty = max(each.kernel / each.seconds for each in rounds)
    print(f"  tasks over {LONG_TASK_MS} ms while %%stream was live: {live_tasks} ms; later ones draw the static end")
    print(f"  kernel duty {duty:.0%} (at most {KERNEL_DUTY:.0%})")
    assert same == "True"
    for each in rounds:
        assert "".join(WORD.findall(each.live_text)) == "".join(WORD.findall(static)), "all of it was shown live"
    hold("80 KB in JupyterLab: the kernel's share of a core", duty, KERNEL_DUTY)
    longest = min(max(tasks, default=0) for tasks in live_tasks)
    hold("80 KB in JupyterLab: the page's longest task", longest, LONG_TASK_MS, "ms")
