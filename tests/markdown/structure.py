"""What two renderers have to agree on: the structure of HTML, and GitHub's own parser as the judge of it.

The normalisation, applied to both sides alike:

* A word joiner is dropped: it is shown as nothing, and keeps marks apart in Markdown that is saved.
* White space next to block tags and line breaks is dropped; elsewhere a run of it is one space. In code it is kept.
* `span`, `div` and `section` are transparent, they carry classes only. `<pre lang>` is the class on the `code` inside.
* Kept are the attributes `href` (percent-decoded), `start`, `align`, `checked` and `type`. Titles are dropped.
* An image is compared as the link that stands for it here.
* A destination that is refused here (other schemes than http, https and mailto) is not a link on the other side either.
* A check box right before a paragraph counts as being in it.
* A footnote reference is its number in a `sup`; the links from and to it are dropped.

What GitHub's parser does not know is taken out of its input:

* The texts mark each formula with `⟪…⟫`. The judge reads a word (or, for a formula on lines of its own, a fenced
  block) in its place, and each formula that is found here is replaced by the same, if it is the text that was marked.
* Raw HTML is text here, but for the few elements that models write. The judge reads a number in quotation marks for
  each tag or comment, which becomes the tag again in what it writes; a `<` that starts no tag is a quotation mark, too.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import cmarkgfm
from cmarkgfm.cmark import Options

from nbstream.markdown import render
from nbstream.markdown.links import image_note, safe_url

__all__ = ["agrees", "answers", "source", "structure"]

_BLOCK = re.compile(r"</?(?:p|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|pre|blockquote|hr)\b.*")
_KEPT = ("start", "align", "checked", "type")
_TRANSPARENT = {"span", "div", "section"}
_VOID = {"br", "hr", "img", "input"}
_TAG_START = re.compile(
    r"<(?=[A-Za-z/!?])(?!br ?/?>|/?(?:kbd|sub|sup)>)"
    r"(?![A-Za-z][A-Za-z0-9+.\-]+:[^\s<>]*>|[\w.+\-]+@[\w.\-]+>)(?<!\]\(<)(?<!\]: <)"
)
_TAG = re.compile(
    r"(?<!\]\()(?<!\]: )(?!<br ?/?>|</?(?:kbd|sub|sup)>)</?[A-Za-z][A-Za-z0-9-]*(?:\s+[^<>@]*)?/?>|<!--[^\n]*?-->"
)
_STAND_IN = "\u2039"
_BLOCK_FORMULA = re.compile(r"^([ >]*)⟪([^⟫]*)⟫$", re.MULTILINE)
_FORMULA = re.compile(r"⟪([^⟫]*)⟫")


def answers() -> dict[str, str]:
    """Return the corpus: answers by name, formulas marked."""
    found: dict[str, str] = {}
    for file in sorted((Path(__file__).parent / "corpus").glob("*.md")):
        parts = re.split(r"^%%% (.*)\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert found.keys().isdisjoint(parts[1::2]), "names are unique over all files"
        found |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


def source(text: str) -> str:
    """Return the Markdown of a text in which formulas are marked."""
    return text.replace("⟪", "").replace("⟫", "")


def _squeezed(formula: str) -> str:
    return re.sub(r"[\s>]+", "", formula.replace(_STAND_IN, "<"))


class _Structure(HTMLParser):
    """Collects tags and texts; `formulas` are what may stand in an element of class `nbs-math`, in order."""

    def __init__(self, formulas: list[str]) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self._formulas = formulas
        self._found = 0
        self._math: str | None = None
        self._open: list[tuple[str, bool]] = []
        self._lang: str | None = None
        self._hidden = False

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)

    def _add(self, token: str) -> None:
        self.tokens.append(token)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._image(values)
            return
        shown = tag not in _TRANSPARENT and not self._hidden
        if tag == "a" and "footnote-backref" in values.get("class", ""):
            self._hidden = True
        if tag == "a":
            url = safe_url(values.get("href", ""))
            shown = url is not None and not self._inside("sup") and not self._hidden
            self._open.append((tag, shown))
            if shown:
                self._add(f"<a href={unquote(unquote(url or ''))}>")
            return
        if "nbs-math" in values.get("class", ""):
            self._math = ""
        if tag == "pre":
            self._lang = values.get("lang")
        kept = [f"{name}={values[name]}" for name in _KEPT if name in values]
        if tag == "code" and self._inside("pre"):
            language = f"language-{self._lang}" if self._lang else values.get("class")
            kept += [f"class={language}"] if language else []
        if tag not in _VOID:
            self._open.append((tag, shown))
        if shown:
            self._add(f"<{' '.join([tag, *kept])}>")

    def _image(self, values: dict[str, str]) -> None:
        url, alt = safe_url(values.get("src", "")), values.get("alt", "")
        linked = url is not None and not self._inside("a")
        self.tokens += [f"<a href={unquote(unquote(url or ''))}>"] if linked else []
        self.handle_data(image_note(alt))
        self.tokens += ["</a>"] if linked else []

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self._open:
            return
        _, shown = self._open.pop()
        self._hidden = self._hidden and tag != "a"
        if self._math is not None:
            self._formula(tag)
        elif shown:
            self._add(f"</{tag}>")

    def _formula(self, tag: str) -> None:
        number, self._found = self._found, self._found + 1
        expected = self._formulas[number] if number < len(self._formulas) else ""
        formula, self._math = self._math or "", None
        stand_in = f"formula{number}" if _squeezed(formula) == _squeezed(expected) else f"not a formula: {formula}"
        if tag == "div":
            self.tokens += ["<pre>", "<code class=language-formula>", f"{stand_in}\n", "</code>", "</pre>"]
        else:
            self.handle_data(stand_in)

    def handle_data(self, data: str) -> None:
        if self._math is not None:
            self._math += data
            return
        if self._hidden:
            return
        data = data.replace("\u2060", "")
        data = data if self._inside("code") else re.sub(r"[ \t\n]+", " ", data)
        if self.tokens and not self.tokens[-1].startswith("<"):
            self.tokens[-1] += data
        else:
            self._add(data)


def structure(html: str, formulas: list[str] | None = None) -> list[str]:
    """Return the tags and texts of `html` after the normalisation; tags start with `<`, texts never do."""
    parser = _Structure(formulas or [])
    parser.feed(html.replace("&lt;", _STAND_IN))
    parser.close()
    tokens = ["<p>", *_boxed(parser.tokens), "</p>"]
    found: list[str] = []
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        kept = token
        if not token.startswith("<") and not before.startswith("<code"):
            kept = kept.lstrip(" \n") if _BLOCK.match(before) or before.startswith(("<br", "<input")) else kept
            kept = kept.rstrip(" \n") if _BLOCK.match(after) or after == "<br>" else kept
        if kept:
            found.append(re.sub(r" {2,}", " ", kept) if kept.startswith("image") else kept)
    return found


def _boxed(tokens: list[str]) -> list[str]:
    """Move check boxes into the paragraphs behind them."""
    moved = tokens.copy()
    for at in range(len(moved) - 1):
        if "type=checkbox" in moved[at] and "<p>" in moved[at + 1 : at + 3] and moved[at - 1] != "<p>":
            behind = moved.index("<p>", at + 1)
            moved[at : behind + 1] = ["<p>", moved[at]]
            moved.insert(at + 2, "")
    return moved


def judged(text: str) -> str:
    """Return what GitHub's parser makes of a text in which formulas are marked."""
    count = 0

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}```formula\n{found[1]}⟪{found[2]}⟫\n{found[1]}```"

    def word(_found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"formula{count - 1}"

    text = _FORMULA.sub(word, _BLOCK_FORMULA.sub(block, text))
    tags: list[str] = []

    def number(found: re.Match[str]) -> str:
        tags.append(found[0])
        return f"{_STAND_IN}{len(tags) - 1}{_STAND_IN}"

    text = _TAG_START.sub(_STAND_IN, _TAG.sub(number, text))
    html = str(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_FOOTNOTES | Options.CMARK_OPT_UNSAFE))
    return re.sub(f"{_STAND_IN}(\\d+){_STAND_IN}", lambda found: escape(tags[int(found[1])], quote=False), html)


def agrees(text: str) -> bool:
    """Whether a text in which formulas are marked has here the structure that GitHub's parser gives it."""
    formulas = _FORMULA.findall(text)
    return structure(render(source(text)), formulas) == structure(judged(text))
