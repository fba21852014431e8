"""The page's half of a live view in an empty page, with a stand-in for the kernel: carets, directions, colours."""

from __future__ import annotations

import json
import pathlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from jupyterlab.commands import get_app_dir
from playwright.sync_api import Page, expect

from nbstream.display.live_view import LiveView
from nbstream.markdown import render

if TYPE_CHECKING:
    from collections.abc import Callable

# A model as anywidget hands it over; `tell` is the kernel's voice.
STAND_IN = """
import(URL.createObjectURL(new Blob([ESM], { type: "text/javascript" }))).then(async ({ default: widget }) => {
  const hearers = new Set();
  window.sent = [];
  const model = {
    get: (name) => ({ label: "m", key: "k" })[name],
    on: (event, hearer) => event === "msg:custom" && hearers.add(hearer),
    off: (_, hearer) => hearers.delete(hearer),
    send: (message) => window.sent.push(message),
    widget_manager: {
      get context() { return { model: { cells: window.cells ?? [], collaborative: window.collaborative } }; },
      get kernel() { return window.kernel; },
    },
  };
  let number = 0;
  window.tell = (message) => hearers.forEach((hear) => hear({ number: ++number, ...message }));
  widget.initialize({ model });
  window.leave = await widget.render({ model, el: document.getElementById("here") });
  window.ready = true;
});
"""


@pytest.fixture
def tell(page: Page) -> Callable[..., None]:
    """Send the view a message, numbered unless it says otherwise."""
    view = LiveView("m", lambda: None)
    code = view.get_state()["_esm"]
    view.close()
    page.set_content("<!doctype html><div id=here></div>")
    page.evaluate(STAND_IN.replace("ESM", json.dumps(code)))
    page.wait_for_function("window.ready")
    return lambda **message: page.evaluate("(message) => tell(message)", message)


def shows(tell: Callable[..., None], *blocks: str, **more: Any) -> None:
    tell(type="patch", blocks=[[number, 0, "", 0, html] for number, html in enumerate(blocks)], **more)


# A notebook that the page shares with others, with the view in an output.
NOTEBOOK = """
window.written = [];
const output = { data: { "application/vnd.jupyter.widget-view+json": { model_id: "w" }, "text/plain": "" } };
const updateOutputs = (start, end, [{ data }]) => window.written.push([start, end, data["text/markdown"]]);
window.collaborative = true;
window.cells = [{ sharedModel: { getOutputs: () => [output], updateOutputs } }];
"""


def test_only_the_page_that_is_told_writes_into_the_notebook(page: Page, tell: Callable[..., None]) -> None:
    page.evaluate(NOTEBOOK)
    view = page.evaluate("window.sent.find(({ type }) => type === 'hello').view")
    tell(type="keep", view="of another page", id="w", before=0, kept=0, markdown="theirs")
    tell(type="keep", view=view, id="w", before=0, kept=0, markdown="ours 🙂.")
    tell(type="keep", view=view, id="w", before=8, kept=7, markdown=" and more")
    assert page.evaluate("window.written") == [[0, 1, "ours 🙂."], [0, 1, "ours 🙂 and more"]]
    tell(type="keep", view=view, id="w", before=99, kept=7, markdown="of a message after one that was lost")
    assert page.evaluate("window.written.length") == 2
    assert page.evaluate("window.sent.filter(({ type }) => type === 'resync').length") == 1


# --- stopping a kernel that reads no messages -------------------------------------------------------------------------

BUSY_CELL = """
window.interrupts = 0;
window.kernel = { interrupt: () => { window.interrupts += 1; return Promise.reject(new Error("lost")); } };
const cell = Object.assign(document.createElement("div"), { className: "jp-Cell", innerHTML: "<p>[*]:</p>" });
cell.firstChild.className = "jp-InputPrompt";
const here = document.getElementById("here");
here.replaceWith(cell);
cell.append(here);
"""


@pytest.fixture
def wait(page: Page) -> Callable[[int], None]:
    """Let so many milliseconds pass on the page at once."""
    page.clock.install()
    return page.clock.run_for


def test_a_stop_is_not_lost(page: Page, wait: Callable[[int], None], tell: Callable[..., None]) -> None:
    page.evaluate(BUSY_CELL)
    shows(tell, "<p>a</p>")
    wait(300)
    page.get_by_role("button", name="Stop").click()
    page.evaluate("window.leave()")  # as when an output is drawn again
    wait(400)
    assert page.evaluate("window.interrupts") == 1
    wait(6000)
    assert page.evaluate("window.interrupts") == 2, "the first has changed nothing"
    wait(20_000)
    assert page.evaluate("window.interrupts") == 2


