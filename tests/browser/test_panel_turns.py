"""The page's half of a chat panel: what is done with turns, waiting messages, files and settings."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from nbstream.panel.view.panel_state import Attachment, TurnView
from tests.panel_page import LOST, exchange, queued

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.panel_page import PanelPage

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


def give(page: Page, how: str, name: str, mime: str, content: list[int] | bytes) -> None:
    page.evaluate(GIVE, [".nbs-composer textarea", how, name, mime, list(content)])


# --- turns that are there ---------------------------------------------------------------------------------------------


def test_a_turn_is_copied_exactly(panel_page: PanelPage, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel_page.show(turns=exchange(1, "An **answer**\n\n* x"))
    panel_page.turns.nth(1).get_by_role("button", name="Copy").click()
    expect(panel_page.turns.nth(1).get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "An **answer**\n\n* x"


def test_a_question_is_edited_in_place(panel_page: PanelPage) -> None:
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
    asked.get_by_role("button", name="Resend").click()
    assert panel_page.wait_for("edit") == ("u1", "Better")
    expect(editor).to_have_count(0)


def edits(page: Page) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = page.evaluate("sent.filter(({ action }) => action === 'edit')")
    return sent


def test_a_late_reply_leaves_another_editor_alone(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=exchange(1))
    asked = panel_page.turns.first
    edit, editor = asked.get_by_role("button", name="Edit", exact=True), asked.get_by_role("textbox")
    page.evaluate("window.deaf = true")
    edit.click()
    editor.fill("first")
    editor.press("Enter")
    editor.press("Escape")
    edit.click()
    editor.fill("second")
    (first,) = edits(page)
    panel_page.page.evaluate("(first) => hear(first).then(tell)", first)
    panel_page.wait_for("edit")
    panel_page.settle()
    expect(editor).to_have_value("second")
    expect(editor).to_be_focused()
    editor.press("Enter")
    editor.press("Escape")
    panel_page.page.evaluate("(second) => hear(second).then(tell)", edits(page)[1])
    panel_page.settle()
    expect(editor).to_have_count(0)
    assert panel_page.errors == []


def test_an_edited_question_is_asked_once_and_stays_as_it_was_asked(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=exchange(1))
    asked = panel_page.turns.first
    asked.get_by_role("button", name="Edit", exact=True).click()
    editor = asked.get_by_role("textbox")
    page.evaluate("window.deaf = true")
    editor.fill("Better")
    editor.press("Enter")
    editor.press("Enter")
    page.keyboard.type("not to be asked any more")
    asked.get_by_role("button", name="Resend").click()
    assert len(edits(page)) == 1
    expect(editor).to_have_value("Better")
    panel_page.reader.error = ValueError("not now")
    page.evaluate("hear(sent.at(-1)).then(tell)")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("not now")
    editor.press("End")
    page.keyboard.type("!")
    expect(editor).to_have_value("Better!")
    editor.press("Enter")
    assert len(edits(page)) == 2


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
    panel_page.turns.nth(3).get_by_role("button", name="Retry").click()
    assert panel_page.wait_for("regenerate") == ("a2",)
    panel_page.turns.nth(3).get_by_role("button", name="Delete").click()
    assert panel_page.wait_for("delete") == ("a2",)
    deletion = panel_page.turns.nth(2).get_by_role("button", name="Delete")
    deletion.click()
    assert panel_page.wait_for("delete") == ("u2",)
    panel_page.show(turns=exchange(1), deleted=True, notices=("Something else.",))
    expect(panel_page.turns).to_have_count(2)
    expect(panel_page.turns.nth(1)).to_be_focused()
    notices = panel_page.root.locator(".nbs-notice")
    expect(notices.locator("span")).to_have_text(["Something else.", "Deleted."], use_inner_text=True)
    notices.nth(1).get_by_role("button", name="Undo").click()
    panel_page.wait_for("undelete")
    for notice, words in zip(notices.all(), ("Something else.", ""), strict=True):
        notice.get_by_role("button", name="Dismiss").click()
        assert panel_page.wait_for("dismiss") == (words,)


def test_a_button_stays_where_it_is_whatever_happens_to_the_turn(panel_page: PanelPage) -> None:
    """Who clicks twice must not delete what was to be asked for again."""
    asked, said = exchange(1)
    panel_page.show(turns=(asked, said))
    turn = panel_page.turns.nth(1)

    def places() -> dict[str, Any]:
        turn.hover()
        found: dict[str, Any] = turn.evaluate(
            """turn => Object.fromEntries([...turn.querySelectorAll(".nbs-acts > .nbs-act")]
              .filter((each) => each.getClientRects().length)
              .map((each) => [each.dataset.act, Math.round(each.getBoundingClientRect().left)]))"""
        )
        return found

    before = places()
    assert list(before) == ["Copy", "Retry", "Delete"]
    for other in (
        replace(said, siblings=("a0", "a1", "a2")),
        replace(said, text="", state="failed", mark=LOST, can_retry=True),
        replace(said, can_regenerate=False, note="Something else to be said about it"),
    ):
        panel_page.show(turns=(asked, other))
        panel_page.settle()
        assert places() == pytest.approx(before, abs=1)
    turn.get_by_role("button", name="Copy").click()
    assert places() == pytest.approx(before, abs=1)


# What JupyterLab and Notebook 7 lend a widget.
LENT = """window.done = [];
const notebook = { cells: [{}], insertCell: (at, { source }) => {
  window.done.push(["insert", at, source]);
  const cell = {};
  notebook.cells.splice(at, 0, cell);
  return cell;
}, deleteCell: (at) => window.done.push(["delete", at]) };
window.lent = { context: { model: { sharedModel: notebook } } };"""


def test_code_goes_to_the_clipboard_or_to_a_new_cell(panel_page: PanelPage, page: Page) -> None:
    page.add_init_script(LENT)
    panel_page.load()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel_page.show(turns=exchange(1, "Run:\n\n```python\nx = '<1>'\n```"))
    panel_page.turns.locator("pre").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(panel_page.root.locator(".nbs-code-bar .nbs-copy").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "x = '<1>'\n"
    page.keyboard.press("Tab")
    expect(panel_page.button("Insert below")).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel_page.button("Inserted · Undo")).to_be_focused()
    assert page.evaluate("window.done") == [["insert", 1, "x = '<1>'"]]
    page.keyboard.press("Enter")
    expect(panel_page.button("Insert below")).to_be_focused()
    assert page.evaluate("window.done")[1:] == [["delete", 1]]
    page.keyboard.press("Tab")
    expect(panel_page.turns.nth(1).get_by_role("button", name="Copy")).to_be_focused()


def test_a_front_end_that_lets_no_page_make_cells_offers_none(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1, "Run:\n\n```python\nx\n```"))
    panel_page.turns.locator("pre").focus()
    expect(panel_page.button("Copy").first).to_be_visible()
    expect(panel_page.root.locator(".nbs-code-bar").get_by_role("button")).to_have_count(1)


# --- messages that wait -----------------------------------------------------------------------------------------------


def editor_of_the_queued(panel_page: PanelPage) -> Locator:
    panel_page.show(queue=queued("next"))
    queue = panel_page.root.get_by_role("list", name="Queued messages")
    queue.get_by_role("button", name="Edit", exact=True).click()
    return queue.get_by_role("textbox", name="Your text")


def test_what_is_written_into_a_message_that_is_sent_meanwhile_is_handed_over(panel_page: PanelPage) -> None:
    panel_page.composer.fill("after")
    editor_of_the_queued(panel_page).fill("next, but better")
    panel_page.show(queue=())
    expect(panel_page.composer).to_be_focused()
    panel_page.page.keyboard.type("!")
    expect(panel_page.composer).to_have_value("next, but better\n\nafter!")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("what you wrote is below")


def test_a_reader_who_writes_elsewhere_stays_there_when_an_edited_message_is_sent(panel_page: PanelPage) -> None:
    panel_page.button("Settings").click()
    editor_of_the_queued(panel_page).fill("next, but better")
    system = panel_page.root.get_by_role("textbox", name="System prompt")
    system.focus()
    panel_page.show(queue=())
    expect(panel_page.composer).to_have_value("next, but better")
    expect(system).to_be_focused()


def test_of_a_message_that_was_not_rewritten_nothing_is_handed_over(panel_page: PanelPage) -> None:
    expect(editor_of_the_queued(panel_page)).to_be_focused()
    panel_page.show(queue=())
    expect(panel_page.composer).to_be_focused()
    expect(panel_page.composer).to_have_value("")
    expect(panel_page.root.locator(".nbs-notice")).to_be_hidden()


def test_a_change_that_has_been_saved_is_not_handed_over(panel_page: PanelPage, page: Page) -> None:
    editor = editor_of_the_queued(panel_page)
    page.evaluate("window.deaf = true")
    editor.fill("better")
    editor.press("Enter")
    panel_page.show(queue=queued("better"))
    panel_page.show(queue=())
    page.evaluate("deaf = false, hear(sent.at(-1)).then(tell)")
    assert panel_page.wait_for("change_queued") == ("q0", "better")
    panel_page.settle()
    expect(panel_page.composer).to_have_value("")
    expect(panel_page.composer).to_be_focused()


def test_a_queued_message_has_one_editor(panel_page: PanelPage) -> None:
    editor = editor_of_the_queued(panel_page)
    editor.fill("better")
    panel_page.root.locator(".nbs-queued").get_by_role("button", name="Edit", exact=True).click()
    expect(editor).to_have_count(1)
    expect(editor).to_have_value("better")
    expect(editor).to_be_focused()


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


def test_files_are_only_taken_as_long_as_they_fit_into_one_message(panel_page: PanelPage, page: Page) -> None:
    page.evaluate("""() => {
      const data = new DataTransfer();
      const sizes = { "a.png": 4e6, "b.png": 3e6, "c.png": 1e5 };
      for (const [name, size] of Object.entries(sizes)) {
        data.items.add(new File([new Uint8Array(size)], name, { type: "image/png" }));
      }
      const init = { bubbles: true, cancelable: true, dataTransfer: data };
      document.querySelector(".nbs-composer textarea").dispatchEvent(new DragEvent("drop", init));
    }""")
    expect(panel_page.root.locator(".nbs-notice")).to_contain_text("b.png was not attached")
    expect(panel_page.root.locator(".nbs-composer .nbs-chip")).to_have_text([re.compile("a.png"), re.compile("c.png")])


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
