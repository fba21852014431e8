"""What people can do with a live view in JupyterLab: unfold, scroll, copy, stop by keyboard."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_body, chat_chunk

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 120_000


def stream_cell(server: FaultServer) -> str:
    return f"%%stream --base-url {server.base_url} -m m\nHello"


def lines(first: int, last: int) -> str:
    return "".join(f"Line {number}\n\n" for number in range(first, last + 1))


def script(server: FaultServer, *texts: str) -> list[threading.Event]:
    """Script an answer in pieces; each but the first waits for its event, and so does the end."""
    gates = [threading.Event() for _ in texts]
    pieces: list[Any] = []
    for text, gate in zip(texts, gates, strict=True):
        pieces += [chat_chunk(text), gate]
    server.send(*pieces, chat_body("The end."))
    return gates


def test_reasoning_is_folded_grows_and_stays_as_the_reader_left_it(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    thought, said, ended = threading.Event(), threading.Event(), threading.Event()
    first, second = ({"reasoning_content": text} for text in ("**First**, I read.\n\n", "Then I write. " * 400))
    thoughts = (chat_chunk(first), thought, chat_chunk(second), said)
    loopback.send(*thoughts, chat_chunk("The answer"), ended, chat_body("."))
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.start(1)
    view = notebook.view(1)
    expect(view.locator("summary")).to_have_text(re.compile(r"Thinking … \d+ s"), timeout=PATIENCE_MS)
    expect(view.locator(".nbs-status")).to_have_text(re.compile(r"m · thinking · \d+ s"))
    expect(view.locator(".nbs-thoughts")).to_be_hidden()
    view.locator("summary").focus()
    notebook.page.keyboard.press("Enter")
    expect(view.locator(".nbs-thoughts")).to_have_text("First, I read.")
    expect(view.locator(".nbs-thoughts strong")).to_have_text("First")
    thought.set()
    expect(view.locator(".nbs-thoughts")).to_contain_text("Then I write.", timeout=PATIENCE_MS)
    expect(view.locator("summary")).to_have_text(re.compile(r"Thinking … [1-9]\d* s"))
    said.set()
    expect(view.locator("summary")).to_have_text(re.compile(r"Thought for \d+ s"), timeout=PATIENCE_MS)
    expect(view.locator(".nbs-thoughts")).to_be_visible()
    expect(view.locator(".nbs-body")).to_have_text("The answer")
    expect(view.locator(".nbs-status")).to_have_text(re.compile(r"m · streaming · \d+ s"))
    ended.set()
    notebook.wait_for_end(1)
    static = notebook.output(1).locator(".jp-RenderedMarkdown")
    fold, unfolded = static.locator("summary"), static.locator(".nbs-thoughts")
    expect(fold).to_have_text(re.compile(r"Thought for \d+ s"))
    expect(fold).to_be_focused()
    expect(unfolded).to_be_visible()
    expect(static.locator("blockquote")).to_be_hidden()
    assert unfolded.evaluate("box => box.scrollTop") > 0, "it stays where the reader has been"
    shown = r"Thought for \d+ s\s+First, I read\.\s+(Then I write\.\s+){400}The answer\.\s+m"
    assert re.fullmatch(shown, static.inner_text().strip())
    notebook.page.keyboard.press("Enter")
    expect(unfolded).to_be_hidden()
    notebook.page.keyboard.press("Enter")
    expect(unfolded).to_be_visible()
    reasoning = notebook.value("stream_result.reasoning", 2)
    assert reasoning == "**First**, I read.\n\n" + "Then I write. " * 399 + "Then I write."
    notebook.save()
    notebook.load()
    beginning = r"Reasoning\s+First, I read\.\s+(Then I write\.\s+){20}…\s+"
    rest = (
        r"5,320 more characters: see stream_result\.reasoning, or this output.s metadata once the kernel has stopped\."
    )
    expect(static).to_have_text(re.compile(rf"\s*{beginning}{rest}\s+The answer\.\s+m\s*"))
    expect(static.locator("blockquote strong")).to_have_text("First")


def test_code_goes_into_a_new_cell_that_says_where_it_is_from(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    loopback.send(chat_body("Here:\n\n```python\nx = 40 + 2\n```\nIt is 42.", model="m"))
    line = f"%%stream --base-url {loopback.base_url} -m m --as code --insert -o source"
    notebook = open_notebook("lab", f"{line}\nHello", again=True)
    notebook.start(1)
    card = notebook.view(1).locator(".nbs-question")
    expect(card).to_contain_text("Insert this code into a new cell below?")
    assert notebook.view(1).locator(".nbs-body").inner_text().split("\n")[0] == "x = 40 + 2"
    card.get_by_role("button", name="Insert", exact=True).click()
    notebook.wait_for_end(1)
    expect(notebook.cells.nth(2)).to_contain_text("x = 40 + 2", timeout=PATIENCE_MS)
    expect(notebook.prompt(2)).to_have_text("[ ]:")
    cell = notebook.save()["cells"][2]
    about, code = cell["source"]
    origin = cell["metadata"]["nbstream"]
    assert code == "x = 40 + 2"
    assert about == f"# Written by m, {origin['written']}, sha256 {origin['sha256']}\n"
    assert origin["sha256"] == hashlib.sha256(code.encode()).hexdigest()[:16]


def test_a_long_answer_is_capped_and_followed_only_at_its_tail(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    texts = [lines(1, 10), lines(11, 80), lines(81, 90), lines(91, 100), lines(101, 110)]
    short, unseen, followed, left, rest = script(loopback, *texts)
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.start(1)
    view, page = notebook.view(1), notebook.page
    box, more = view.locator(".nbs-box"), view.locator(".nbs-more")

    def arrived(number: int) -> None:
        expect(view).to_contain_text(f"Line {number}", timeout=PATIENCE_MS)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def top() -> float:
        return float(box.evaluate("box => box.scrollTop"))

    def below() -> float:
        return float(box.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight"))

    arrived(10)
    expect(more).to_be_hidden()
    short.set()
    arrived(80)
    expect(more).to_have_text("Show all")
    cap = 0.7 * float(page.locator(".jp-WindowedPanel-outer").evaluate("frame => frame.clientHeight"))
    assert box.bounding_box()["height"] == pytest.approx(cap, abs=1)  # type: ignore[index]
    for seen in (view.get_by_role("button", name="Stop"), more, view.locator(".nbs-caret")):
        expect(seen).to_be_in_viewport()
    assert below() < 2, "at the tail it is followed"
    unseen.set()
    arrived(90)
    assert below() < 2, "at the tail it is followed"

    box.evaluate("box => { box.scrollTop -= 200 }")
    before = top()
    followed.set()
    arrived(100)
    assert top() == before, "who has scrolled up is left alone"

    more.click()
    expect(more).to_have_text("Show less")
    expect(more).to_have_attribute("aria-expanded", "true")
    assert below() < 2
    assert box.bounding_box()["height"] > 2 * cap  # type: ignore[index]
    left.set()
    arrived(110)
    assert below() < 2
    more.click()
    assert box.bounding_box()["height"] == pytest.approx(cap, abs=1)  # type: ignore[index]
    rest.set()
    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_contain_text("The end.")


def test_code_is_copied_by_mouse_and_by_keyboard(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    (end,) = script(loopback, "Run this:\n\n```python\nx = '<1>'\n```\n\nThen:\n\n```\ny = 2")
    notebook = open_notebook("lab", stream_cell(loopback))
    page, view = notebook.page, notebook.view(1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.start(1)
    expect(view).to_contain_text("y = 2", timeout=PATIENCE_MS)
    copy = view.locator(".nbs-copy").first
    expect(copy).to_be_hidden()

    view.locator("pre").first.hover()
    view.get_by_role("button", name="Copy").click()
    expect(copy).to_have_text("Copied")
    expect(page.locator(".nbs-announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "x = '<1>'\n"

    page.mouse.move(0, 0)
    view.locator("pre").nth(1).focus()
    page.keyboard.press("Tab")
    expect(copy).to_be_focused()
    page.keyboard.press("Enter")
    expect(copy).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").strip() == "y = 2"
    page.keyboard.press("Shift+Tab")
    expect(view.locator("pre").nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(view.get_by_role("button", name="Insert below")).to_be_focused()
    page.keyboard.press("Tab")
    expect(view.get_by_role("button", name="Stop")).to_be_focused()
    expect(copy).to_be_hidden()
    end.set()
    notebook.wait_for_end(1)

    static = notebook.output(1)
    static.locator(".jp-RenderedMarkdown pre").first.hover()
    expect(static.locator(".nbs-language")).to_have_text("python")
    expect(static.locator(".nbs-language")).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    static.get_by_role("button", name="Copy").click()
    expect(static.locator(".nbs-copy").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "x = '<1>'"
    static.get_by_role("button", name="Insert below").click()
    expect(static.get_by_role("button", name="Inserted · Undo")).to_be_focused()
    expect(page.locator(".nbs-announcer")).to_have_text("Inserted below")
    expect(notebook.cells.nth(2)).to_contain_text("x = '<1>'")
    expect(notebook.cells).to_have_count(4)
    page.keyboard.press("Enter")
    expect(static.get_by_role("button", name="Insert below")).to_be_focused()
    expect(notebook.cells).to_have_count(3)
    static.locator("pre").nth(1).focus()
    page.keyboard.press("Tab")
    expect(static.locator(".nbs-copy").first).to_be_focused()


@pytest.mark.parametrize("key", ["Enter", "Escape"])
def test_the_keyboard_stops_the_answer(open_notebook: OpenNotebook, loopback: FaultServer, key: str) -> None:
    script(loopback, "Half")
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text("Half", timeout=PATIENCE_MS)
    notebook.view(1).get_by_role("button", name="Stop").focus()
    notebook.page.keyboard.press(key)
    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_contain_text("You stopped the answer after 4 characters")
    assert notebook.page.evaluate("document.activeElement.closest('.jp-Notebook') !== null"), "the keys still work"


def test_an_answer_that_begins_low_is_brought_into_view_unless_the_reader_is_elsewhere(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    notebook = open_notebook("lab", "x = [\n" + "1,\n" * 26 + "]", stream_cell(loopback), "pass\n" * 30, again=True)
    page = notebook.page
    for elsewhere in (True, False):
        begin, end = threading.Event(), threading.Event()
        loopback.send(begin, chat_chunk("It begins"), end, chat_body("."))
        page.locator(".jp-WindowedPanel-outer").evaluate("frame => { frame.scrollTop = 0 }")
        notebook.start(2)
        expect(notebook.view(2)).to_contain_text("Waiting for m", timeout=PATIENCE_MS)
        before = notebook.view(2).bounding_box()
        if elsewhere:
            notebook.cells.nth(1).hover()
            page.mouse.wheel(0, 1)
        begin.set()
        expect(notebook.view(2)).to_contain_text("It begins", timeout=PATIENCE_MS)
        top = "() => document.querySelector('.nbs-view').getBoundingClientRect().top"
        if elsewhere:
            assert before is not None
            assert page.evaluate(top) == pytest.approx(before["y"], abs=3)
        else:
            page.wait_for_function(f"() => ({top})() < 300")
        end.set()
        notebook.wait_for_end(2)
