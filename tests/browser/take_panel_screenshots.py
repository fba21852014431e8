"""Takes the pictures of the chat panel that the README shows, in a real JupyterLab, light and dark.

It is not a test, so the suite does not collect it. To take the pictures again, name it:

    .venv/bin/python -m pytest tests/browser/take_panel_screenshots.py

The rest is as in `take_screenshots.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from playwright.sync_api import expect

from tests.browser.take_screenshots import (
    IMAGES,
    MODEL,
    PATIENCE_MS,
    SHADES,
    ended,
    new_notebook,
    page,
    picture,
    said,
    sheet,
    small,
)
from tests.browser.test_chat_panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook

__all__ = ["new_notebook", "page"]

ASKED = "Which city was the warmest, and by how much?"
ANSWER = """\
**Rome**, by 12.7 degrees:

| city | °C |
|---|---:|
| Oslo | 4.5 |
| Rome | 17.2 |

```python
warmest = max(readings, key=lambda row: row["celsius"])
```
"""
HALF = "Rome was the warmest of the two cities, at 17.2 °C. Oslo"
SUGGESTIONS = ["Which city was the warmest?", "Plot the readings", "What is missing in the data?"]
DATA = 'readings = [{"city": "Oslo", "celsius": 4.5}, {"city": "Rome", "celsius": 17.2}]'


def panel_cell(server: FaultServer, last: str = "panel") -> str:
    options = f'model="{MODEL}", base_url="{server.base_url}", suggestions={SUGGESTIONS}, context=["readings"]'
    return f"import ipywidgets, nbstream as nbs\npanel = nbs.ChatPanel({options})\n{last}"


def test_the_panel_in_a_notebook(new_notebook: Callable[..., Notebook], loopback: FaultServer, page: Page) -> None:
    page.set_viewport_size({"width": 960, "height": 1040})
    shown = f'{DATA}\n\npanel = nbs.ChatPanel(context=["readings"], bind="reply")\npanel'
    hidden = f'import nbstream as nbs\nnbs.configure(model="{MODEL}", base_url="{loopback.base_url}")'
    for shade in SHADES:
        notebook = new_notebook(shade, hidden, shown)
        notebook.run(1)
        notebook.run(2)
        panel = Panel(notebook, 2)
        loopback.send(0.4, said(ANSWER), 1.2, ended("stop"))
        panel.send(ASKED)
        panel.wait_for_end(1)
        loopback.send(0.4, said(ANSWER), 0.7, ended("stop"))
        panel.button("Retry").click()
        panel.wait_for_end(1)
        loopback.send(0.4, said("The readings are three days old. To get"), then="hold")
        panel.send("Are they up to date?")
        panel.wait_for_text(3, "To get")
        panel.send("And in Fahrenheit?")
        expect(panel.root.locator(".nbs-queue")).to_contain_text("Fahrenheit")
        page.mouse.move(0, 0)
        taken = picture(notebook.cells.nth(2))
        (IMAGES / f"panel-{shade}.png").write_bytes(small(taken))
        panel.button("Stop").click()


class State(NamedTuple):
    """One state of a panel: what its cell ends with, and how a panel gets there."""

    reach: Callable[[Panel, FaultServer], None]
    last: str = "panel"


def empty(panel: Panel, server: FaultServer) -> None:
    del server
    expect(panel.button(SUGGESTIONS[0])).to_be_visible()


def streaming(panel: Panel, server: FaultServer) -> None:
    server.send(0.4, said({"reasoning_content": "Two rows only."}), 1.2, said(HALF), then="hold")
    panel.send(ASKED)
    panel.wait_for_text(1, "Oslo")
    panel.send("And in Fahrenheit?")
    expect(panel.root.locator(".nbs-queue")).to_contain_text("Fahrenheit")
    panel.composer.fill("Thanks")


def branch(panel: Panel, server: FaultServer) -> None:
    for words in (HALF, "Rome, at 17.2 °C: 12.7 degrees more than Oslo."):
        server.send(0.4, said(words), 0.7, ended("stop"))
        if words == HALF:
            panel.send(ASKED)
        else:
            panel.button("Retry").click()
            panel.wait_for_text(1, "12.7")
        panel.wait_for_end(1)
    expect(panel.turn(1)).to_contain_text("2/2")
    panel.button("Settings").click()


def failed(panel: Panel, server: FaultServer) -> None:
    server.send(0.4, said(HALF), 0.5, then="close")
    panel.send(ASKED)
    panel.wait_for_end(1, "failed")
    expect(panel.button("Retry")).to_be_visible()


STATES = {
    "Empty, with what the author of the notebook suggests": State(empty),
    "An answer arrives; the next message waits": State(streaming),
    "The second of two answers; settings, folded out": State(branch),
    "The connection broke off": State(failed),
    "320 pixels wide": State(failed, 'ipywidgets.VBox([panel], layout={"width": "324px"})'),
}


@pytest.mark.parametrize("shade", SHADES)
def test_its_states(
    new_notebook: Callable[..., Notebook], loopback: FaultServer, chromium: Browser, shade: str
) -> None:
    rows: dict[str, list[bytes]] = {}
    notebook = new_notebook(shade, DATA, *[panel_cell(loopback, state.last) for state in STATES.values()])
    notebook.run(1)
    for number, (caption, state) in enumerate(STATES.items(), 2):
        notebook.run(number)
        panel = Panel(notebook, number)
        state.reach(panel, loopback)
        panel.page.mouse.move(0, 0)
        panel.root.evaluate("panel => panel.scrollIntoView({ block: 'center' })")
        rows[caption] = [picture(panel.root)]
        if (stop := panel.button("Stop")).is_visible():
            stop.click(timeout=PATIENCE_MS)
    sheet(chromium, f"panel-states-{shade}", [], rows, shade)
