"""An image that sharpens and a sound, in a real JupyterLab: live, in the saved notebook, and in the panel."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from nbstream.demo.picture import pictures
from nbstream.testing import frame

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 30_000
PREVIEW, _, PICTURE = (base64.b64encode(each).decode() for each in pictures())
SOUND = base64.b64encode(bytes(4800)).decode()


def event(kind: str, **fields: Any) -> bytes:
    return frame({"type": f"response.{kind}", **fields})


CALL = {"id": "g1", "type": "image_generation_call"}
LOOKED = event("image_generation_call.partial_image", item_id="g1", output_index=0, partial_image_b64=PREVIEW)
DRAWN = event("output_item.done", output_index=0, item={**CALL, "status": "completed", "result": PICTURE})
SAID = event("output_text.delta", item_id="m1", output_index=1, content_index=0, delta="These are **hills**.")
HEARD = event("audio.delta", delta=SOUND) + event("audio.done")
END = event("completed", response={"id": "r", "status": "completed", "model": "m"})


def test_an_image_and_a_sound_live_and_saved_and_in_a_panel(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    seen, drawn = threading.Event(), threading.Event()
    loopback.send(LOOKED, seen, DRAWN, SAID, HEARD, drawn, END)
    loopback.send(LOOKED, DRAWN, SAID, HEARD, END)
    at = f"base_url={loopback.base_url!r}, model='m', api='responses'"
    notebook = open_notebook(
        "lab",
        f"%%stream --base-url {loopback.base_url} -m m --api responses\nDraw",
        f"import nbstream as nbs\npanel = nbs.ChatPanel({at})\npanel",
        "stream_result.images[0]",
        shared=True,
    )
    notebook.start(1)
    body = notebook.view(1).locator(".nbs-body")
    image = body.locator("img")
    expect(image).to_have_attribute("src", f"data:image/png;base64,{PREVIEW}", timeout=PATIENCE_MS)
    size = image.bounding_box()
    seen.set()
    expect(image).to_have_attribute("src", f"data:image/png;base64,{PICTURE}", timeout=PATIENCE_MS)
    assert size is not None
    assert image.bounding_box() == size
    assert (size["width"], size["height"]) == (480, 320)
    expect(body.locator("audio[controls]")).to_be_visible()
    drawn.set()
    notebook.wait_for_end(1)
    output = notebook.output(1)
    expect(output.locator(".jp-RenderedImage img")).to_be_visible(timeout=PATIENCE_MS)
    expect(output.locator(".jp-RenderedHTML audio[controls]")).to_be_visible()
    expect(output.locator(".jp-RenderedMarkdown strong")).to_have_text("hills")
    outputs = notebook.save()["cells"][1]["outputs"]
    assert [min(each["data"]) for each in outputs] == [
        "text/markdown",
        "image/png",
        "text/markdown",
        "text/html",
        "text/markdown",
    ]
    assert outputs[1]["data"]["image/png"].strip() == PICTURE
    assert PREVIEW not in str(outputs)
    notebook.run(3)
    expect(notebook.output(3).locator(".jp-RenderedImage img")).to_be_visible(timeout=PATIENCE_MS)

    notebook.run(2)
    panel = notebook.output(2)
    panel.get_by_role("textbox", name="Message").fill("Draw")
    panel.get_by_role("button", name="Send").click()
    answer = panel.locator('article[data-role="assistant"]')
    expect(answer).to_have_attribute("data-state", "completed", timeout=PATIENCE_MS)
    expect(answer.locator("img")).to_be_visible()
    expect(answer.locator("audio[controls]")).to_be_visible()
    saved = str(notebook.save()["cells"][2]["outputs"])
    assert '<img src="data:image/' in saved
    assert PREVIEW not in saved
