"""Hostile text: nothing in it may act, in live HTML or in the Markdown that a trusted notebook shows."""

from __future__ import annotations

import random
import re
import time
from html.parser import HTMLParser

import cmarkgfm
import mistune
import pytest
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from nbstream.markdown import inert, render
from nbstream.markdown.safety import sanitise
from nbstream.markdown.source import JOINER
from tests import payloads

_TAGS = frozenset(
    {
        "a",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "input",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "section",
        "span",
        "strong",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    }
)
_HREF = re.compile(r"\s*(?:https?://|mailto:|[^:]*$|[^:]*[/?#])", re.IGNORECASE)
_ALLOWED_IMAGE = re.compile(r"img(?: src=https?://.*)?\Z")
_PIECES = [
    "`",
    "``",
    "```",
    "~~~",
    "$",
    "$$",
    "\\",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "{",
    "}",
    "<",
    ">",
    "!",
    "[",
    "]",
    "(",
    ")",
    "*",
    "_",
    "~",
    "|",
    "&",
    "=",
    "#",
    "a",
    "&lt;",
    "&#96;",
    "&#36;",
    "\\\\",
    '"',
    "@@0@@",
    "<!--",
    "-->",
    "<img/src=x/onerror=alert(1)>",
    "<script>",
    "[x](javascript:alert(1))",
    "[r]",
    "\\begin{a}",
    "\\end{a}",
    "https://a.b/",
    "`](y)`",
    "$y$",
    "[](data:x)",
    "`<svg/onload=alert(1)>`",
    " ",
    "    ",
    "\n",
    "\n\n",
    "\n- ",
    "\n1. ",
    "\n> ",
    "\n|-|\n",
    "\n```\n",
    "\n  ```\n",
    "\n> ```\n",
    "\n~~~\n",
    "\n[r]: javascript:x\n",
]

PAYLOADS = [payload.text for payload in payloads.PAYLOADS]


class _Dangers(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.found.append(tag)
        for name, value in attrs:
            bad_link = name == "href" and not _HREF.match(value or "")
            if bad_link or name.startswith("on") or name in {"style", "src", "srcdoc", "action", "formaction"}:
                self.found.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"declaration {data}")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"instruction {data}")


def _dangers(html: str) -> list[str]:
    parser = _Dangers()
    try:
        parser.feed(html)
        parser.close()
    except AssertionError as broken:  # the standard parser gives up on `<![` sections
        parser.found.append(str(broken))
    return parser.found


def _cmark(text: str) -> str:
    return str(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))


def _markdown_it(text: str) -> str:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: bool(url) or True  # type: ignore[method-assign]
    return str(parser.render(text))


def _mistune(text: str) -> str:
    plugins = ["table", "strikethrough", "url", "task_lists", "footnotes", "math", "def_list"]
    return str(mistune.create_markdown(escape=False, plugins=plugins)(text))


def _nbconvert(text: str) -> str:
    return re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html_mistune(text))


_PARSERS = (_cmark, _markdown_it, _mistune, _nbconvert)


def test_the_checks_see_danger():
    seen = [payload for payload in PAYLOADS if any(_dangers(parser(payload)) for parser in _PARSERS)]
    assert len(seen) > 200
    assert _dangers('<p onclick="x">') == ["p onclick=x"]
    assert _dangers('<a href=" JavaScript:x">')
    assert not _dangers('<p>a <a href="https://x.example">b</a></p>')


def test_live_html_has_nothing_that_acts():
    assert {payload: found for payload in PAYLOADS if (found := _dangers(render(payload)))} == {}


@pytest.mark.parametrize("parser", _PARSERS)
def test_no_parser_finds_anything_that_acts_in_inert_markdown(parser):
    assert {payload: found for payload in PAYLOADS if (found := _dangers(parser(inert(payload))))} == {}


def test_inert_markdown_settles_at_the_second_writing():
    written = [inert(inert(payload)) for payload in PAYLOADS]
    assert [inert(text) for text in written] == written