@pytest.mark.parametrize("news", [{"type": "stopping"}, {"type": "end", "state": "cancelled", "facts": []}], ids=str)
def test_a_kernel_that_has_heard_the_stop_is_not_interrupted(
    page: Page, wait: Callable[[int], None], tell: Callable[..., None], news: dict[str, Any]
) -> None:
    page.evaluate(BUSY_CELL)
    wait(300)
    page.get_by_role("button", name="Stop").click()
    tell(**news)
    wait(20_000)
    assert page.evaluate("window.interrupts") == 0


# --- the caret --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "last"),
    [
        ("<h2>Title</h2>", "h2"),
        ("<p>one <strong>two</strong></p>", "p"),
        ("<ul><li>one</li><li>two</li></ul>", "li:last-child"),
        ("<ul><li>one<ul><li>two <em>x</em></li></ul></li></ul>", "li li"),
        ("<ol><li><p>one</p><p>two</p></li></ol>", "p:last-child"),
        ('<ul><li class="nbs-task"><input type="checkbox"> do</li></ul>', "li"),
        ("<blockquote><p>one</p></blockquote>", "p"),
        ("<ul><li>one<pre><code>x = 1</code></pre></li></ul>", "code"),
        ("<pre><code>x = 1</code></pre>", "code"),
        ("<table><thead><tr><th>a</th><th></th></tr></thead></table>", "th:first-child"),
        (
            "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td><td></td></tr></tbody></table>",
            "tr:nth-child(2) td:nth-child(2)",
        ),
    ],
)
def test_the_caret_is_where_the_answer_ends(page: Page, tell: Callable[..., None], html: str, last: str) -> None:
    shows(tell, "<p>before</p>", html)
    assert page.locator(".nbs-caret").count() == 1
    assert page.locator(f".nbs-block:last-child {last}").first.evaluate("node => node.matches('.nbs-caret')")
    caret = "node => getComputedStyle(node, '::after').content"
    assert page.locator(".nbs-caret").evaluate(caret) == '""'
    tell(type="end", state="completed", mark=None, facts=[])
    assert page.locator(".nbs-caret").evaluate(caret) == "none"


def test_nothing_moves_but_the_text(page: Page, tell: Callable[..., None]) -> None:
    shows(tell, "<p>text</p>")
    assert page.locator(".nbs-caret").count() == 1
    assert page.evaluate("document.getAnimations().length") == 0


# --- the copy button --------------------------------------------------------------------------------------------------


def test_the_keyboard_reaches_copy_where_it_scrolls_to_the_code(page: Page, tell: Callable[..., None]) -> None:
    shows(tell, "<p>above</p>" * 150, "<pre><code>x = 1</code></pre>", "<p>below</p>" * 5)
    box, copy = page.locator(".nbs-capped"), page.get_by_role("button", name="Copy")
    box.evaluate("(box) => { box.scrollTop = 0; box.focus(); }")
    box.evaluate("(box) => box.addEventListener('scrollend', () => { window.scrolled = true; })")
    page.keyboard.press("Tab")
    expect(page.locator("pre")).to_be_focused()
    page.wait_for_function("window.scrolled")
    expect(copy).to_be_visible()
    page.keyboard.press("Tab")
    expect(copy).to_be_focused()
    box.hover()
    page.mouse.wheel(0, -2000)
    expect(copy).not_to_be_in_viewport()


# --- layout -----------------------------------------------------------------------------------------------------------


def test_each_block_has_the_direction_of_its_own_text(page: Page, tell: Callable[..., None]) -> None:
    shows(tell, "<p>English</p>", "<ul><li>\u0645\u0631\u062d\u0628\u0627</li></ul>", "<p>English \u05e9\u05dc</p>")
    direction = "node => getComputedStyle(node).direction"
    blocks = page.locator(".nbs-block > *")
    assert [blocks.nth(number).evaluate(direction) for number in range(3)] == ["ltr", "rtl", "ltr"]
    shows(tell, "<p>\u0645\u0631\u062d\u0628\u0627</p><pre><code># \u0645\u0631\u062d\u0628\u0627</code></pre>")
    assert blocks.nth(0).evaluate(direction) == "rtl"
    assert page.locator("pre").evaluate(direction) == "ltr"


