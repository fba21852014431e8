"""The static answer takes the live view's place in JupyterLab: it is as high, and what is being read stays put."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_body, chat_chunk

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Route

    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE_MS = 120_000
SETTLED_SECONDS = 10.0
MOST = 0.15  # change in height

ANSWERS = {
    "one line": "One line.",
    "paragraphs": "Some words.\n\nAnd more, " + "which go on and on, " * 30 + "to the end.",
    "headings": "# One\n\n## Two\n\nText.\n\n### Three\n\n#### Four\n\nText.\n\n##### Five\n\nText.\n\n## Six\n\nEnd.",
    "lists": "Text:\n\n- one\n- two\n  - nested\n- three\n\n7. a\n8. b\n\n* loose\n\n* items\n\n  two\n\nEnd.",
    "tasks": "- [x] done\n- [ ] to do\n\nEnd.",
    "table": "Text:\n\n| left | right |\n|:--|--:|\n| `a` | 1 |\n| **b** | 2 |\n| c | 3 |\n\nEnd.",
    "code": "Run:\n\n```python\ndef f(x):\n    return x + 1\n\nf(1)\n```\n\nthen `ls`\n\n```\nplain\n```\n\nEnd.",
    "quotes": "> Quoted\n> text.\n\n> # Heading\n>\n> - list\n> - more\n>\n> > nested\n\nEnd.",
    "formulas": "Inline $a^2+b^2=c^2$ and\n\n$$\\int_0^1 x\\,dx = \\frac{1}{2}$$\n\nEnd.",
    "rules": "One\n\n---\n\ntwo\n\n***\n\nEnd.",
    "cut off": "Some words and then a mark.",
}

# Notes how high the view is while the answer arrives, and when it has heard of the end, just before it is replaced.
OBSERVE = """(number) => {
  const view = document.querySelectorAll(".jp-Notebook .jp-Cell")[number].querySelector(".nbs-view");
  const height = () => view.getBoundingClientRect().height;
  window.heights = [height()];
  new MutationObserver(() => { window.heights[1] = height() }).observe(view, { attributeFilter: ["data-all"] });
}"""


def stream_cell(server: FaultServer) -> str:
    return f"%%stream --base-url {server.base_url} -m m\nHello"


def gated(server: FaultServer, text: str, thoughts: str = "", reason: str = "stop") -> threading.Event:
    """Script an answer whose end waits for an event."""
    gate = threading.Event()
    first = [chat_chunk({"reasoning_content": thoughts})] if thoughts else []
    server.send(*first, chat_chunk(text), gate, chat_body(finish_reason=reason))
    return gate


def finish(notebook: Notebook, gate: threading.Event) -> None:
    gate.set()
    notebook.wait_for_end(1)
    expect(notebook.output(1).locator(".jp-RenderedMarkdown")).to_be_visible()
    expect(notebook.view(1)).to_have_count(0)


def settled_height(output: Locator, wanted: float) -> float:
    """The height of a static answer once it is laid out: the front end colours its code some moments later."""
    until = time.monotonic() + SETTLED_SECONDS
    while True:
        box = output.bounding_box()
        height = 0.0 if box is None else box["height"]
        if abs(height / wanted - 1) <= MOST or time.monotonic() > until:
            return height
        output.page.wait_for_timeout(50)


def test_the_static_answer_is_as_high_as_the_live_one(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    changes = {}
    for name, text in ANSWERS.items():
        thoughts = "Let me see." if name in {"headings", "lists"} else ""
        gate = gated(loopback, text, thoughts, reason="length" if name == "cut off" else "stop")
        notebook.start(1)
        expect(notebook.view(1)).to_contain_text(text.rsplit(maxsplit=1)[-1], timeout=PATIENCE_MS)
        notebook.page.evaluate(OBSERVE, 1)
        finish(notebook, gate)
        static = notebook.output(1).locator(".jp-RenderedMarkdown")
        if "$$" in text:
            expect(static.locator("mjx-container")).to_have_count(2)
        streaming, live = notebook.page.evaluate("window.heights")
        after = settled_height(static, live)
        changes[name] = after / live - 1
        print(f"{name}: {streaming:.0f} px while streaming, then {live:.0f}, static {after:.0f}", end=" ")
        print(f"px: {changes[name]:+.1%}")
        assert streaming - live < 1, "the facts take the place of the line with Stop"
        assert name == "cut off" or live - streaming < 1, "only a mark comes as well"
    assert {name: change for name, change in changes.items() if abs(change) > MOST} == {}


NESTED = "Wide " * 60 + "\n\n- a\n  - b\n    - c\n\n1. d\n   1. e\n      1. f\n         1. g\n\nEnd."

SHAPE = """(answer) => [...answer.querySelectorAll(":not(blockquote) > p, li")].map((node) => {
  const mark = node.matches("li") ? getComputedStyle(node).listStyleType : "";
  return [node.textContent.trim()[0], mark, node.clientWidth];
})"""


def test_lines_break_and_lists_are_marked_as_in_the_static_answer(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    options = f"base_url={loopback.base_url!r}, model='m'"
    notebook = open_notebook("lab", f"import nbstream as nbs\nnbs.stream('Hello', {options})", again=True)
    gate = gated(loopback, NESTED)
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text("End.", timeout=PATIENCE_MS)
    live = notebook.view(1).locator(".nbs-body").evaluate(SHAPE)
    finish(notebook, gate)
    assert [mark for _, mark, _ in live if mark] == [
        *("disc", "square", "circle"),
        *("decimal", "upper-alpha", "lower-alpha", "lower-roman"),
    ]
    *static, footer = notebook.output(1).locator(".jp-RenderedMarkdown").evaluate(SHAPE)
    assert static == live
    assert footer[0] == "m", "the facts begin with the model"
    small = notebook.output(1).locator(".jp-RenderedMarkdown small")
    assert small.evaluate("(line) => [getComputedStyle(line).opacity, getComputedStyle(line).userSelect]") == [
        "0.7",
        "none",
    ]
    copied = "(answer) => { getSelection().selectAllChildren(answer); return getSelection().toString() }"
    assert notebook.output(1).locator(".jp-RenderedMarkdown").evaluate(copied).strip().endswith("End.")
    # A result that the cell has drawn is not shown again; `show` draws it again in full.
    assert notebook.output(1).locator(".jp-OutputArea-output").count() == 1


WHERE = """(row) => {
  const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[1];
  const rows = [...cell.querySelectorAll(".nbs-block p, .jp-RenderedMarkdown p")];
  return rows.find((found) => found.textContent === row)?.getBoundingClientRect().top;
}"""


# Of so many rows, the one that is read: in the middle; then at the top, in the middle and at the tail of a capped one.
READ = ((40, 20), (119, 3), (119, 60), (119, 118))


def test_what_is_being_read_stays_where_it_is(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    notebook = open_notebook("lab", stream_cell(loopback), "pass\n" * 40, again=True)
    for rows, read in READ:
        answer = "".join(f"Row {number}\n\n" for number in range(1, rows + 1))
        gate = gated(loopback, answer, thoughts="Let me count." if read > 3 else "")
        notebook.start(1)
        expect(notebook.view(1)).to_contain_text(f"Row {rows}", timeout=PATIENCE_MS)
        row = notebook.view(1).get_by_text(f"Row {read}", exact=True)
        row.evaluate("row => row.scrollIntoView({ block: 'center' })")
        notebook.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        before = notebook.page.evaluate(WHERE, f"Row {read}")
        finish(notebook, gate)
        after = notebook.page.evaluate(WHERE, f"Row {read}")
        print(f"row {read} of {rows}: {before:.1f} px from the top before, {after:.1f} px after")
        assert after == pytest.approx(before, abs=2), f"row {read} of {rows}"


CHUNKS = "**/static/lab/*.js*"  # of JupyterLab, that are loaded when they are first needed


def test_nothing_moves_while_jupyterlab_loads_what_draws_the_static_answer(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    answer = "".join(f"Row {number}\n\n" for number in range(1, 120))
    gate = gated(loopback, answer)
    notebook = open_notebook("lab", stream_cell(loopback), "pass\n" * 40)
    held: list[Route] = []
    released = threading.Event()
    notebook.page.route(CHUNKS, lambda route: route.continue_() if released.is_set() else held.append(route))
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text("Row 119", timeout=PATIENCE_MS)
    row = notebook.view(1).get_by_text("Row 60", exact=True)
    row.evaluate("row => row.scrollIntoView({ block: 'center' })")
    notebook.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    before = notebook.page.evaluate(WHERE, "Row 60")
    gate.set()
    notebook.wait_for_end(1)
    expect(notebook.view(1)).to_have_count(0)
    static = notebook.output(1).locator(".jp-RenderedMarkdown")
    assert held
    assert static.inner_text() == "", "what draws it is not there"
    notebook.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    released.set()
    for route in held:
        route.continue_()
    expect(static).to_be_visible()
    after = notebook.page.evaluate(WHERE, "Row 60")
    print(f"row 60: {before:.1f} px from the top before, {after:.1f} px after")
    assert after == pytest.approx(before, abs=2)
    assert notebook.output(1).evaluate("area => area.style.minHeight") == ""
