"""Saved answers in real front ends: a sample of the texts that are judged without a browser, read from the page."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from nbstream.testing import Answer, FaultServer, chat_body, chat_chunk
from tests.markdown.seen import structure
from tests.markdown.shown import compare, corpora, difference
from tests.real_jupyter import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.markdown.shown import Compared
    from tests.real_jupyter import Jupyter, OpenNotebook

EVERY = 8
A_CELL = 10
TYPESET_MS = 20_000

# The HTML of a cell's outputs. A formula that has been typeset says only whether it is displayed; the signs beside
# headings that link to them are the front end's.
READ = """cell => [...cell.querySelectorAll(".jp-RenderedMarkdown")].map(output => {
    const copy = output.cloneNode(true);
    for (const formula of copy.querySelectorAll("mjx-container")) {
        const mark = formula.getAttribute("display") === "true" ? "$$" : "$";
        const stand_in = document.createElement("span");
        stand_in.className = "nbs-math";
        stand_in.textContent = `${mark}formula${mark}`;
        formula.replaceWith(stand_in);
    }
    for (const sign of copy.querySelectorAll(".jp-InternalAnchorLink")) sign.remove();
    return copy.innerHTML;
})"""
TYPESET = """([cell, formulas]) => document.querySelectorAll(".jp-Notebook .jp-Cell")[cell]
    .querySelectorAll(".jp-RenderedMarkdown mjx-container").length >= formulas"""


def sample() -> dict[str, Compared]:
    """Some texts of every corpus, but no diagrams: they become images, which are not compared here."""
    texts = {f"{corpus}: {name}": text for corpus, of in corpora().items() for name, text in of.items()}
    some = {name: text for name, text in itertools.islice(texts.items(), 3, None, EVERY) if "mermaid" not in text}
    return {name: each for name, each in compare(some, ["lab"])["lab"].items() if each.agree}


def output(answer: Compared) -> Any:
    return nbformat.v4.new_output("display_data", data={"text/markdown": answer.saved})


def shape(html: str, live: str) -> list[str]:
    """What is compared: the TeX of a formula cannot be read from the page."""
    tokens = structure(html, notes='class="nbs-footnotes"' in live)
    return [re.sub(r"^(\$\$?) .*", r"\1 formula", token, flags=re.DOTALL) for token in tokens]


def shown(notebook: Notebook, cell: int, answers: list[Compared]) -> list[str]:
    """The HTML of the outputs of a cell, once its formulas have been typeset."""
    formulas = sum(token.startswith("$") for each in answers for token in each.live)
    # Not Playwright's own way, which waits for an element that stays: JupyterLab makes cells again as it scrolls.
    notebook.cells.nth(cell).evaluate("(cell) => cell.scrollIntoView()")
    notebook.output(cell).locator(".jp-RenderedMarkdown").last.wait_for()
    with contextlib.suppress(PlaywrightTimeoutError):  # what is missing is told by the comparison
        notebook.page.wait_for_function(TYPESET, arg=[cell, formulas], timeout=TYPESET_MS, polling=100)
    html: list[str] = notebook.cells.nth(cell).evaluate(READ)
    return html


LAID_OUT = f"""שלום עולם.

> שלום עולם.

- שלום
- עולם

1. one
2. שלום

| a | b |
|---|--:|
| c | d |

```python
{"call(argument), " * 20}
print()
```
"""
# Where the text of each of them stands, in CSS pixels, and how high it is.
PLACES = """root => ["p", "blockquote p", "ul", "ol li:nth-child(2)", "th", "td", "pre code"].map(selector => {
    const walker = document.createTreeWalker(root.querySelector(selector), NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
    const range = document.createRange();
    range.setStart(texts[0], 0);
    range.setEnd(texts.at(-1), texts.at(-1).length);
    const { left, right, height } = range.getBoundingClientRect();
    return [left, right, height];
})"""

# How wide the bars of quotes are at the left and at the right.
BARS = """root => [...root.querySelectorAll("blockquote")].map(quote => {
    const { borderLeftWidth, borderRightWidth } = getComputedStyle(quote);
    return [borderLeftWidth, borderRightWidth];
})"""


def test_it_is_laid_out_as_it_was(open_notebook: OpenNotebook, loopback: FaultServer, front_end: str) -> None:
    go_on = threading.Event()
    loopback.respond(lambda _: Answer(chat_chunk(LAID_OUT), go_on, chat_body("")))
    asked = f"base_url={loopback.base_url!r}, api_key='k', model='m', api='chat'"
    notebook = open_notebook(front_end, f"import nbstream as nbs\nhandle = nbs.start('hi', {asked})")
    notebook.start(1)
    notebook.view(1).locator("pre").get_by_text("print()").wait_for()
    live, bars = notebook.view(1).evaluate(PLACES), notebook.view(1).evaluate(BARS)
    go_on.set()
    static = notebook.output(1).locator(".jp-RenderedMarkdown")
    static.locator("pre").wait_for()
    assert close(live, static.evaluate(PLACES))
    assert bars == static.evaluate(BARS)
    first, *_, code = live
    assert first[1] > first[0] + 50
    assert code[2] > 3 * 15, "a long line is wrapped"
    right = notebook.output(1).bounding_box()
    assert right is not None
    assert right["x"] + right["width"] - first[1] < 60, "text from right to left is at the right"


def close(live: list[list[float]], saved: list[list[float]]) -> bool:
    """Whether all is in about the same place; a list's own margin differs a little."""
    return all(
        abs(one - other) < 20 for one, other in zip(itertools.chain(*live), itertools.chain(*saved), strict=True)
    )


def test_what_is_saved_looks_as_what_was_shown(page: Page, jupyter: Jupyter, front_end: str) -> None:
    texts = sample()
    names = [list(texts)[start : start + A_CELL] for start in range(0, len(texts), A_CELL)]
    cells = [nbformat.v4.new_code_cell("pass", outputs=[output(texts[name]) for name in some]) for some in names]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), jupyter.root / f"saved-{front_end}.ipynb")
    notebook = Notebook(page, jupyter, front_end, f"saved-{front_end}.ipynb")
    notebook.load()

    otherwise: dict[str, str] = {}
    for cell, some in enumerate(names):
        html = shown(notebook, cell, [texts[name] for name in some])
        assert len(html) == len(some)
        for name, seen in zip(some, html, strict=True):
            there, here = shape(seen, texts[name].live_html), shape(texts[name].live_html, texts[name].live_html)
            if there != here:
                compared = replace(texts[name], live=here, other=there)
                otherwise[name] = difference(compared)
    print(f"\n{front_end}: {len(texts) - len(otherwise)} of {len(texts)} texts are shown as they were live")
    assert otherwise == {}
    jupyter.end_kernels()