def test_random_mixtures_of_markup_stay_inert():
    chance = random.Random(7)
    for _ in range(800):
        text = "".join(chance.choice(_PIECES) for _ in range(chance.randint(2, 40)))
        written = inert(text)
        for parser in _PARSERS:
            assert not _dangers(parser(written)), (text, written)
        assert not _dangers(render(text)), text


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p onclick='x()'>a<script>b</script></p>", "<p>a</p>"),
        ("<p id=a style='color:red'>a</p>", "<p>a</p>"),
        ("<img src='https://x.example/p.png'>", ""),
        ('<input type="text"><input type="checkbox" checked="">', None),
        ('<a href="javascript:x">a</a>', '<a target="_blank" rel="noopener noreferrer nofollow">a</a>'),
    ],
)
def test_the_policy_keeps_what_the_dialect_emits_and_nothing_else(html, left):
    if left is None:
        assert 'type="text"' not in sanitise(html)
        assert 'checked=""' in sanitise(html)
    else:
        assert sanitise(html) == left


def test_images_become_links_unless_allowed():
    text = "![a *cat*](https://x.example/cat.png) ![x](data:image/png;base64,AA)"
    assert inert(text) == "[image not loaded: a cat](https://x.example/cat.png) image not loaded: x"
    assert inert(text, images="allow") == "![a cat](https://x.example/cat.png) image not loaded: x"
    assert "<img" not in render(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![a](https://x.example/a.png)", 'src="https://x.example/a.png"'),
        ("![a][r]\n\n[r]: HTTP://x.example/a.png 't'", 'src="HTTP://x.example/a.png"'),
        ("[![a](http://x.example/a.png)](https://y.example)", 'src="http://x.example/a.png"'),
        ("![a](//x.example/a.png)", None),
        ("![a](/logout)", None),
        ("![a](logout.png)", None),
        ("![a](data:image/png;base64,AA)", None),
        ("![a](javascript:x)", None),
        ("<img src=https://x.example/a.png>", None),
    ],
)
def test_allowed_images_are_those_that_name_their_server(text, shown):
    html = render(text, images="allow")
    if shown is None:
        assert "<img" not in html
        assert "](" not in inert(text, images="allow") or "!" not in inert(text, images="allow")
    else:
        assert shown in html
        assert all(rule in html for rule in ("<img ", 'alt="a"', 'loading="lazy"', 'referrerpolicy="no-referrer"'))
        assert "![a](" in inert(text, images="allow")


def test_the_policy_lets_nothing_but_the_source_of_an_image_through():
    html = (
        '<p><img src="/x" alt="a"><img src="https://x.example" srcset="https://y.example 1x" width="9" onload="x"></p>'
    )
    allowed = sanitise(html, "allow")
    assert allowed.count("src=") == 1
    assert not re.search(r'="/x"|srcset|width|onload', allowed)
    assert sanitise(html) == "<p></p>"


def test_payloads_gain_nothing_but_images_where_images_are_allowed():
    drawn = {payload: _dangers(render(payload, images="allow")) for payload in PAYLOADS}
    gained = {payload: [each for each in found if not _ALLOWED_IMAGE.match(each)] for payload, found in drawn.items()}
    assert {payload: found for payload, found in gained.items() if found} == {}


def test_control_characters_are_shown_or_dropped():
    assert inert("a\r\nb\x1b[1m\x9b\x00") == "a\nb\u241b\\[1m\u2400"
    assert render("a\x1bb") == "<p>a\u241bb</p>"


_COMMANDS = [
    r"\href{javascript:alert(1)}{x}",
    r"\require{html}",
    r"\htmlData{a=b}{x}",
    r"\mmlToken{mi}[href='x']{y}",
    r"\ref{x} \eqref{y}",
]


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.parametrize("around", ["$%s$", "$$\n%s\n$$", "\\(%s\\)", "text %s", "`code` &#92;%s", "\\$ %s \\$"])
def test_tex_commands_that_reach_the_page_are_defused(command, around):
    written = inert(around % command)
    assert not re.search(r"(?:\\|&#92;)(?:href|require|html|mmlToken|ref|eqref)", written)
    assert inert(written) == written


