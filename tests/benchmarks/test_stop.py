"""How soon a Stop and a Send take effect in a real notebook, whose kernel is idle or busy."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

import nbstream as nbs
from nbstream.testing import chat_chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.demo import DemoServer
    from nbstream.demo.record import RequestRecord
    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE = 30.0
STOP, SEND = 0.5, 0.75  # seconds at most; a part of the second is typing
SEEN_BY_THE_SERVER = 0.1
MAGIC = "%%stream --base-url {url} -m demo\nWrite a long text"
PYTHON = "import nbstream as nbs\nnbs.stream('Write a long text', base_url={url!r}, model='demo')"
PANEL = "import nbstream as nbs\nnbs.ChatPanel(model='demo', base_url={url!r})"
BUSY = "import pathlib\nwhile not pathlib.Path('stopped.txt').exists(): sum(range(1000))"


def seconds_to_close(what: str, record: RequestRecord, act: Callable[[], object]) -> None:
    """Check how long after `act` the connection is closed."""
    acted_at = time.monotonic()
    act()
    assert record.ended.wait(PATIENCE)
    assert record.closed_at is not None
    took = record.closed_at - acted_at
    print(f"\n  {what:58}{1000 * took:6.0f} ms (at most {1000 * STOP:.0f})")
    assert took < STOP


def click_stop(notebook: Notebook) -> None:
    notebook.view(1).get_by_role("button", name="Stop").click()


@pytest.mark.parametrize(
    ("cell", "way"),
    [(MAGIC, click_stop), (PYTHON, click_stop), (MAGIC, lambda notebook: notebook.interrupt())],
    ids=["%%stream, Stop", "nbs.stream, Stop", "%%stream, interrupt"],
)
def test_a_blocking_cell_lets_go_of_its_connection(
    open_notebook: OpenNotebook,
    upstream: DemoServer,
    front_end: str,
    cell: str,
    way: Callable[[Notebook], None],
    request: pytest.FixtureRequest,
) -> None:
    notebook = open_notebook(front_end, cell.format(url=upstream.base_url))
    notebook.start(1)
    expect(notebook.view(1).locator(".nbs-block").nth(2)).to_be_visible(timeout=1000 * PATIENCE)
    what = request.node.callspec.id
    seconds_to_close(f"{what}: to a closed connection", upstream.requests[-1], lambda: way(notebook))


@pytest.mark.parametrize("kernel", ["idle", "busy"])
def test_a_panel_sends_and_stops(open_notebook: OpenNotebook, upstream: DemoServer, kernel: str) -> None:
    notebook = open_notebook("lab", PANEL.format(url=upstream.base_url), BUSY)
    notebook.run(1)
    panel = notebook.cells.nth(1).locator(".nbs-panel")
    composer = panel.get_by_role("textbox", name="Message", exact=True)
    stop = panel.get_by_role("button", name="Stop", exact=True)

    def send(text: str) -> None:
        composer.fill(text)
        composer.press("Enter")

    send("Count to 3")  # the first message of a kernel imports what it needs
    expect(panel.locator("article").nth(1)).to_have_attribute("data-state", "completed", timeout=1000 * PATIENCE)
    if kernel == "busy":
        notebook.start(2)
        expect(notebook.prompt(2)).to_have_text("[*]:")
    asked, sent_at = len(upstream.requests), time.monotonic()
    send("Write 800 words")
    while len(upstream.requests) == asked and time.monotonic() < sent_at + PATIENCE:
        time.sleep(0.005)  # the server runs here, but tells of nothing but ends
    took = time.monotonic() - sent_at
    expect(panel.locator("article").nth(3)).to_contain_text("A token is", timeout=1000 * PATIENCE)
    print(f"\n  panel, {kernel} kernel: from Send to the request {1000 * took:26.0f} ms (at most {1000 * SEND:.0f})")
    seconds_to_close(f"panel, {kernel} kernel, Stop: to a closed connection", upstream.requests[-1], stop.click)
    if kernel == "busy":
        notebook.path.with_name("stopped.txt").touch()
    assert took < SEND


def test_the_server_sees_at_once_that_a_stream_was_cancelled(loopback: FaultServer) -> None:
    loopback.send(chat_chunk("xxx"), then="hold")
    took = []
    for number in range(1, 31):
        handle = nbs.start("Hi", model="m", base_url=loopback.base_url, display=False)
        loopback.wait(requests=number)
        cancelled_at = time.monotonic()
        handle.cancel()
        loopback.wait(left=number)
        took.append(time.monotonic() - cancelled_at)
        assert handle.result(PATIENCE).state == "cancelled"
    median, longest = statistics.median(took), max(took)
    print(f"\n  cancelled, until the server saw it: median {1000 * median:.1f} ms, longest {1000 * longest:.1f} ms")
    assert median < SEEN_BY_THE_SERVER
