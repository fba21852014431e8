"""Takes the pictures of the live view that the README shows, in a real JupyterLab, light and dark.

It is not a test, so the suite does not collect it. To take the pictures again, name it:

    .venv/bin/python -m pytest tests/browser/take_screenshots.py

The pictures go to `notebooks/images/`. They are a quarter of the size if Pillow is installed; nothing else needs it.
"""

from __future__ import annotations

import base64
import io
import json
import pathlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_body, chat_chunk, error_body, error_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

    from nbstream.testing import FaultServer
    from tests.real_jupyter import Jupyter, Notebook, OpenNotebook

IMAGES = pathlib.Path(__file__).parents[2] / "notebooks" / "images"
PATIENCE_MS = 120_000
SHARPNESS = 1.5
WIDTH = 720  # of the window: makes outputs about as wide as half a README
MODEL = "gpt-5-mini"
SHADES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

TEXT = """\
Each event is a few lines of *plain text*:

```python
for line in response:
    if line.startswith("data:"):  # the rest is JSON
        print(line[5:])
```

| field | meaning |
|---|---|
| `data` | the payload, **one or more** lines |
| `id` | where to go on after"""
THOUGHTS = "The reader knows HTTP but not SSE.\nA short example says more than the specification."
HALF = "Server-sent events are **plain text** over one response that stays open. The server writes"

# A view that stays shows what a reader sees who has reloaded the page in the middle of the stream.
STAY = f"""\
def stay():
    from nbstream.display.live_view import LiveView
    view = LiveView({MODEL!r}, print)
    display(view.mime_bundle(), raw=True)
    view.draw(stream_result)
    view.end(stream_result)"""


class End(NamedTuple):
    """One way for a stream to end: its caption, and what the server sends."""

    caption: str
    pieces: tuple[Any, ...]
    options: dict[str, Any]
    by_reader: bool = False


def ended(finish_reason: str, *, usage: tuple[int, int] | None = (21, 64)) -> bytes:
    return chat_body(finish_reason=finish_reason, usage=usage, model=MODEL)


def said(delta: Any) -> bytes:
    return chat_chunk(delta, model=MODEL)


ENDS = (
    End(
        "Complete",
        (
            0.4,
            said({"reasoning_content": THOUGHTS}),
            1.2,
            said(HALF),
            0.4,
            said(" an event, then the next."),
            ended("stop"),
        ),
        {},
    ),
    End(
        "Stopped by you",
        (
            0.4,
            said(HALF),
        ),
        {"then": "hold"},
        by_reader=True,
    ),
    End("Cut at the token limit", (0.4, said(HALF), 0.5, ended("length")), {}),
    End("Filtered", (0.4, said(HALF), 0.5, ended("content_filter", usage=None)), {}),
    End("Refused", (0.4, said({"refusal": "I cannot help with that."}), 0.5, ended("stop", usage=(21, 7))), {}),
    End("Connection lost", (0.4, said(HALF), 0.5), {"then": "close"}),
    End("Error of the server", (0.4, said(HALF), 0.5, error_frame("The model is overloaded", "overloaded")), {}),
)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """As that of the tests, but as sharp as a good screen."""
    context = chromium.new_context(viewport={"width": WIDTH, "height": 900}, device_scale_factor=SHARPNESS)
    yield context.new_page()
    context.close()


@pytest.fixture
def new_notebook(open_notebook: OpenNotebook, jupyter: Jupyter, page: Page) -> Callable[..., Notebook]:
    """Open a notebook in a shade, with nothing beside it."""
    settings = jupyter.root.parent / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"

    def open_(shade: str, *cells: str) -> Notebook:
        settings.write_text(json.dumps({"theme": SHADES[shade]}))
        notebook = open_notebook("lab", *cells)
        page.keyboard.press("Control+b")
        expect(page.locator("#jp-left-stack")).to_be_hidden()
        return notebook

    return open_


def stream_cell(server: FaultServer) -> str:
    return f"%%stream --base-url {server.base_url} -m {MODEL}\nWhat are server-sent events?"


