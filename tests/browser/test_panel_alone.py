"""The page's half of a chat panel in an empty page: what the reader sees, types, and never loses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.display.marks import Mark
from nbstream.panel.view.panel_state import Attachment, TurnView
from tests.panel_page import LOST, REQUEST, exchange, queued

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.panel_page import PanelPage


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
    panel_page.draw(stream, "", reasoning="Hm *b*")
    summary = panel_page.turns.nth(1).locator("summary")
    expect(summary).to_have_text(re.compile("Thinking"))
    panel_page.draw(stream, "Yes", reasoning="Hm *b*")
    panel_page.end(stream, "Yes", reasoning="Hm *b*")
    expect(summary).to_have_text(re.compile("Reasoning|Thought"))
    summary.click()
    thoughts = panel_page.turns.nth(1).locator(".nbs-thoughts")
    expect(thoughts).to_have_text("Hm b")
    expect(thoughts.locator("em")).to_have_text("b")
    panel_page.load()  # it comes anew, as what is settled
    expect(thoughts.locator("em")).to_have_text("b")
    expect(summary).to_have_text("Reasoning")


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
        notices=(hostile,),
        context=(hostile,),
        exports=(hostile,),
        suggestions=(hostile,),
    )
    panel_page.reader.error = ValueError(f"Error: {hostile}")
    panel_page.composer.fill("x")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notice span")).to_have_text([f"Error: {hostile}", hostile])
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
    assert panel_page.wait_for("stop") == ("a1",)
    expect(panel_page.turns.nth(1)).to_contain_text("Stopping")
    expect(panel_page.composer).to_have_value("kept")
    panel_page.settle()
    assert len(panel_page.reader.done) == 1


def test_an_answer_that_follows_a_stopped_one_at_once_can_be_stopped_too(panel_page: PanelPage) -> None:
    panel_page.ask(1)
    panel_page.composer.press("Escape")
    assert panel_page.wait_for("stop") == ("a1",)
    asked, said = panel_page.state.turns
    panel_page.state = replace(panel_page.state, turns=(asked, replace(said, state="cancelled")))
    panel_page.draw(panel_page.ask(2), "An")
    expect(panel_page.button("Stop")).to_have_attribute("aria-disabled", "false")
    expect(panel_page.turns.last).not_to_contain_text("Stopping")
    panel_page.button("Stop").click()
    panel_page.settle()
    assert panel_page.reader.done == [("stop", "a1"), ("stop", "a2")]
    expect(panel_page.turns.last).to_contain_text("Stopping")


def test_a_question_cannot_be_deleted_while_it_is_answered(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1))
    stream = panel_page.ask(2)
    deletion = panel_page.turns.nth(2).locator("[data-act=Delete]")
    expect(deletion).to_be_hidden()
    panel_page.end(stream, "An answer.")
    expect(deletion).to_be_visible()
    again = TurnView("b2", "assistant", state="pending")
    panel_page.show(turns=(*panel_page.state.turns[:3], again), running="b2")
    expect(deletion).to_be_hidden()
    expect(panel_page.turns.first.locator("[data-act=Delete]")).to_be_visible()


def test_what_is_sent_meanwhile_waits_in_sight_and_can_be_changed(panel_page: PanelPage) -> None:
    panel_page.ask()
    panel_page.composer.fill("next")
    panel_page.button("Queue").click()
    assert panel_page.wait_for("send") == ("next", ())
    panel_page.show(queue=queued("next", "after"))
    items = panel_page.root.get_by_role("list", name="Queued messages").get_by_role("listitem")
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
    panel_page.root.get_by_text("Context: df, rows", exact=True).click()
    expect(panel_page.root.locator(".nbs-context pre").first).to_have_text("df: DataFrame, shape (2, 2)")


def test_what_is_sent_to_a_kernel_that_has_ended_comes_back(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=exchange(1))
    page.evaluate("window.ended = true")
    panel_page.composer.fill("precious")
    panel_page.composer.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("This panel's kernel has stopped")
    expect(panel_page.composer).to_have_value("precious")
    expect(panel_page.root.locator(".nbs-queue")).to_be_hidden()
    panel_page.turns.nth(1).get_by_role("button", name="Retry").click()
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("ChatPanel.restore()")


def test_what_a_saved_conversation_asks_for_is_shown_and_allowed_or_refused(panel_page: PanelPage) -> None:
    asks = panel_page.root.get_by_role("group", name="What the saved conversation asks for")
    expect(asks).to_be_hidden()
    for name, action in [("Trust", "trust"), ("Ignore", "distrust")]:
        panel_page.show(untrusted=('base_url: "https://x.example/v1"', "tools: <img src=x>"))
        expect(asks).to_contain_text("could send your messages elsewhere")
        expect(asks.get_by_role("listitem")).to_have_text(['base_url: "https://x.example/v1"', "tools: <img src=x>"])
        asks.get_by_role("button", name=name, exact=True).click()
        assert panel_page.wait_for(action) == ()
        panel_page.show(untrusted=())
        expect(asks).to_be_hidden()
        expect(panel_page.composer).to_be_focused()


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
        expect(notice).to_contain_text("no longer saved")


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
    panel_page.end(stream, "Half an", state="failed", mark=LOST, note="Not part of the conversation.", **ways)
    said = panel_page.turns.nth(1)
    expect(said).to_have_attribute("data-state", "failed")
    expect(said.locator(".nbs-body")).to_have_text("Half an")
    expect(said.locator(".nbs-mark")).to_have_text("Connection lost. The connection broke off.")
    expect(said).to_contain_text("Not part of the conversation.")
    for name, action, more in [
        ("Retry", "retry", ()),
        ("Continue", "resume", ()),
        ("Include in conversation", "include", (True,)),
    ]:
        said.get_by_role("button", name=name, exact=True).click()
        assert panel_page.wait_for(action) == ("a1", *more)
    panel_page.show(turns=(panel_page.state.turns[0], replace(panel_page.state.turns[1], included=True)))
    said.get_by_role("button", name="Exclude", exact=True).click()
    assert panel_page.wait_for("include") == ("a1", False)


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
