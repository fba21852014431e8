"""What the reader of a chat panel writes and sets: it is lost neither to a state that comes nor to a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from nbstream.display.marks import Mark
from nbstream.panel.view.panel_state import Attachment
from tests.panel_page import exchange

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.panel_page import PanelPage

STOPPED = Mark("Stopped", "You stopped the answer.")


def test_an_unsaved_edit_is_handed_over_when_its_turn_goes(panel_page: PanelPage) -> None:
    panel_page.show(turns=(*exchange(1), *exchange(2)))
    panel_page.turns.nth(2).get_by_role("button", name="Edit", exact=True).click()
    panel_page.turns.nth(2).get_by_role("textbox").fill("a careful rewrite")
    panel_page.show(turns=exchange(1))  # as when another branch is shown
    expect(panel_page.composer).to_have_value("a careful rewrite")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("your text is below")


def test_an_editor_in_which_nothing_was_written_hands_nothing_over(panel_page: PanelPage) -> None:
    panel_page.show(turns=(*exchange(1), *exchange(2)))
    panel_page.turns.nth(2).get_by_role("button", name="Edit", exact=True).click()
    panel_page.show(turns=exchange(1))
    panel_page.settle()
    expect(panel_page.composer).to_have_value("")
    expect(panel_page.root.locator(".nbs-notice")).to_be_hidden()


def test_a_question_that_is_only_a_file_can_be_asked_again(panel_page: PanelPage) -> None:
    asked, said = exchange(1)
    panel_page.show(turns=(replace(asked, text="", attachments=(Attachment("a.txt", text="x"),)), said))
    panel_page.turns.first.get_by_role("button", name="Edit", exact=True).click()
    panel_page.turns.first.get_by_role("button", name="Resend").click()
    assert panel_page.wait_for("edit") == ("u1", "")


def test_the_focus_stays_with_a_turn_whose_button_goes(panel_page: PanelPage, page: Page) -> None:
    asked, said = exchange(1, "Half", state="cancelled", mark=STOPPED, can_continue=True)
    panel_page.show(turns=(asked, said))
    panel_page.turns.nth(1).get_by_role("button", name="Continue", exact=True).press("Enter")
    assert panel_page.wait_for("resume") == ("a1",)
    panel_page.show(turns=(asked, replace(said, state="streaming", mark=None, can_continue=False)), running="a1")
    panel_page.settle()
    expect(panel_page.turns.nth(1)).to_be_focused()
    assert page.evaluate("document.activeElement.tagName") == "ARTICLE"


def test_a_setting_that_was_refused_does_not_stay_in_its_field(panel_page: PanelPage) -> None:
    panel_page.show(parameters={"max_tokens": 50.0})
    panel_page.button("Settings").click()
    field = panel_page.root.get_by_label("Max tokens")
    panel_page.reader.error = ValueError("not below 1")
    field.fill("-5")
    field.press("Enter")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("not below 1")
    expect(field).to_have_value("50")
    panel_page.reader.error = None
    field.fill("7")
    field.press("Enter")
    assert panel_page.wait_for("set") == ("max_tokens", 7)
    expect(panel_page.root.locator(".nbs-notice")).to_be_hidden()


def test_a_model_is_taken_when_its_field_is_left_and_not_when_it_is_escaped_from(panel_page: PanelPage) -> None:
    picker = panel_page.root.get_by_role("combobox")
    panel_page.button("Model: m").click()
    picker.fill("never mind")
    picker.press("Escape")
    panel_page.button("Model: m").click()
    picker.fill("gpt-x")
    panel_page.composer.click()
    assert panel_page.wait_for("set") == ("model", "gpt-x")
    assert [done for done in panel_page.reader.done if done[0] == "set"] == [("set", "model", "gpt-x")]