def picture(parts: Locator, height: float | None = None) -> bytes:
    """What one or more elements below each other show; only the end of it, if a height is given."""
    boxes = [box for part in parts.all() if (box := part.bounding_box()) is not None]
    bottom = max(box["y"] + box["height"] for box in boxes)
    top = min(box["y"] for box in boxes) if height is None else bottom - height
    clip = {"x": boxes[0]["x"], "y": top, "width": boxes[0]["width"], "height": bottom - top}
    return parts.page.screenshot(animations="disabled", clip=clip)  # type: ignore[arg-type]  # it is one


def test_the_first_picture(new_notebook: Callable[..., Notebook], page: Page) -> None:
    page.set_viewport_size({"width": 960, "height": 900})
    notebook = new_notebook("light", "%%stream -m demo -o answer -u usage\nWhat is nbstream?")
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text("print(result.text)", timeout=PATIENCE_MS)
    taken = picture(notebook.cells.filter(has_text="nbstream"))
    (IMAGES / "live-answer.png").write_bytes(small(taken))
    notebook.wait_for_end(1)


# --- while it arrives -------------------------------------------------------------------------------------------------


def test_while_it_arrives(new_notebook: Callable[..., Notebook], loopback: FaultServer, chromium: Browser) -> None:
    rows: dict[str, list[bytes]] = {}
    for shade in SHADES:
        cells = [stream_cell(loopback)] * 5
        notebook = new_notebook(shade, *cells)
        for number, (caption, take) in enumerate(ARRIVING.items(), 1):
            rows.setdefault(caption, []).append(take(notebook, number, loopback))
            notebook.view(number).get_by_role("button", name="Stop").click()
            notebook.wait_for_end(number)
    sheet(chromium, "states-arriving", ["Light", "Dark"], rows, "light", "dark")


def waiting(notebook: Notebook, number: int, server: FaultServer) -> bytes:
    server.send(before_head=threading.Event())
    notebook.start(number)
    expect(notebook.view(number)).to_contain_text("· 3 s", timeout=PATIENCE_MS)
    return picture(notebook.view(number))


def retrying(notebook: Notebook, number: int, server: FaultServer) -> bytes:
    headers = {"content-type": "application/json", "retry-after": "15"}
    server.send(error_body("Slow down", "rate_limit_exceeded"), status=429, headers=headers)
    notebook.start(number)
    expect(notebook.view(number)).to_contain_text("retrying in 12 s", timeout=PATIENCE_MS)
    return picture(notebook.view(number))


def thinking(notebook: Notebook, number: int, server: FaultServer) -> bytes:
    server.send(said({"reasoning_content": THOUGHTS}), then="hold")
    notebook.start(number)
    view = notebook.view(number)
    expect(view.locator("summary")).to_contain_text("2 s", timeout=PATIENCE_MS)
    view.locator("summary").click()
    return picture(view)


def streaming(notebook: Notebook, number: int, server: FaultServer) -> bytes:
    server.send(said({"reasoning_content": THOUGHTS}), 2.0, said(TEXT), then="hold")
    notebook.start(number)
    view = notebook.view(number)
    expect(view).to_contain_text("where to go on", timeout=PATIENCE_MS)
    view.locator(".nbs-bar").scroll_into_view_if_needed()
    view.locator("pre").hover()
    expect(view.get_by_role("button", name="Copy")).to_be_visible()
    return picture(view)


def long(notebook: Notebook, number: int, server: FaultServer) -> bytes:
    paragraphs = [f"{number}. This is one point of very many in a long answer.\n" for number in range(1, 91)]
    server.send(said("".join(paragraphs)), then="hold")
    notebook.start(number)
    view = notebook.view(number)
    expect(view.locator(".nbs-more")).to_be_visible(timeout=PATIENCE_MS)
    view.locator(".nbs-box").evaluate("box => { box.scrollTop = 300 }")
    view.locator(".nbs-bar").scroll_into_view_if_needed()
    return picture(view, height=130)


