"""Code gets its colours as soon as they are found, also in an answer that has fallen silent behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_chunk

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from nbstream.testing import FaultServer
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 60_000

SHADES = """code => {
  const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  const colours = new Set();
  while (texts.nextNode()) {
    if (texts.currentNode.data.trim()) colours.add(getComputedStyle(texts.currentNode.parentElement).color);
  }
  return colours.size;
}"""

# Of a language each, so that none has its lexer before.
ANSWERS = {
    "closed": ("elixir", "So:\n\n```{}\ndefmodule A do\n  def f(x), do: x + 1  # one more\nend\n```\n\nThen"),
    "open": ("erlang", "So:\n\n```{}\n-module(a).\nf(X) -> X + 1.  % one more\n"),
    "in a list": ("haskell", "1. So:\n\n   ```{}\n   f :: Int -> Int  -- one more\n   f x = x + 1\n   ```\n"),
}


def shades(code: Locator) -> int:
    """In how many colours its text is."""
    return int(code.evaluate(SHADES))


def expect_colours(code: Locator) -> None:
    expect(code).to_contain_text("one more", timeout=PATIENCE_MS)
    expect(code.locator("span").first).to_be_visible(timeout=PATIENCE_MS)
    assert shades(code) >= 3


@pytest.mark.parametrize("place", ANSWERS)
def test_code_has_colours_though_nothing_follows_it(
    open_notebook: OpenNotebook, loopback: FaultServer, place: str
) -> None:
    language, text = ANSWERS[place]
    loopback.send(chat_chunk(text.format(language)), then="hold")
    notebook = open_notebook("lab", f"%%stream --base-url {loopback.base_url} -m m\nHello", shared=True)
    notebook.start(1)
    view = notebook.view(1)
    expect_colours(view.locator("pre code"))
    expect(view.get_by_role("button", name="Stop")).to_be_visible()
    view.get_by_role("button", name="Stop").click()
    notebook.wait_for_end(1)


def test_so_has_code_in_a_panel(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    loopback.send(chat_chunk(ANSWERS["closed"][1].format("ocaml")), then="hold")
    made = f'panel = nbs.ChatPanel(model="m", base_url="{loopback.base_url}")'
    notebook = open_notebook("lab", f"import nbstream as nbs\n{made}\npanel", shared=True)
    notebook.run(1)
    root = notebook.cells.nth(1).locator(".nbs-panel")
    composer = root.get_by_role("textbox", name="Message", exact=True)
    composer.fill("Hello")
    composer.press("Enter")
    expect_colours(root.locator("article pre code"))
    expect(root.locator("article").last).to_have_attribute("data-state", "streaming")
    root.get_by_role("button", name="Stop", exact=True).click()
