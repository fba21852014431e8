"""The page's half of a chat panel: scrolling, several views, widths, the keyboard, lost messages."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.display import live_view
from nbstream.display.page import page_code
from nbstream.panel.view.panel_state import TurnView
from nbstream.result import StreamResult, StreamState
from tests.panel_page import LOST, exchange, queued

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.panel_page import PanelPage


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


def test_an_answer_that_is_being_read_is_no_news(panel_page: PanelPage) -> None:
    panel_page.show(turns=exchange(1))
    stream = panel_page.ask(2)
    panel_page.draw(stream, "text\n\n" * 60)
    log = panel_page.root.get_by_role("log")
    said = panel_page.turns.nth(3)
    said.evaluate("turn => turn.scrollIntoView({ block: 'start' })")
    panel_page.settle()
    panel_page.draw(stream, "text\n\n" * 70)
    expect(panel_page.root.locator(".nbs-newer")).to_have_text("To the end ↓")
    top = log.evaluate("log => log.scrollTop")
    panel_page.button("To the end ↓").click()
    panel_page.page.wait_for_function("([log, top]) => log.scrollTop > top", arg=[log.element_handle(), top])
    expect(panel_page.root.locator(".nbs-newer")).to_be_hidden()


STYLES = """() => [...document.querySelectorAll(".nbs-panel, .nbs-panel *")]
  .map((each) => [each.className, Object.fromEntries(Object.entries(getComputedStyle(each))
    .filter(([name]) => /^(?:background|border|color|display|flex|font|line|margin|m[ai][nx]|overflow|padding|text)/
      .test(name)))])"""


def test_the_live_view_s_style_sheet_does_not_repaint_a_panel(panel_page: PanelPage, page: Page) -> None:
    answer = "# One\n\n- two\n\n> three\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| `c` | $d$ |\n\n$$e$$"
    failed = exchange(2, "Half", state="failed", mark=LOST, can_retry=True, can_include=True, reasoning="Hm.")
    panel_page.show(
        turns=(*exchange(1, answer), *failed),
        queue=queued("later"),
        notices=("A notice",),
        context=("df: DataFrame",),
        totals=("1 token",),
    )
    page.evaluate("document.documentElement.dataset.jpThemeLight = 'true'")
    page.mouse.move(0, 0)
    panel_page.settle()
    before = page.evaluate(STYLES)
    assert {"marginBottom", "color", "fontSize"} <= before[0][1].keys()
    page.add_style_tag(content=page_code(pathlib.Path(live_view.__file__).parent / "static" / "live_view.css"))
    panel_page.settle()
    after = page.evaluate(STYLES)
    changed = [
        (name, {key: (style[key], other[key]) for key in style if style[key] != other[key]})
        for (name, style), (_, other) in zip(before, after, strict=True)
        if style != other
    ]
    assert changed == []


def test_panels_side_by_side_share_the_width(panel_page: PanelPage, page: Page) -> None:
    panel_page.show(turns=exchange(1))
    page.evaluate(
        """() => {
          const box = document.createElement("div");
          box.style.cssText = "display: flex; width: 900px";
          document.body.append(box);
          for (let at = 0; at < 2; at++) { const el = document.createElement("div"); box.append(el); window.show(el); }
        }"""
    )
    panel_page.settle()
    widths = page.evaluate("[...document.querySelectorAll('.nbs-panel')].slice(1).map((each) => each.offsetWidth)")
    assert widths == pytest.approx([446, 446], abs=2)


def test_what_is_in_sight_as_a_whole_has_no_new_messages(panel_page: PanelPage) -> None:
    panel_page.show(turns=tuple(turn for number in range(12) for turn in exchange(number)))
    log = panel_page.root.get_by_role("log")
    log.evaluate("log => { log.scrollTop = 0 }")
    panel_page.settle()
    panel_page.show(turns=exchange(100))  # as when the first question is edited
    panel_page.settle()
    assert log.evaluate("log => log.scrollHeight <= log.clientHeight")
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
    panel_page.take()  # lost
    panel_page.show(turns=(*exchange(1), *exchange(2), *exchange(3)))
    expect(panel_page.turns).to_have_count(6)
    expect(panel_page.turns.nth(3).locator(".nbs-body")).to_have_text("An answer.")


def test_a_lost_patch_leaves_no_hole(panel_page: PanelPage) -> None:
    stream = panel_page.ask()
    panel_page.draw(stream, "One")
    panel_page.draw(stream, "One two")
    stream.draw(StreamResult("One two three", StreamState.STREAMING))
    panel_page.take()
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
        notices=("n" * 300,),
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
        notices=("A notice",),
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
    assert {"Retry", "Continue", "Copy", "Delete", "Previous version", "Send", "Message"} <= reached
    assert plain - {""} == set(), "each shows that it has the focus"


def test_each_turn_has_the_direction_of_its_own_text(panel_page: PanelPage) -> None:
    arabic = "\u0645\u0631\u062d\u0628\u0627"
    panel_page.show(turns=(TurnView("u", "user", arabic), TurnView("a", "assistant", f"English\n\n{arabic}")))
    direction = "block => getComputedStyle(block.firstElementChild).direction"
    blocks = panel_page.turns.locator(".nbs-block")
    assert [blocks.nth(number).evaluate(direction) for number in range(3)] == ["rtl", "ltr", "rtl"]