ARRIVING: dict[str, Callable[[Notebook, int, FaultServer], bytes]] = {
    "Waiting": waiting,
    "A pause before the next attempt": retrying,
    "Reasoning, unfolded": thinking,
    "Text, code, a table": streaming,
    "The end of a long answer": long,
}


# --- how it ended -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shade", SHADES)
def test_how_it_ended(
    new_notebook: Callable[..., Notebook], loopback: FaultServer, chromium: Browser, shade: str
) -> None:
    cells = [stream_cell(loopback), "stay()"] * len(ENDS)
    notebook = new_notebook(shade, STAY, *cells)
    notebook.run(1)
    rows = {}
    for number, end in enumerate(ENDS):
        asked, kept = 2 * number + 2, 2 * number + 3
        loopback.send(*end.pieces, **end.options)
        notebook.start(asked)
        if end.by_reader:
            expect(notebook.view(asked)).to_contain_text("writes", timeout=PATIENCE_MS)
            notebook.view(asked).get_by_role("button", name="Stop").click()
        notebook.wait_for_end(asked)
        expect(notebook.view(asked)).to_have_count(0)
        outputs = notebook.output(asked).locator(".jp-OutputArea-output")
        for each in (outputs.last, outputs.first):
            each.scroll_into_view_if_needed()
        static = picture(outputs)
        notebook.run(kept)
        expect(notebook.view(kept).locator(".nbs-bar")).to_be_hidden(timeout=PATIENCE_MS)
        if number == 0:  # the note that a view that stays ends with; once is enough
            expect(notebook.view(kept)).to_contain_text("not saved", timeout=PATIENCE_MS)
        notebook.view(kept).scroll_into_view_if_needed()
        rows[end.caption] = [static, picture(notebook.view(kept))]
    sheet(chromium, f"states-ended-{shade}", ["In the notebook", "In a page that was reloaded"], rows, shade, shade)


# --- sheets -----------------------------------------------------------------------------------------------------------

STYLE = """
  :root { --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --back: #fff }
  :root[data-shade="dark"] { --text: #f0f6fc; --faint: #9198a1; --line: #3d444d; --back: #0d1117 }
  body { background: var(--back); color: var(--text); font: 13px system-ui, sans-serif; margin: 0; width: max-content }
  main { display: grid; gap: 6px 12px; grid-template-columns: auto auto; padding: 16px }
  h2 { font-size: 14px; font-weight: 600; margin: 0 }
  h3 { color: var(--faint); font-size: 13px; font-weight: 400; grid-column: 1 / -1; margin: 10px 0 0 }
  img { border: 1px solid var(--line); border-radius: 4px; display: block; padding: 6px 12px }
  .light { background: #fff }
  .dark { background: #111 } /* as the notebook's */
"""


def sheet(chromium: Browser, name: str, heads: list[str], rows: dict[str, list[bytes]], *shades: str) -> None:
    """Compose the pictures into one, a captioned row each; `shades` are those of the columns, and of the whole."""
    body = "".join(f"<h2>{head}</h2>" for head in heads)
    for caption, pictures in rows.items():
        body += f"<h3>{caption}</h3>"
        for each, shade in zip(pictures, shades, strict=True):
            source = f"data:image/png;base64,{base64.b64encode(each).decode()}"
            body += f'<img class={shade} srcset="{source} {SHARPNESS}x">'
    page = chromium.new_context(viewport={"width": 1200, "height": 900}, device_scale_factor=SHARPNESS).new_page()
    page.set_content(f"<html data-shade={shades[0]}><style>{STYLE}</style><main>{body}</main>")
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(small(page.locator("main").screenshot()))
    page.context.close()


def small(png: bytes) -> bytes:
    """With the 256 colours that it has most of, if Pillow is there to count them: flat areas keep theirs."""
    try:
        from PIL import Image
    except ImportError:
        return png
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    counted: Any = picture.getcolors(picture.width * picture.height)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in sorted(counted, reverse=True)[:256] for part in colour])
    file = io.BytesIO()
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()
