"""An answer of several parts in a real JupyterLab: its order while it arrives, as it is saved, and in the panel."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from nbstream.testing import frame

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from nbstream.testing import FaultServer
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 30_000

SHOWN = ["Let me look.", "Web search: tides in Oban", "High water is at ten.", "Tool call: look_up_moon"]
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"query": "tides in Oban"}}


def event(kind: str, **fields: Any) -> bytes:
    return frame({"type": f"response.{kind}", **fields})


def text(item: str, output: int, words: str) -> bytes:
    message = {"id": item, "type": "message", "role": "assistant", "content": []}
    added = event("output_item.added", output_index=output, item=message)
    return added + event("output_text.delta", item_id=item, output_index=output, content_index=0, delta=words)


SEARCHING = event("output_item.added", output_index=1, item={**SEARCH, "status": "in_progress", "action": None})
SEARCHED = event("output_item.done", output_index=1, item=SEARCH)
CALL = {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "look_up_moon", "arguments": "{}"}
CALLED = event("output_item.added", output_index=3, item=CALL) + event("output_item.done", output_index=3, item=CALL)
END = event("completed", response={"id": "r", "status": "completed", "model": "m"})


def paragraphs(shown: Locator) -> list[str]:
    return shown.locator("p").all_inner_texts()


def test_parts_are_shown_in_order_live_and_saved(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    found, done = threading.Event(), threading.Event()
    loopback.send(
        text("msg_1", 0, "Let me **look**."), SEARCHING, found, SEARCHED, text("msg_2", 2, "High water is at ten."),
        CALLED, done, END,
    )  # fmt: skip
    notebook = open_notebook("lab", f"%%stream --base-url {loopback.base_url} -m m --api responses\nWhen?", shared=True)
    notebook.start(1)
    body = notebook.view(1).locator(".nbs-body")
    expect(body.locator("p")).to_have_text(["Let me look.", "Web search: in progress"], timeout=PATIENCE_MS)
    found.set()
    expect(body.locator("p")).to_have_text(SHOWN, timeout=PATIENCE_MS)
    live = body.inner_text()
    done.set()
    notebook.wait_for_end(1)
    static = notebook.output(1).locator(".jp-RenderedMarkdown")
    expect(static.locator("p").first).to_have_text(SHOWN[0], timeout=PATIENCE_MS)
    assert paragraphs(static)[:4] == SHOWN
    assert static.inner_text().startswith(live)
    [output] = notebook.save()["cells"][1]["outputs"]
    kinds = [part["type"] for part in output["metadata"]["nbstream"]["parts"]]
    assert kinds == ["text", "activity", "text", "tool_call"]


def test_a_panel_shows_parts_in_order_while_they_arrive_and_afterwards(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    loopback.send(
        text("msg_1", 0, "Let me **look**."),
        SEARCHING,
        SEARCHED,
        text("msg_2", 2, "High water is at ten."),
        CALLED,
        END,
    )
    made = f"nbs.ChatPanel(base_url={loopback.base_url!r}, model='m', api='responses')"
    panel = f"import nbstream as nbs\npanel = {made}\npanel"
    notebook = open_notebook("lab", panel, "chat = panel.chat", "nbs.ChatPanel(chat)", shared=True)
    notebook.run(1)
    first = notebook.output(1)
    first.get_by_role("textbox", name="Message").fill("When?")
    first.get_by_role("button", name="Send").click()
    answer = first.locator('article[data-role="assistant"]')
    expect(answer).to_have_attribute("data-state", "completed", timeout=PATIENCE_MS)
    expect(answer.locator(".nbs-body p")).to_have_text(SHOWN)
    notebook.run(2)
    notebook.run(3)
    again = notebook.output(3).locator('article[data-role="assistant"]')
    expect(again.locator(".nbs-body p")).to_have_text(SHOWN, timeout=PATIENCE_MS)
    saved = json.dumps(notebook.save()["cells"][3]["outputs"])
    assert "Web search: tides in Oban" in saved
