"""A loop over a stream in a real JupyterLab: its pieces reach the reader while the answer is drawn beside it."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_body, chat_chunk

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 120_000

PRINTED = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stdout']"

LOOP = """with nbs.start("Count.", model="m", base_url={base_url!r}) as handle:
    for text in handle:
        print(text, flush=True)
        if "3" in text:
            break
"""
ASYNC_LOOP = LOOP.replace("with", "async with").replace("for", "async for")
EVENTS = """handle = nbs.start("Count.", model="m", base_url={base_url!r}, display=False)
for event in handle.events():
    print(type(event).__name__, flush=True)
"""


@pytest.mark.parametrize("loop", [LOOP, ASYNC_LOOP], ids=["for", "async for"])
def test_a_loop_reads_what_is_drawn_and_leaving_its_block_stops_both(
    open_notebook: OpenNotebook, loopback: FaultServer, loop: str
) -> None:
    two, three, never = threading.Event(), threading.Event(), threading.Event()
    loopback.send(chat_chunk("One "), two, chat_chunk("**two** "), three, chat_chunk("3"), never, chat_body("4"))
    notebook = open_notebook("lab", f"import nbstream as nbs\n{loop.format(base_url=loopback.base_url)}", shared=True)
    notebook.start(1)
    printed, body = notebook.output(1).locator(PRINTED), notebook.view(1).locator(".nbs-body")
    expect(printed).to_have_text("One ", timeout=PATIENCE_MS)
    expect(body).to_have_text("One", timeout=PATIENCE_MS)
    two.set()
    expect(printed).to_contain_text("**two** ", timeout=PATIENCE_MS)
    expect(body.locator("strong")).to_have_text("two", timeout=PATIENCE_MS)
    three.set()
    notebook.wait_for_end(1)
    loopback.wait(left=1)
    shown = notebook.output(1)
    expect(shown.locator(".jp-RenderedMarkdown")).to_contain_text(re.compile(r"One two 3\s+Stopped"))
    expect(printed).to_have_text(re.compile(r"One\s+\*\*two\*\*\s+3"))
    expect(notebook.view(1)).to_have_count(0)
    assert notebook.value("handle.state, handle.text", 2) == "cancelled One **two** 3"


def test_events_come_as_they_happen_with_nothing_drawn(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    rest = threading.Event()
    loopback.send(chat_chunk({"reasoning_content": "Hm."}), rest, chat_body("One"))
    notebook = open_notebook("lab", f"import nbstream as nbs\n{EVENTS.format(base_url=loopback.base_url)}", shared=True)
    notebook.start(1)
    printed = notebook.output(1).locator(PRINTED)
    expect(printed).to_contain_text("ReasoningDelta", timeout=PATIENCE_MS)
    expect(printed).not_to_contain_text("TextDelta")
    rest.set()
    notebook.wait_for_end(1)
    expect(printed).to_contain_text(re.compile(r"TextDelta\s+Finished"))
    expect(printed).to_contain_text(re.compile(r"EndOfStream\s*$"))
    expect(notebook.view(1)).to_have_count(0)
