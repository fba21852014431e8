"""The dialect against GitHub's own parser, on answers of the shapes that models write.

Compared is the structure, after a normalisation: white space beside block tags is dropped; `span` and `div` are
transparent (they carry classes only); titles and link attributes are dropped and destinations unquoted; an image
is compared as the link that stands for it; `<pre lang>` is the class on the `code` inside.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import cmarkgfm
import pytest

from nbstream.markdown import render
from nbstream.markdown.links import image_note

_CORPUS = Path(__file__).parent / "corpus" / "answers.md"
_BLOCK = re.compile(r"</?(?:p|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|pre|blockquote|hr)\b.*")
_KEPT = ("href", "start", "align", "checked", "type")
# Not agreed: the order of `em` and `strong` around the same text; the check box of a loose item is in its paragraph.
_FLOOR = 56


def _corpus() -> dict[str, str]:
    parts = re.split(r"^%%% (.*)\n", _CORPUS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


class _Structure(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self._pre = False
        self._lang: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self.tokens += [f"<a href={unquote(values['src'] or '')}>", image_note(values["alt"] or ""), "</a>"]
            return
        if tag in {"span", "div"}:
            return
        if tag == "pre":
            self._pre, self._lang = True, values.get("lang")
        kept = [f"{name}={unquote(values[name] or '')}" for name in _KEPT if name in values]
        if tag == "code" and self._pre:
            language = f"language-{self._lang}" if self._lang else values.get("class")
            kept += [f"class={language}"] if language else []
        self.tokens.append(f"<{' '.join([tag, *kept])}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"span", "div", "input", "br", "hr", "img"}:
            return
        self._pre = self._pre and tag != "pre"
        self.tokens.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        data = data if self._pre else re.sub(r"\s+", " ", data)
        if self.tokens and not self.tokens[-1].startswith("<"):
            self.tokens[-1] += data
        else:
            self.tokens.append(data)


def _structure(html: str) -> list[str]:
    parser = _Structure()
    parser.feed(html)
    parser.close()
    tokens = ["<p>", *parser.tokens, "</p>"]
    found = []
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        kept = token
        if not token.startswith("<") and "\n" not in token:
            kept = kept.lstrip() if _BLOCK.match(before) or before == "<br>" else kept
            kept = kept.rstrip() if _BLOCK.match(after) else kept
        if kept:
            found.append(kept)
    return found


def _agrees(text: str) -> bool:
    return _structure(render(text)) == _structure(cmarkgfm.github_flavored_markdown_to_html(text))


def test_the_judge_tells_structures_apart():
    assert _structure("<p>a</p>\n<p>b</p>") != _structure("<p>a b</p>")
    assert _structure("<ul><li>a</li></ul>") != _structure("<ul><li><p>a</p></li></ul>")
    assert _structure("<pre lang='x'><code>a\n</code></pre>") == _structure(
        '<pre><code class="language-x">a\n</code></pre>'
    )


def test_agreement_with_github_does_not_fall():
    disagreed = [name for name, text in _corpus().items() if not _agrees(text)]
    agreed = len(_corpus()) - len(disagreed)
    assert agreed >= _FLOOR, f"{agreed} of {len(_corpus())} agree; not: {disagreed}"


@pytest.mark.parametrize("name", ["list after a paragraph line", "fence in a list item", "nesting by two spaces"])
def test_what_models_write_most_is_read_as_github_reads_it(name):
    assert _agrees(_corpus()[name])
