"""The chat panel and the live view by the rules of axe-core: WCAG 2.2 A and AA, and what axe counts as good practice.

Each state in an empty page that has the colours of a host, and once in a real JupyterLab.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nbstream.panel.view.panel_state import Attachment
from nbstream.testing import chat_chunk
from tests.browser.test_chat_panel import Panel
from tests.browser.test_view_alone import another_host, jupyterlab, vscode
from tests.panel_page import LOST, exchange, queued

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from nbstream.testing import FaultServer
    from tests.panel_page import PanelPage
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 120_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHADES = ["light", "dark"]
ANSWER = """\
# The answer

Some *plain text*, `code` and a [link](https://x.example).

1. One
2. Two

```python
for line in response:  # a comment
    print("x", 1, line[5:])
```

| a | b |
|---|---|
| 1 | 2 |

> A quote.

"""
THOUGHTS = ANSWER.partition("\n")[2]
WIDE = f"$${'x + ' * 99}y$$\n\n| {'column | ' * 60}\n| {'--- | ' * 60}\n\n${'a + ' * 99}b$\n"
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def violations(page: Page, root: str = ".nbs-panel", rules: list[str] = RULES) -> list[str]:
    """What axe finds within an element, in words."""
    found = Axe().run(page, root, {"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.fixture(params=SHADES)
def shade(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[jupyterlab, vscode, another_host], ids=lambda host: host.__name__)
def panel(request: pytest.FixtureRequest, panel_page: PanelPage, page: Page, shade: str) -> PanelPage:
    """A panel with everything around the conversation."""
    request.param(page, shade)
    panel_page.show(
        suggestions=("Explain",),
        exports=("markdown", "json"),
        parameters={"temperature": None, "max_tokens": 5.0},
        context=("df: DataFrame, 2 rows",),
        totals=("12 tokens in, 30 out", "1.2 s"),
        models=("m", "n"),
    )
    panel_page.settle()
    return panel_page


def test_axe_finds_what_is_wrong(panel_page: PanelPage, page: Page) -> None:
    jupyterlab(page, "light")
    field, button = panel_page.composer, panel_page.button("Settings")
    field.evaluate("field => { field.removeAttribute('aria-label'); field.removeAttribute('placeholder') }")
    button.evaluate("button => { button.style.color = '#999'; button.style.background = '#888' }")
    assert {words.partition(":")[0] for words in violations(page)} == {"label", "color-contrast"}


def test_a_conversation_from_its_beginning_on(panel: PanelPage, page: Page) -> None:
    expect(panel.button("Explain")).to_be_visible()
    assert violations(page) == [], "while it is empty"
    asked, said = exchange(1, ANSWER + WIDE, siblings=("x", "a1"), reasoning="Hm.")
    failed = exchange(2, ANSWER, state="failed", mark=LOST, can_retry=True, can_continue=True, can_include=True)
    panel.show(turns=(asked, said, *failed))
    panel.settle()
    expect(panel.button("Continue")).to_be_visible()
    assert violations(page) == [], "when a turn has failed"
    stream = panel.ask(3)
    panel.show(queue=queued("And then?"), notices=("on_result failed: KeyError",), untrusted=("base_url: x",))
    assert violations(page) == [], "while it waits for an answer"
    panel.draw(stream, ANSWER, reasoning="Hm.")
    panel.composer.fill("x")
    panel.settle()
    assert violations(page) == [], "while it streams"
    panel.end(stream, ANSWER)
    panel.settle()
    assert violations(page) == [], "when the answer has ended"


def test_what_folds_out_and_what_is_edited(panel: PanelPage, page: Page) -> None:
    panel.root.locator(".nbs-context summary").click()
    for name in ("Model: m", "Settings", "Export"):
        panel.button(name).click()
        expect(panel.button(name)).to_have_attribute("aria-expanded", "true")
        assert violations(page) == [], name
    files = (Attachment("dot.gif", "image/gif", url=DOT), Attachment("notes.txt", text="All of it."))
    asked, said = exchange(2, ANSWER, siblings=("x", "a2"))
    panel.show(turns=(*exchange(1, ANSWER), replace(asked, attachments=files), said), queue=queued("And then?"))
    panel.turns.first.get_by_role("button", name="Edit", exact=True).click()
    panel.turns.nth(3).locator("pre").hover()
    panel.settle()
    assert violations(page) == [], "a message that is edited, and files"


def test_in_jupyterlab(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    server = f'model="m", base_url="{loopback.base_url}"'
    cells = [
        f'import nbstream as nbs\npanel = nbs.ChatPanel({server}, suggestions=["Explain"])\npanel',
        f"%%stream -m m --base-url {loopback.base_url}\nhello",
    ]
    notebook = open_notebook("lab", *cells, shared=True)

    def found(root: str = ".nbs-panel") -> list[str]:
        return [f"{shade}: {words}" for shade in notebook.shades() for words in violations(notebook.page, root)]

    notebook.run(1)
    panel = Panel(notebook, 1)
    assert found() == [], "empty"
    loopback.send(chat_chunk(ANSWER + WIDE), then="hold")
    panel.send("hello")
    panel.wait_for_text(1, "A quote.")
    assert found() == [], "streaming"
    panel.composer.press("Escape")
    panel.wait_for_end(1, "cancelled")
    expect(panel.turn(1).locator("mjx-container")).to_have_count(2, timeout=PATIENCE_MS)
    assert found() == [], "stopped"

    loopback.send(chat_chunk({"reasoning_content": THOUGHTS}), 0.2, chat_chunk(ANSWER + WIDE), then="hold")
    notebook.start(2)
    expect(notebook.view(2)).to_contain_text("A quote.", timeout=PATIENCE_MS)
    assert found(".nbs-view") == [], "a live view"
    assert found() == [], "a panel beside a live view"
    notebook.view(2).get_by_role("button", name="Stop").click()
    notebook.wait_for_end(2)
    fold = notebook.output(2).locator(".jp-RenderedMarkdown .nbs-reasoning")
    fold.locator("summary").click()
    expect(fold).to_contain_text("plain text")
    assert found(".nbs-static .nbs-reasoning") == [], "the reasoning in the static answer"
