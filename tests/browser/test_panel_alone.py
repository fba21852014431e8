"""The page's half of a chat panel in an empty page: what the reader sees, types, clicks and never loses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.display.marks import Mark
from nbstream.display.panel_state import Attachment, TurnView
from nbstream.result import StreamResult, StreamState
from tests.panel_page import REQUEST, exchange, queued

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.panel_page import PanelPage

LOST = Mark("Connection lost", "The connection broke off.")
# Puts a file on the clipboard or under the pointer, as a person does.
GIVE = """([selector, how, name, type, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(content)], name, { type }));
  const init = { bubbles: true, cancelable: true };
  const event = how === "paste"
    ? new ClipboardEvent("paste", { ...init, clipboardData: data })
    : new DragEvent(how, { ...init, dataTransfer: data });
  return document.querySelector(selector).dispatchEvent(event);
}"""
PIXEL = [137, 80, 78, 71, 13, 10, 26, 10]


# Buttons that stand out of the panel, and so cannot be seen whole.
CUT_OFF = """panel => [...panel.querySelectorAll("button")]
  .filter((each) => each.getBoundingClientRect().right > panel.getBoundingClientRect().right)
  .map((each) => each.textContent)"""


# The element that has the focus, and whether that is seen.
FOCUSED = """() => {
  const { activeElement: at } = document;
  if (!at.closest(".nbs-panel")) return ["", false];
  return [at.getAttribute("aria-label") ?? at.textContent, getComputedStyle(at).outlineStyle !== "none"];
}"""


def give(page: Page, how: str, name: str, mime: str, content: list[int] | bytes) -> None:
    page.evaluate(GIVE, [".nbs-composer textarea", how, name, mime, list(content)])


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_turns_are_articles_that_say_whose_they_are(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1))
    asked, said = panel_page.turns.nth(0), panel_page.turns.nth(1)
    expect(panel_page.turns).to_have_count(2)
    expect(asked).to_have_attribute("data-role", "user")
    expect(said).to_have_attribute("data-role", "assistant")
    expect(said).to_have_attribute("data-state", "completed")
    expect(asked).to_have_accessible_name("You, turn 1")
    expect(said).to_have_accessible_name("Assistant, turn 2")
    expect(said.locator(".nbs-body strong")).to_have_text("answer")
    expect(said).to_contain_text("m · 12 tokens")
    expect(panel_page.root.get_by_role("log")).to_have_accessible_name("Conversation")


def test_an_answer_streams_into_its_turn_and_stays_as_it_was_drawn(panel_page: PanelPage) -> None:
    stream = panel_page.ask()
    said = panel_page.turns.nth(1)
    expect(said).to_have_attribute("data-state", "pending")
    expect(said).to_contain_text("Waiting for m")
    panel_page.draw(stream, "One **two")
    expect(said).to_have_attribute("data-state", "streaming")
    expect(said.locator(".nbs-body")).to_have_text("One two")
    assert said.locator(".nbs-caret").count() == 1
    said.locator(".nbs-block").evaluate("block => { block.marked = true }")
    panel_page.end(stream, "One **two**\n\nthree")
    expect(said).to_have_attribute("data-state", "completed")
    expect(said.locator(".nbs-body")).to_have_text("One twothree")
    expect(said).to_contain_text("m · 12 tokens")
    assert said.locator(".nbs-caret").count() == 0
    assert said.locator(".nbs-block").first.evaluate("block => block.marked"), "what has settled is not drawn again"
    wants = "sent.filter(({ type }) => type === 'want').length"
    assert panel_page.page.evaluate(wants) == 0, "nothing is sent twice"


def test_a_screen_reader_hears_the_beginning_and_the_end_but_no_token(panel_page: PanelPage) -> None:
    panel_page.page.evaluate(
        """() => {
          window.heard = [];
          new MutationObserver((records) => {
            for (const { target } of records) {
              const live = target.nodeType === 1 && target.closest("[aria-live], [role=status], [role=alert]");
              if (live && live.getAttribute("aria-live") !== "off" && live.textContent) heard.push(live.textContent);
            }
          }).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    stream = panel_page.ask()
    for count in range(1, 5):
        panel_page.draw(stream, "word " * count)
        panel_page.settle()
    panel_page.end(stream, "word word")
    panel_page.settle()
    assert panel_page.page.evaluate("window.heard") == ["Answer begins", "Answer complete"]


def test_an_empty_panel_offers_what_its_author_suggests(panel_page: PanelPage) -> None:
    panel_page.show(suggestions=("What is in df?", "<b>Plot it</b>"))
    panel_page.composer.fill("my own words")
    panel_page.button("<b>Plot it</b>").click()
    assert panel_page.wait_for("send") == ("<b>Plot it</b>", ())
    expect(panel_page.composer).to_have_value("my own words")
    panel_page.show(turns=exchange(1))
    expect(panel_page.button("What is in df?")).to_be_hidden()


def test_reasoning_is_folded_and_stays(panel_page: PanelPage) -> None:
    stream = panel_page.ask()
    panel_page.draw(stream, "", reasoning="Hm <b>")
    summary = panel_page.turns.nth(1).locator("summary")
    expect(summary).to_have_text(re.compile("Thinking"))
    panel_page.draw(stream, "Yes", reasoning="Hm <b>")
    panel_page.end(stream, "Yes", reasoning="Hm <b>")
    expect(summary).to_have_text(re.compile("Reasoning|Thought"))
    summary.click()
    expect(panel_page.turns.nth(1).locator(".nbs-thoughts")).to_have_text("Hm <b>")


def test_names_and_errors_are_text_and_not_html(panel_page: PanelPage) -> None:
    hostile = "<img src=x onerror=window.ran=1>"
    said = TurnView("a", "assistant", hostile, "failed", Mark(hostile, hostile), (hostile,), hostile, note=hostile)
    asked = TurnView("u", hostile, hostile, attachments=(Attachment(hostile, "text/plain", text=hostile),))
    panel_page.show(
        turns=(asked, said),
        queue=(*queued(hostile), replace(queued("x")[0], id="y", attachments=asked.attachments)),
        model=hostile,
        models=(hostile,),
        system=hostile,
        parameters={hostile: 1.0},
        totals=(hostile,),
        notice=hostile,
        context=(hostile,),
        exports=(hostile,),
        suggestions=(hostile,),
    )
    panel_page.reader.error = ValueError(hostile)
    panel_page.composer.fill("x")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text(f"{hostile} {hostile}")
    panel_page.root.get_by_role("button", name="Model").click()
    assert panel_page.root.locator("img").count() == 0
    assert panel_page.page.evaluate("window.ran") is None
    expect(panel_page.turns.nth(1).locator(".nbs-mark")).to_have_text(f"{hostile}. {hostile}")


# --- asking -----------------------------------------------------------------------------------------------------------


def test_enter_sends_and_shift_enter_breaks_the_line(panel_page: PanelPage) -> None:
    panel_page.composer.click()
    keyboard = panel_page.page.keyboard
    keyboard.type("one")
    keyboard.press("Shift+Enter")
    keyboard.type("two")
    expect(panel_page.composer).to_have_value("one\ntwo")
    keyboard.press("Enter")
    assert panel_page.wait_for("send") == ("one\ntwo", ())
    expect(panel_page.composer).to_have_value("")
    expect(panel_page.composer).to_be_focused()
    keyboard.press("Enter")
    panel_page.settle()
    assert len(panel_page.reader.done) == 1, "nothing is not sent"


def test_send_is_a_button_too(panel_page: PanelPage) -> None:
    expect(panel_page.button("Send")).to_have_attribute("aria-disabled", "true")
    panel_page.composer.fill("Hi")
    panel_page.button("Send").click()
    assert panel_page.wait_for("send") == ("Hi", ())


def test_what_could_not_be_sent_comes_back(panel_page: PanelPage) -> None:
    panel_page.reader.error = ValueError("no key")
    panel_page.composer.fill("precious")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("no key")
    expect(panel_page.composer).to_have_value("precious")
    panel_page.button("Dismiss").click()
    expect(panel_page.root.locator(".nbs-notice")).to_be_hidden()


def test_arrow_up_recalls_what_was_asked(panel_page: PanelPage) -> None:
    panel_page.show(turns=(*exchange(1), *exchange(2)))
    box = panel_page.composer
    box.click()
    for key, value in [
        ("ArrowUp", "Question 2"),
        ("ArrowUp", "Question 1"),
        ("ArrowUp", "Question 1"),
        ("ArrowDown", "Question 2"),
        ("ArrowDown", ""),
    ]:
        box.press(key)
        expect(box).to_have_value(value)
    box.fill("mine")
    box.press("ArrowUp")
    expect(box).to_have_value("mine")


def test_a_composition_ends_with_enter_without_being_sent(panel_page: PanelPage) -> None:
    panel_page.composer.fill("に")
    panel_page.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    panel_page.settle()
    assert panel_page.reader.done == []


# --- while an answer streams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["click", "Escape"])
def test_stop_is_where_send_was(panel_page: PanelPage, how: str) -> None:
    panel_page.ask()
    panel_page.composer.fill("kept")
    expect(panel_page.button("Send")).to_have_count(0)
    if how == "click":
        panel_page.button("Stop").click()
    else:
        panel_page.composer.press(how)
    assert panel_page.wait_for("stop") == ()
    expect(panel_page.turns.nth(1)).to_contain_text("Stopping")
    expect(panel_page.composer).to_have_value("kept")
    panel_page.settle()
    assert len(panel_page.reader.done) == 1


def test_what_is_sent_meanwhile_waits_in_sight_and_can_be_changed(panel_page: PanelPage) -> None:
    panel_page.ask()
    panel_page.composer.fill("next")
    panel_page.button("Queue").click()
    assert panel_page.wait_for("send") == ("next", ())
    panel_page.show(queue=queued("next", "after"))
    items = panel_page.root.get_by_role("list", name="Waiting to be asked").get_by_role("listitem")
    expect(items).to_have_count(2)
    items.first.get_by_role("button", name="Edit").click()
    items.first.get_by_role("textbox").fill("next!")
    panel_page.page.keyboard.press("Enter")
    assert panel_page.wait_for("change_queued") == ("q0", "next!")
    panel_page.show(queue=(replace(panel_page.state.queue[0], text="next!"), panel_page.state.queue[1]))
    expect(items.first).to_contain_text("next!")
    items.nth(1).get_by_role("button", name="Remove").click()
    assert panel_page.wait_for("drop_queued") == ("q1",)
    panel_page.show(queue=())
    expect(items).to_have_count(0)
    expect(panel_page.composer).to_be_focused()


def test_a_kernel_that_does_not_answer_is_said_so(panel_page: PanelPage) -> None:
    panel_page.page.evaluate("window.deaf = true")
    panel_page.composer.fill("Hello?")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("interrupt it", timeout=5000)
    expect(panel_page.root.locator(".nbs-queue")).to_contain_text("Hello?")
    panel_page.page.evaluate("deaf = false, hear(sent.at(-1)).then(tell)")
    expect(panel_page.root.locator(".nbs-notice")).to_be_hidden()
    expect(panel_page.root.locator(".nbs-queue")).to_be_hidden()


def test_what_is_sent_along_is_named_and_can_be_read(panel_page: PanelPage) -> None:
    panel_page.show(context=("df: DataFrame, shape (2, 2)", "rows: list, 3 items"))
    panel_page.root.get_by_text("Sent along: df, rows", exact=True).click()
    expect(panel_page.root.locator(".nbs-context pre").first).to_have_text("df: DataFrame, shape (2, 2)")


def test_what_is_sent_to_a_kernel_that_has_ended_comes_back(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=exchange(1))
    page.evaluate("window.ended = true")
    panel_page.composer.fill("precious")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("The kernel of this panel has ended")
    expect(panel_page.composer).to_have_value("precious")
    expect(panel_page.root.locator(".nbs-queue")).to_be_hidden()
    panel_page.turns.nth(1).get_by_role("button", name="Regenerate").click()
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("ChatPanel.restore()")


@pytest.mark.parametrize("kept", [True, False])
def test_a_page_that_does_not_get_what_is_kept_says_so(panel_page: PanelPage, page: Page, *, kept: bool) -> None:
    page.clock.install()
    transcript = "<div class=nbs-transcript data-panel=k>All of it.</div>"
    page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", transcript)
    panel_page.end(panel_page.ask(), "An answer.")
    if kept:
        page.evaluate("(html) => { document.querySelector('.nbs-transcript').outerHTML = html }", transcript)
    page.clock.run_for(5000)
    notice = panel_page.root.locator(".nbs-notice")
    if kept:
        expect(notice).to_be_hidden()
    else:
        expect(notice).to_contain_text("no longer keeps")


def test_a_panel_that_nobody_fills_says_why(panel_page: PanelPage, page: Page) -> None:
    page.add_init_script("Object.defineProperty(window, 'deaf', { get: () => !window.hears, set: () => {} })")
    panel_page.show(turns=exchange(1))
    panel_page.load()
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("The kernel has not answered yet", timeout=10_000)
    page.evaluate("window.hears = true")
    expect(panel_page.turns).to_have_count(2, timeout=20_000)
    expect(panel_page.root.locator(".nbs-notice")).to_be_hidden()


def test_a_failed_answer_keeps_its_text_and_offers_ways_on(panel_page: PanelPage) -> None:
    stream = panel_page.ask()
    panel_page.draw(stream, "Half an")
    ways = {"can_retry": True, "can_continue": True, "can_include": True, "included": False}
    panel_page.end(stream, "Half an", state="failed", mark=LOST, note="not sent to the model", **ways)
    said = panel_page.turns.nth(1)
    expect(said).to_have_attribute("data-state", "failed")
    expect(said.locator(".nbs-body")).to_have_text("Half an")
    expect(said.locator(".nbs-mark")).to_have_text("Connection lost. The connection broke off.")
    expect(said).to_contain_text("not sent to the model")
    for name, action, more in [("Retry", "retry", ()), ("Continue", "resume", ()), ("Include", "include", (True,))]:
        said.get_by_role("button", name=name, exact=True).click()
        assert panel_page.wait_for(action) == ("a1", *more)
    expect(said.get_by_role("button", name="Include", exact=True)).to_have_attribute("aria-pressed", "false")


def test_an_answer_that_is_gone_on_with_grows_in_its_place(panel_page: PanelPage) -> None:
    stream = panel_page.ask()
    panel_page.end(stream, "Half an", state="failed", mark=LOST, can_continue=True)
    before = panel_page.state.turns
    again = panel_page.view.surface("a1")
    again.open(REQUEST, lambda: None)
    panel_page.show(turns=(before[0], replace(before[1], state="pending", mark=None)), running="a1")
    panel_page.draw(again, "Half an answer")
    said = panel_page.turns.nth(1)
    expect(said.locator(".nbs-body")).to_have_text("Half an answer")
    expect(said).to_have_attribute("data-state", "streaming")
    expect(said.locator(".nbs-mark")).to_be_empty()
    panel_page.end(again, "Half an answer.")
    expect(said).to_have_attribute("data-state", "completed")
    expect(said.locator(".nbs-body")).to_have_text("Half an answer.")
    expect(panel_page.turns).to_have_count(2)


def test_a_continuation_that_brings_nothing_leaves_the_turn_as_it_was(panel_page: PanelPage) -> None:
    ways = {"can_retry": True, "can_continue": True}
    panel_page.end(panel_page.ask(), "Half an", state="failed", mark=LOST, **ways)
    before = panel_page.state.turns
    again = panel_page.view.surface("a1")
    again.open(REQUEST, lambda: None)
    panel_page.show(turns=(before[0], replace(before[1], state="streaming", can_retry=False)), running="a1")
    panel_page.draw(again, "Half an")
    panel_page.end(again, "Half an", state="failed", mark=LOST, **ways)
    said = panel_page.turns.nth(1)
    expect(said.locator(".nbs-body")).to_have_text("Half an")
    for name in ("Retry", "Copy", "Delete"):
        expect(said.get_by_role("button", name=name, exact=True)).to_be_visible()


# --- turns that are there ---------------------------------------------------------------------------------------------


def test_a_turn_is_copied_exactly(panel_page: PanelPage, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel_page.show(turns=exchange(1, "An **answer**\n\n* x"))
    panel_page.turns.nth(1).get_by_role("button", name="Copy").click()
    expect(panel_page.turns.nth(1).get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "An **answer**\n\n* x"


def test_a_question_is_written_anew_where_it_stands(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1))
    asked = panel_page.turns.first
    asked.get_by_role("button", name="Edit", exact=True).click()
    editor = asked.get_by_role("textbox")
    expect(editor).to_have_value("Question 1")
    expect(editor).to_be_focused()
    editor.press("Escape")
    expect(editor).to_have_count(0)
    expect(asked.get_by_role("button", name="Edit", exact=True)).to_be_focused()
    panel_page.page.keyboard.press("Enter")
    editor.fill("Better")
    panel_page.reader.error = ValueError("not now")
    editor.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("not now")
    expect(editor).to_have_value("Better")
    panel_page.reader.error = None
    asked.get_by_role("button", name="Ask again").click()
    assert panel_page.wait_for("edit") == ("u1", "Better")
    expect(editor).to_have_count(0)


def test_versions_are_gone_through_with_the_focus_kept(panel_page: PanelPage) -> None:
    first = replace(exchange(1)[1], siblings=("a1", "b1", "c1"))
    others = [replace(first, id=name, text=f"Version {name}") for name in ("b1", "c1")]
    asked = exchange(1)[0]
    panel_page.show(turns=(asked, others[0]))
    said = panel_page.turns.nth(1)
    expect(said).to_contain_text("2/3")
    said.get_by_role("button", name="Next version").click()
    assert panel_page.wait_for("select") == ("c1",)
    panel_page.show(turns=(asked, others[1]))
    expect(said).to_contain_text("3/3")
    expect(said).to_contain_text("Version c1")
    expect(said.get_by_role("button", name="Next version")).to_be_focused()
    expect(said.get_by_role("button", name="Next version")).to_have_attribute("aria-disabled", "true")
    said.get_by_role("button", name="Previous version").click()
    assert panel_page.wait_for("select") == ("b1",)


def test_another_answer_is_asked_for_and_turns_are_deleted(panel_page: PanelPage) -> None:
    panel_page.show(turns=(*exchange(1), *exchange(2)))
    panel_page.turns.nth(3).get_by_role("button", name="Regenerate").click()
    assert panel_page.wait_for("regenerate") == ("a2",)
    panel_page.turns.nth(3).get_by_role("button", name="Delete").click()
    assert panel_page.wait_for("delete") == ("a2",)
    deletion = panel_page.turns.nth(2).get_by_role("button", name="Delete")
    deletion.click()
    expect(deletion).to_have_text("Delete all that follows?")
    assert ("delete", "u2") not in panel_page.reader.done
    deletion.click()
    assert panel_page.wait_for("delete") == ("u2",)
    panel_page.show(turns=exchange(1))
    expect(panel_page.turns).to_have_count(2)
    expect(panel_page.turns.nth(1)).to_be_focused()


# A front end that hands out its commands, as JupyterLab does when it was started with --expose-app-in-browser.
EXPOSED = """window.executed = [];
window.jupyterapp = {commands: {
  hasCommand: (name) => name.startsWith("notebook:"),
  execute: async (name, args) => window.executed.push([name, args ?? null]),
}};"""


def test_code_goes_to_the_clipboard_or_to_a_new_cell(panel_page: PanelPage, page: Page) -> None:
    page.add_init_script(EXPOSED)
    panel_page.load()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel_page.show(turns=exchange(1, "Run:\n\n```python\nx = '<1>'\n```"))
    panel_page.turns.locator("pre").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(panel_page.root.locator(".nbs-code-bar .nbs-copy").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "x = '<1>'\n"
    page.keyboard.press("Tab")
    expect(panel_page.button("To new cell")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_function("window.executed.length === 2")
    assert page.evaluate("window.executed") == [
        ["notebook:insert-cell-below", None],
        ["notebook:replace-selection", {"text": "x = '<1>'\n"}],
    ]
    page.keyboard.press("Tab")
    expect(panel_page.turns.nth(1).get_by_role("button", name="Copy")).to_be_focused()


def test_a_front_end_that_lets_no_page_make_cells_offers_none(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1, "Run:\n\n```python\nx\n```"))
    panel_page.turns.locator("pre").focus()
    expect(panel_page.button("Copy").first).to_be_visible()
    expect(panel_page.root.locator(".nbs-code-bar").get_by_role("button")).to_have_count(1)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_files_go_with_the_message(panel_page: PanelPage, page: Page, how: str) -> None:
    give(page, how, "pixel.png", "image/png", PIXEL)
    give(page, how, "<b>.csv", "text/csv", b"a,b\n1,2")
    chips = panel_page.root.locator(".nbs-composer .nbs-chip")
    expect(chips).to_have_count(2)
    expect(chips.nth(1)).to_contain_text("<b>.csv")
    panel_page.composer.press("Enter")
    text, files = panel_page.wait_for("send")
    assert text == ""
    image = next(file for file in files if file.name == "pixel.png")
    assert image == Attachment("pixel.png", "image/png", "data:image/png;base64,iVBORw0KGgo=")
    assert Attachment("<b>.csv", "text/csv", text="a,b\n1,2") in files
    expect(chips).to_have_count(0)


def test_a_file_can_be_taken_back(panel_page: PanelPage, page: Page) -> None:
    give(page, "drop", "a.txt", "text/plain", b"x")
    panel_page.button("Remove a.txt").click()
    expect(panel_page.root.locator(".nbs-composer .nbs-chip")).to_have_count(0)
    expect(panel_page.composer).to_be_focused()


@pytest.mark.parametrize(
    ("name", "mime", "content", "words"),
    [
        ("x.zip", "application/zip", b"PK\0\0", "x.zip is neither an image nor a text file."),
        ("big.txt", "text/plain", b"x" * 500_001, "big.txt is too large"),
    ],
)
def test_what_cannot_be_sent_is_said(
    panel_page: PanelPage, page: Page, name: str, mime: str, content: bytes, words: str
) -> None:
    give(page, "drop", name, mime, content)
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text(words)
    expect(panel_page.root.locator(".nbs-composer .nbs-chip")).to_have_count(0)


def test_files_of_a_turn_are_shown_but_never_as_html(panel_page: PanelPage) -> None:
    files = (
        Attachment("pixel.png", "image/png", "data:image/png;base64,iVBORw0KGgo="),
        Attachment("x.svg", "image/svg+xml", "data:image/svg+xml,<svg onload=window.ran=1>"),
        Attachment("far.png", "image/png", "https://evil.example/x.png"),
        Attachment("t.html", "text/html", text="<script>window.ran=1</script>"),
    )
    panel_page.show(turns=(TurnView("u", "user", "See", attachments=files),))
    shown = panel_page.turns.locator(".nbs-files")
    expect(shown.locator("img")).to_have_count(1)
    expect(shown.locator("img")).to_have_attribute("alt", "pixel.png")
    expect(shown.locator("pre")).to_have_text("<script>window.ran=1</script>")
    expect(shown).to_contain_text("far.png")


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_model_is_chosen_from_the_list_or_named(panel_page: PanelPage) -> None:
    toggle = panel_page.root.get_by_role("button", name="Model: m")
    toggle.click()
    assert panel_page.wait_for("list_models") == ()
    panel_page.show(models=("alpha", "beta", "m"))
    field = panel_page.root.get_by_role("combobox", name="Model")
    expect(field).to_be_focused()
    options = panel_page.root.get_by_role("option")
    expect(options).to_have_count(3)
    field.press("ArrowDown")
    field.press("ArrowDown")
    field.press("Enter")
    assert panel_page.wait_for("set") == ("model", "beta")
    expect(toggle).to_be_focused()
    toggle.click()
    field.fill("alp")
    expect(options).to_have_count(1)
    options.first.click()
    panel_page.settle()
    assert panel_page.wait_for("set") == ("model", "alpha")
    toggle.click()
    field.fill("my/own:model")
    field.press("Enter")
    panel_page.settle()
    assert panel_page.wait_for("set") == ("model", "my/own:model")


def test_settings_fold_out_and_are_told(panel_page: PanelPage) -> None:
    panel_page.show(system="Be brief", parameters={"temperature": None, "max_tokens": 100})
    panel_page.button("Settings").click()
    system = panel_page.root.get_by_role("textbox", name="System prompt")
    expect(system).to_have_value("Be brief")
    system.fill("Be long")
    panel_page.root.get_by_role("spinbutton", name="Temperature").fill("0.5")
    panel_page.root.get_by_role("spinbutton", name="Max tokens").fill("")
    panel_page.page.keyboard.press("Escape")
    expect(system).to_be_hidden()
    expect(panel_page.button("Settings")).to_be_focused()
    panel_page.settle()
    wanted = [("set", "system", "Be long"), ("set", "temperature", 0.5), ("set", "max_tokens", None)]
    assert panel_page.reader.done == wanted


def test_the_conversation_is_exported_as_a_file(panel_page: PanelPage, page: Page) -> None:
    expect(panel_page.button("Export")).to_be_hidden()
    panel_page.show(exports=("markdown", "json"))
    panel_page.button("Export").click()
    with page.expect_download() as download:
        panel_page.button("JSON").click()
    assert download.value.suggested_filename == "chat.json"
    assert download.value.path().read_text() == "All of it."


# --- scrolling, views, many turns -------------------------------------------------------------------------------------


def test_new_messages_are_counted_while_the_reader_is_elsewhere(panel_page: PanelPage) -> None:
    panel_page.show(turns=tuple(turn for number in range(12) for turn in exchange(number)))
    log = panel_page.root.get_by_role("log")
    end = "log => log.scrollHeight - log.scrollTop - log.clientHeight < 3"
    panel_page.page.wait_for_function(end, arg=log.element_handle())
    log.evaluate("log => { log.scrollTop = 50 }")
    panel_page.settle()
    stream = panel_page.ask(100)
    panel_page.draw(stream, "text\n\n" * 30)
    panel_page.settle()
    assert log.evaluate("log => log.scrollTop") == 50
    panel_page.button("2 new messages ↓").click()
    panel_page.page.wait_for_function(end, arg=log.element_handle())
    panel_page.draw(stream, "text\n\n" * 60)
    panel_page.page.wait_for_function(end, arg=log.element_handle())
    expect(panel_page.root.locator(".nbs-newer")).to_be_hidden()


def test_a_view_that_is_made_again_keeps_what_the_reader_did(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=tuple(turn for number in range(12) for turn in exchange(number)))
    panel_page.composer.click()
    page.keyboard.type("half a quest")
    panel_page.root.get_by_role("log").evaluate("log => { log.scrollTop = 70 }")
    panel_page.composer.evaluate("field => field.setSelectionRange(4, 6)")
    panel_page.turns.first.evaluate("article => { article.marked = true }")
    panel_page.settle()
    page.evaluate(
        """() => {
          const [old, next] = [document.getElementById("here"), document.createElement("div")];
          old.textContent = "Loading widget...";
          next.id = "there";
          show(next);
          old.replaceWith(next);
        }"""
    )
    panel_page.settle()
    expect(panel_page.root).to_have_count(1)
    expect(panel_page.composer).to_have_value("half a quest")
    expect(panel_page.composer).to_be_focused()
    assert panel_page.composer.evaluate("field => [field.selectionStart, field.selectionEnd]") == [4, 6]
    assert panel_page.root.get_by_role("log").evaluate("log => log.scrollTop") == 70
    assert panel_page.turns.first.evaluate("article => article.marked"), "settled turns are not made again"


def test_several_views_show_the_same(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=exchange(1))
    stream = panel_page.ask(2)
    panel_page.draw(stream, "Half")
    page.evaluate("void show(document.body.appendChild(document.createElement('div')))")
    second = page.locator(".nbs-panel").nth(1)
    expect(second.locator("article")).to_have_count(4)
    panel_page.draw(stream, "Half an *answer*")
    panel_page.composer.fill("seen in both")
    expect(second.get_by_role("textbox", name="Message")).to_have_value("seen in both")
    panel_page.end(stream, "Half an *answer*.")
    bodies = page.locator(".nbs-panel").evaluate_all(
        "panels => panels.map((panel) => [...panel.querySelectorAll('.nbs-body')].map((body) => body.innerHTML))"
    )
    assert bodies[0] == bodies[1]
    assert "<em>answer</em>" in bodies[1][3]
    page.evaluate("leave()")
    expect(page.locator(".nbs-panel")).to_have_count(1)
    panel_page.show(turns=(*panel_page.state.turns, *exchange(3)))
    expect(panel_page.turns).to_have_count(6)


def test_a_page_that_joins_late_asks_for_the_newest_first(panel_page: PanelPage, page: Page) -> None:
    long = "word " * 4000
    panel_page.show(turns=tuple(turn for number in range(40) for turn in exchange(number, f"{long} end {number}")))
    stream = panel_page.ask(100)
    panel_page.draw(stream, "Now")
    panel_page.load()
    expect(panel_page.turns).to_have_count(82)
    expect(panel_page.turns.nth(81).locator(".nbs-body")).to_have_text("Now")
    expect(panel_page.turns.nth(1).locator(".nbs-body")).to_contain_text("end 0", timeout=20_000)
    wants = page.evaluate("sent.filter(({ type }) => type === 'want').map(({ turns }) => turns)")
    assert wants[0][:3] == ["u100", "a39", "u39"]
    assert len(wants) > 3, "in batches"


def test_a_lost_message_leaves_no_hole(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1))
    panel_page.view.show(replace(panel_page.state, turns=(*exchange(1), *exchange(2))))
    panel_page.view.take()  # lost
    panel_page.show(turns=(*exchange(1), *exchange(2), *exchange(3)))
    expect(panel_page.turns).to_have_count(6)
    expect(panel_page.turns.nth(3).locator(".nbs-body")).to_have_text("An answer.")


def test_a_lost_patch_leaves_no_hole(panel_page: PanelPage) -> None:
    stream = panel_page.ask()
    panel_page.draw(stream, "One")
    panel_page.draw(stream, "One two")
    stream.draw(StreamResult("One two three", StreamState.STREAMING))
    panel_page.view.take()
    panel_page.end(stream, "One two three four")
    expect(panel_page.turns.nth(1).locator(".nbs-body")).to_have_text("One two three four")


def test_a_reloaded_page_still_has_what_was_being_written(panel_page: PanelPage) -> None:
    panel_page.composer.fill("almost done")
    panel_page.load()
    expect(panel_page.composer).to_have_value("almost done")


def test_what_has_settled_is_left_alone_while_another_answer_streams(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=tuple(turn for number in range(150) for turn in exchange(number, "Long.\n\n" * 40)))
    expect(panel_page.turns).to_have_count(300)
    page.wait_for_function("[...document.querySelectorAll('article .nbs-body')].every((body) => body.firstChild)")
    page.evaluate(
        """() => {
          window.touched = new Set();
          const settled = [...document.querySelectorAll("article")];
          new MutationObserver((records) => records.forEach(({ target }) => {
            const article = (target.nodeType === 1 ? target : target.parentElement).closest("article");
            if (settled.includes(article)) touched.add(article.getAttribute("aria-label"));
          })).observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
        }"""
    )
    stream = panel_page.ask(999)
    for count in range(1, 20):
        panel_page.draw(stream, "One **more** word. " * count)
    panel_page.end(stream, "One **more** word. " * 20)
    panel_page.settle()
    expect(panel_page.turns.last).to_have_attribute("data-state", "completed")
    assert page.evaluate("[...touched]") == []
    skipped = "article => getComputedStyle(article).contentVisibility"
    assert panel_page.turns.first.evaluate(skipped) == "auto"


@pytest.mark.parametrize("width", [320, 1200])
def test_nothing_is_wider_than_the_panel(panel_page: PanelPage, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    wide = f"{'wide' * 100}\n\n```\n{'x' * 500}\n```\n\n|{'cell|' * 60}\n|{'-|' * 60}"
    sibling = exchange(2, wide, siblings=("x", "a2"), state="failed", mark=LOST, can_retry=True, can_continue=True)
    panel_page.show(
        turns=(*exchange(1, wide), *sibling),
        model="a-model-with-a-name-that-does-not-end/" * 4,
        queue=queued("w" * 300),
        notice="n" * 300,
        totals=("t" * 300,),
        context=("c" * 300,),
        exports=("json",),
        parameters={"temperature": None},
    )
    for name in ("Settings", "Export"):
        panel_page.button(name).click()
        panel_page.settle()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert panel_page.root.evaluate(CUT_OFF) == []


def test_everything_is_reached_by_the_keyboard_and_shows_it(panel_page: PanelPage, page: Page) -> None:
    failed = exchange(2, "Half", siblings=("x", "a2"), state="failed", mark=LOST, can_retry=True, can_continue=True)
    panel_page.show(
        turns=(*exchange(1, "```\nx = 1\n```"), *failed),
        queue=queued("later"),
        notice="A notice",
        context=("df: DataFrame",),
        exports=("json",),
    )
    panel_page.composer.fill("x")
    page.evaluate("document.activeElement.blur()")
    reached, plain = set(), set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, ringed = page.evaluate(FOCUSED)
        reached.add(name)
        if not ringed:
            plain.add(name)
    wanted = page.locator(".nbs-panel :is(button, textarea, summary, pre)").evaluate_all(
        """all => all.filter((each) => each.checkVisibility({ checkVisibilityCSS: true }))
          .map((each) => each.getAttribute("aria-label") ?? each.textContent)"""
    )
    assert set(wanted) - reached == set()
    assert {"Retry", "Continue", "Regenerate", "Delete", "Previous version", "Send", "Message"} <= reached
    assert plain - {""} == set(), "each shows that it has the focus"


def test_each_turn_has_the_direction_of_its_own_text(panel_page: PanelPage) -> None:
    arabic = "\u0645\u0631\u062d\u0628\u0627"
    panel_page.show(turns=(TurnView("u", "user", arabic), TurnView("a", "assistant", f"English\n\n{arabic}")))
    direction = "block => getComputedStyle(block.firstElementChild).direction"
    blocks = panel_page.turns.locator(".nbs-block")
    assert [blocks.nth(number).evaluate(direction) for number in range(3)] == ["rtl", "ltr", "rtl"]