@pytest.mark.parametrize("name", ["openin", "lowercase", "special", "directlua", "usepackage", "anythingNew"])
def test_in_prose_only_known_commands_pass(name):
    for text in (f"a \\{name}{{x}}", f"a\\{name}{{x}}", f"a:\\{name}[x]", f"\\{name} x", f"(\\{name})"):
        assert f"\\{JOINER}{name}" in inert(text), text


@pytest.mark.parametrize("text", [r"C:\\Users\\me\\notes_1", r"a \\alpha b", r"\\d+ and \\w"])
def test_paths_and_known_commands_in_prose_can_be_copied(text):
    assert JOINER not in inert(text)


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.parametrize("around", ["$%s$", "$$\n%s\n$$", "\\(%s\\)", "\\[%s\\]", "$$\n%s"])
def test_tex_commands_in_formulas_that_a_page_may_typeset_are_defused(command, around):
    html = render(around % command)
    assert "nbs-math" in html
    assert not re.search(r"\\(?:href|require|html|mmlToken|ref|eqref)", html)


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\nSome *text* with **bold**, `List[int]` and `a < b`.",
        "- a\n- b\n  - c\n\n1. x\n2. y",
        "```python\nx = [1] < y & z\nprint('<b>')\n```",
        "```mermaid\ngraph TD;\nA-->B;\n```",
        "| a | b |\n| --- | ---: |\n| 1 | `x` |",
        "Inline $a_b + c$ and\n\n$$\\sum_{i} x_i$$",
        "> quote\n> more\n\n___",
        "[a](https://x.example/y?z=1&w=2#f) and <https://x.example/a_b>",
        "- [ ] open\n- [x] done",
        "50% & more [1] (2) a_b 2*3 ~5",
    ],
)
def test_harmless_text_is_left_as_it_is(text):
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a List<int> b", "a List&lt;int> b"),
        ("Title\n=====", "# Title"),
        (r"\(x < y\) and \[z\]", "$x < y$ and $$z$$"),
        ("It costs $5", r"It costs \$5"),
        ("It costs $5 and $6", r"It costs <span>\$</span>5 and <span>\$</span>6"),
        ("```\nopen", "```\nopen\n```"),
        ("    code", "```\ncode\n```"),
        ("````\n```\n````", "````\n```\n````"),
        ("https://x.example.", "<https://x.example>."),
        ("C:\\Users\\me", "C:\\\\Users\\\\me"),
        ("- a\n\n[r]: http://u.example\n\n- b [r]", "- a\n\n* b [r](http://u.example)"),
        ("[a](/logout) ![b](/x.png) [c](../x.csv)", "a image not loaded: b c"),
    ],
)
def test_what_must_change_changes_little(text, written):
    assert inert(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "Steps:\n1. a\n   ```sh\n   ls <dir>\n   ```\n2. b\n\n> q\nlazy\n\nTitle\n---\n~~~\nx\n~~~\nend\\\nline",
        "- a\n\n  b\n- c\n\n      code\n\n<div>*raw*</div> & &copy; &lt;b&gt; \\*star\\*",
        "See [docs][d] and ~~x~~ `` a`b `` $5.\n\n[d]: https://x.example 't'",
    ],
)
def test_inert_markdown_renders_like_the_original(text):
    assert render(inert(text)) == render(text)


@pytest.mark.parametrize("piece", ["[a](", "[](", "![](", "[x]: (", "`](y)`", "[a](b) ", "\\begin{a}"])
def test_hostile_repetition_costs_no_more_than_other_text(piece):
    text = piece * (20_000 // len(piece))
    before = time.process_time()
    render(text)
    inert(text)
    assert time.process_time() - before < 8.0  # what is quadratic takes tens of seconds
