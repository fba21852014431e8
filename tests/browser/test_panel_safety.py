"""Hostile questions, answers, names and errors in a chat panel: nothing in them runs, navigates or makes a request.

In an empty page, where every string can be shown in every place; and in JupyterLab, whose typesetter sets the formulas.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.display.marks import Mark
from nbstream.panel.view.panel_state import Attachment, TurnView
from nbstream.testing import FaultServer
from tests.browser.canary import END, Canary
from tests.browser.test_chat_panel import Panel
from tests.browser.test_safety import groups, own_addresses
from tests.panel_page import ADDRESS, queued
from tests.payloads import FOR_A_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.panel_page import PanelPage
    from tests.real_jupyter import Jupyter, OpenNotebook

PATIENCE_MS = 120_000
LOOK_MS = 50
# A formula is set when it comes into sight.
ALL_SET = """() => {
  const next = document.querySelector(".nbs-panel .nbs-math:not(:has(mjx-container))");
  next?.scrollIntoView({ block: "center" });
  return !next;
}"""
SHOWN = (
    ".nbs-body, .nbs-mark, .nbs-turn-facts, .nbs-who, .nbs-thoughts, .nbs-words, .nbs-totals, .nbs-panel pre, .nbs-chip"
)


@pytest.fixture
def canary(page: Page) -> Iterator[Canary]:
    with FaultServer() as server:
        yield Canary(page, server)


def findings(canary: Canary, panel: PanelPage) -> list[str]:
    panel.settle()
    return [*canary.poke(SHOWN), *canary.misdeeds((ADDRESS,))]


def test_no_payload_acts_in_a_question_or_an_answer(canary: Canary, panel_page: PanelPage) -> None:
    canary.begin()
    texts = [canary.armed(group) for group in groups()]
    for number, text in enumerate(texts):
        stream = panel_page.ask(number)
        panel_page.draw(stream, text[: len(text) // 2], reasoning=text)
        panel_page.draw(stream, text)
        panel_page.end(stream, text, reasoning=text)
    assert findings(canary, panel_page) == []
    expect(panel_page.turns.filter(has_text=END)).to_have_count(len(texts))

    asked = (TurnView(f"q{number}", "user", text) for number, text in enumerate(texts))
    panel_page.show(turns=tuple(asked))  # rendered whole this time, and in the other place
    expect(panel_page.turns.locator(".nbs-body").filter(has_text=END)).to_have_count(len(texts))
    assert findings(canary, panel_page) == []


def test_no_payload_acts_in_a_name_an_error_or_a_file(canary: Canary, panel_page: PanelPage) -> None:
    canary.begin()
    texts = tuple(payload.armed(canary.address) for payload in FOR_A_PAGE)
    said = [
        TurnView(
            f"a{number}",
            "assistant" if number % 2 else text,
            state="failed",
            mark=Mark(text, text),
            facts=(text,),
            note=text,
            attachments=(Attachment(text, text, text, text), Attachment(text, url=text)),
        )
        for number, text in enumerate(texts)
    ]
    waiting = [replace(item, attachments=(Attachment(item.text),)) for item in queued(*texts)]
    everywhere = {"totals": texts, "context": texts, "exports": texts, "suggestions": texts, "models": texts}
    whole = "\n".join(texts)
    panel_page.show(turns=tuple(said), queue=tuple(waiting), **everywhere, model=whole, notices=(whole,), system=whole)
    panel_page.show(parameters=dict.fromkeys(texts, 1.0))
    panel_page.reader.error = ValueError(whole)
    panel_page.composer.fill("x")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notices")).to_contain_text(texts[-1].split()[0])
    for toggle in panel_page.root.locator(".nbs-tool[aria-expanded]").all():
        toggle.click()
    assert findings(canary, panel_page) == []
    panel_page.show(turns=(), queue=())  # now the suggestions are in sight
    assert findings(canary, panel_page) == []
    assert panel_page.root.locator("img, script, iframe, svg, a, form, style").count() == 0


def test_no_payload_acts_when_jupyterlab_has_set_the_formulas(
    open_notebook: OpenNotebook, jupyter: Jupyter, canary: Canary
) -> None:
    texts = [canary.armed(group) for group in groups()]
    messages = [{"role": role, "content": text} for text in texts for role in ("user", "assistant")]
    (jupyter.root / "messages.json").write_text(json.dumps(messages))
    cells = [
        "import json\nimport nbstream as nbs\npanel = nbs.ChatPanel(model='demo')\npanel",
        "with open('messages.json') as file:\n    panel.chat.messages = json.load(file)",
    ]
    notebook = open_notebook("lab", *cells)
    notebook.run(1)
    panel = Panel(notebook, 1)
    canary.begin()
    notebook.run(2)
    turns = panel.root.locator("article")
    expect(turns.filter(has_text=END)).to_have_count(len(messages), timeout=PATIENCE_MS)
    notebook.page.wait_for_function(ALL_SET, timeout=2 * PATIENCE_MS, polling=LOOK_MS)
    expect(panel.root.locator(".nbs-diagram > img").first).to_be_attached(timeout=PATIENCE_MS)
    assert [*canary.poke(SHOWN), *canary.misdeeds(own_addresses(jupyter))] == []
    formulas = panel.root.locator("mjx-container")
    assert formulas.count() >= len(texts)
    assert formulas.locator("a, [class*=jp-]").count() == 0, "JupyterLab itself lets formulas link and name classes"