def test_what_is_wide_scrolls_inside_the_view(page: Page, tell: Callable[..., None]) -> None:
    cells = "".join(f"<td>column-{number}</td>" for number in range(40))
    shows(tell, f"<table><tbody><tr>{cells}</tr></tbody></table>", f"<pre><code>{'x = 1; ' * 200}</code></pre>")
    inside = "node => [node.scrollWidth > node.clientWidth, getComputedStyle(node).overflowX]"
    assert page.locator("table").evaluate(inside) == [True, "auto"]
    assert page.locator("pre").evaluate(inside) == [True, "auto"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_in_a_narrow_cell_the_buttons_go_below_the_words(page: Page, tell: Callable[..., None]) -> None:
    page.set_viewport_size({"width": 200, "height": 600})
    shows(tell, "<p>text</p>" * 150, state="streaming")
    status, stop = (page.locator(f".nbs-{name}").bounding_box() for name in ("status", "stop"))
    assert status is not None
    assert stop is not None
    assert status["height"] < 2 * 16, "no word is broken"
    assert stop["y"] >= status["y"] + status["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_screen_reader_hears_the_beginning_and_the_end_but_no_token(page: Page, tell: Callable[..., None]) -> None:
    page.evaluate(
        """() => {
          window.heard = [];
          const announcer = document.querySelector(".nbs-announcer");
          new MutationObserver(() => window.heard.push(announcer.textContent)).observe(announcer, { childList: true });
        }"""
    )
    for number in range(5):
        shows(tell, f"<p>{'word ' * number}</p>")
        page.evaluate("() => new Promise(requestAnimationFrame)")
    mark = {"word": "Stopped", "sentence": "You stopped the answer."}
    tell(type="end", state="cancelled", mark=mark, facts=[])
    page.evaluate("leave()")  # the static answer takes the view's place at once
    expect(page.locator(".nbs-announcer")).to_have_text("Stopped")
    assert page.evaluate("window.heard") == ["Answer begins", "Stopped"]
    assert page.locator(".nbs-announcer").get_attribute("role") == "status"
    assert page.locator(".nbs-view [aria-live]:not([aria-live=off])").count() == 0


def test_a_view_that_stays_shows_the_facts(page: Page, tell: Callable[..., None]) -> None:
    tell(type="reasoning", blocks=[[0, 0, "", 0, "<p>Hm</p>"]], seconds=0, over=False)
    tell(type="reasoning", blocks=[], seconds=2, over=True)
    shows(tell, "<p>Hi</p>")
    expect(page.locator(".nbs-status")).to_have_text(re.compile(r"^m · streaming · \d+ s$"))
    tell(type="end", state="completed", mark=None, facts=["m-1", "complete", "12 tokens"])
    expect(page.locator(".nbs-facts")).to_be_visible()
    expect(page.locator(".nbs-facts")).to_have_text("m-1 · complete · 12 tokens")
    expect(page.locator(".nbs-stop")).to_be_hidden()
    expect(page.locator("summary")).to_have_text("Thought for 2 s")
    expect(page.locator("summary")).to_be_visible()


def test_a_snapshot_brings_the_reasoning_and_the_time(page: Page, tell: Callable[..., None]) -> None:
    thoughts = {"blocks": ["<p>Hm</p>"], "seconds": 61.0, "over": False}
    facts: dict[str, Any] = {"state": "streaming", "mark": None, "facts": [], "retry": None, "elapsed": 65.0}
    tell(type="snapshot", number=7, blocks=[], reasoning=thoughts, **facts)
    expect(page.locator("summary")).to_have_text(re.compile(r"^Thinking … 6\d s$"))
    expect(page.locator(".nbs-status")).to_have_text(re.compile(r"^m · thinking · 6\d s$"))
    changes = [[0, 0, "", 0, "<p>Hm \U0001f914</p>"], [1, 0, "", 0, "<p><em>So</em></p>"]]
    tell(type="reasoning", number=8, blocks=changes, seconds=62.0, over=True)
    expect(page.locator("summary")).to_have_text("Thought for 62 s")
    assert page.locator(".nbs-thoughts p").all_text_contents() == ["Hm \U0001f914", "So"]
    expect(page.locator(".nbs-thoughts em")).to_have_text("So")
    tell(type="snapshot", number=9, blocks=["<p>Hi</p>"], reasoning=None, **facts)
    expect(page.locator(".nbs-reasoning")).to_be_hidden()


# --- colours ----------------------------------------------------------------------------------------------------------

THEMES = pathlib.Path(get_app_dir()) / "themes" / "@jupyterlab"
VSCODE = {"light": ("#3b3b3b", "#ffffff", "#f2f2f2"), "dark": ("#cccccc", "#1f1f1f", "#2a2a2a")}
# Each token class that Pygments writes for these, and some that it writes rarely.
CODE = {
    "python": "@cache\ndef f(x: int = 0x1F) -> str:\n    # why\n    raise ValueError(f'{x!r} \\n') if None else r'^a'",
    "html": '<!-- c --><a href="x">&amp;</a>',
    "bash": 'export A="$B" # c\nif [ -z $A ]; then echo `ls`; fi',
    "diff": "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new",
    "json": '{"a": [1.5, true]}',
    "css": "a:hover { color: #fff !important }",
    "c": "#include <x.h>\nint main(void) { return 'a'; }",
    "sql": "SELECT 1 AS x FROM t -- c",
    "pycon": ">>> 1/0\nTraceback (most recent call last):\nZeroDivisionError: division",
}
RARE = ["gh", "gu", "gr", "err", "vc", "vg", "ni", "nl", "se", "si", "sr", "ss", "mo", "il", "no", "kt", "cs", "go"]

# The contrast of each token with the background behind it, as WCAG reckons it.
CONTRASTS = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const over = (...colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backs = (node) => node ? [...backs(node.parentElement), getComputedStyle(node).backgroundColor] : [];
  const found = {};
  for (const span of document.querySelectorAll(".nbs-block pre span[class]")) {
    const back = backs(span);
    const [a, b] = [luminance(over(...back)), luminance(over(...back, getComputedStyle(span).color))];
    found[span.className] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  return found;
}"""


def jupyterlab(page: Page, shade: str) -> None:
    page.add_style_tag(content=(THEMES / f"theme-{shade}-extension" / "index.css").read_text("utf-8"))
    page.evaluate("(light) => document.body.dataset.jpThemeLight = light", str(shade == "light").lower())
    page.add_style_tag(content="body { background: var(--jp-layout-color0) }")


def vscode(page: Page, shade: str) -> None:
    text, back, code = VSCODE[shade]
    colours = f"--vscode-editor-foreground: {text}; --vscode-textCodeBlock-background: {code}; background: {back}"
    page.evaluate("(name) => document.body.classList.add(name)", f"vscode-{shade}")
    page.add_style_tag(content=f"body {{ {colours} }}")
    page.emulate_media(
        color_scheme="light" if shade == "dark" else "dark"
    )  # the host's theme decides, not the system's


def another_host(page: Page, shade: str) -> None:
    page.emulate_media(color_scheme="light" if shade == "light" else "dark")
    page.add_style_tag(content=":root { color-scheme: light dark } body { background: Canvas }")


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("host", [jupyterlab, vscode, another_host], ids=lambda host: host.__name__)
def test_code_can_be_read(
    page: Page, tell: Callable[..., None], host: Callable[[Page, str], None], shade: str, tmp_path: pathlib.Path
) -> None:
    host(page, shade)
    rare = " ".join(f'<span class="{name}">{name}</span>' for name in RARE)
    blocks = [render(f"```{language}\n{code}\n```") for language, code in CODE.items()]
    shows(tell, *blocks, f"<pre><code>{rare}</code></pre>")
    page.screenshot(path=tmp_path / "code.png", full_page=True)
    contrasts: dict[str, float] = page.evaluate(CONTRASTS)
    assert len(contrasts) > 40
    faint = {name: round(contrast, 2) for name, contrast in contrasts.items() if contrast < 4.5}
    assert faint == {}, f"see {tmp_path}"
    shades = page.locator("pre span").evaluate_all("all => new Set(all.map((at) => getComputedStyle(at).color)).size")
    assert shades >= 8, "code is coloured"


# --- questions --------------------------------------------------------------------------------------------------------

ASKED = {"call": "q", "kind": "input", "tool": "greet", "digest": "d", "description": "Which name?\nname (string)"}
REMOTE = {**ASKED, "call": "r", "digest": "e", "kind": "remote", "tool": "wiki.search", "arguments": "{}"}


def test_what_a_tool_asks_for_is_filled_in(page: Page, tell: Callable[..., None]) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    questions = [{**ASKED, "arguments": '{"name": ""}', "tool": hostile}, REMOTE]
    state: dict[str, Any] = {
        "state": "streaming",
        "blocks": [],
        "reasoning": None,
        "mark": None,
        "facts": [],
        "retry": None,
    }
    tell(type="snapshot", questions=questions, allowed=[], elapsed=0, **state)
    form, remote = page.locator(".nbs-question").all()
    expect(form.locator("strong")).to_have_text(hostile)
    expect(remote.get_by_role("button", name="Allow", exact=True)).to_have_count(1)
    for unfit in ("Edit", "Always allow"):
        expect(remote.get_by_role("button", name=unfit)).to_have_count(0)
    assert [each.inner_text() for each in form.get_by_role("button").all()] == ["Send", "Decline"]
    form.get_by_role("textbox", name="Answer to").fill('{"name": "Ada"}')
    form.get_by_role("button", name="Send").press("Enter")
    sent = page.evaluate("window.sent.at(-1)")
    assert {name: sent[name] for name in ("call", "digest", "allow", "always")} == {
        "call": "q",
        "digest": "d",
        "allow": True,
        "always": False,
    }
    assert json.loads(sent["arguments"]) == {"name": "Ada"}
    tell(type="refused", call="q", words="too short", number=None)
    expect(form.get_by_role("alert")).to_have_text("too short")
    remote.get_by_role("button", name="Deny").click()
    assert page.evaluate("window.sent.at(-1).allow") is False
