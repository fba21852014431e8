"""The inline phase: Python-Markdown's inline patterns, applied to the text of one leaf.

What is literal (code, math, escapes) is read by `spans`, links and images follow `links`; emphasis is Python-Markdown's
own. Knows nothing of blocks. Its HTML still has to pass `safety.sanitise`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import InlineProcessor as InlineTreeProcessor
from markdown.util import INLINE_PLACEHOLDER_RE, AtomicString, Registry

from nbstream.markdown.links import image_note, inline_target, is_remote, label_at, normalise, safe_url, unescape
from nbstream.markdown.spans import SPECIAL, bare_url, span_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.markdown.links import Images

__all__ = ["Inlines", "Link", "find_link", "pairs"]

# Emphasis is theirs; the second exists in releases before 3.11 only.
_STOCK = ("em_strong", "em_strong2")
_BRACKET = re.compile(r"[\[\]]")
_MATH = {"math", "display", "environment"}


class Link(NamedTuple):
    """A link or image found in a text: where its text and the whole of it end, and its destination as written."""

    text_end: int
    end: int
    url: str


@lru_cache(maxsize=8)
def pairs(text: str) -> dict[int, int]:
    """Return the position of the closing bracket for each opening one."""
    found: dict[int, int] = {}
    stack: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[0] == "[":
            stack.append(match.start())
        elif stack:
            found[stack.pop()] = match.start()
    return found


def find_link(
    text: str,
    start: int,
    close: int | None,
    references: Mapping[str, str],
    missing: set[str],
    plain: Callable[[str], str] = unescape,
) -> Link | None:
    """Return the link whose `[` is at `start` and whose `]` is at `close`, or None.

    Args:
        text: The text of the leaf.
        start: Where the `[` is.
        close: Where its partner is, if it has one.
        references: The definitions.
        missing: Labels that have no definition yet are added to it.
        plain: Resolves the escapes in a label.
    """
    if close is None:
        return None
    if target := inline_target(text, close + 1):
        return Link(close, target.end, target.url)
    label, end = text[start + 1 : close], close + 1
    if text.startswith("[]", end):
        end += 2
    elif named := label_at(text, end):
        label, end = named[1], named.end()
    elif not label_at(text, start):
        return None
    name = normalise(plain(label))
    if name in references:
        return Link(close, end, references[name])
    if name:
        missing.add(name)
    return None


class Inlines:
    """Renders the text of leaves; `references` may grow between calls.

    Example:
        >>> Inlines({}).render("**bold** and `code`")
        '<strong>bold</strong> and <code>code</code>'
    """

    def __init__(self, references: Mapping[str, str], images: Images = "link") -> None:
        self.references = references
        self.images = images
        self.missing: set[str] = set()
        md = Markdown()
        stock, md.inlinePatterns = md.inlinePatterns, Registry()
        for priority, name in enumerate(_STOCK):
            if name in stock:
                md.inlinePatterns.register(stock[name], name, 60 - priority)
        self.tree = InlineTreeProcessor(md)
        md.treeprocessors.register(self.tree, "inline", 20)
        md.inlinePatterns.register(_Literal(SPECIAL, md), "literal", 200)
        md.inlinePatterns.register(_LinkProcessor(r"!?\[", md, self), "link", 170)
        md.inlinePatterns.register(_LinkProcessor(r"!\[", md, self), "image in link", 160)
        md.inlinePatterns.register(_BareUrl(r"(?<![^\s*_~(\[<])(?:https?://|www\.)", md), "bare_url", 150)
        md.inlinePatterns.register(_Break(r" {2,}\n *", md), "break", 140)
        md.inlinePatterns.register(_Strike(r"(?<!~)(~{1,2})(?=[^\s~])(.+?)(?<=[^\s~])\1(?!~)", md), "strike", 65)

    def render(self, text: str) -> str:
        """Return the HTML of one leaf."""
        root = Element("div")
        leaf = SubElement(root, "p")
        leaf.text = text
        try:
            self.tree.run(root)
            return _html_inside(leaf)
        except RecursionError:
            return escape(text, quote=False)  # marks nested by the hundred are no prose


def _html_inside(element: Element) -> str:
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in child.attrib.items())
        parts.append(f"<{child.tag}{attributes}>")
        if child.tag not in {"br", "img"}:
            parts.append(f"{_html_inside(child)}</{child.tag}>")
        parts.append(escape(child.tail or "", quote=False))
    return "".join(parts)


def _node(tag: str, text: str = "", attributes: dict[str, str] | None = None, *, atomic: bool = True) -> Element:
    element = Element(tag, attributes or {})
    element.text = AtomicString(text) if atomic else text
    return element


# Python-Markdown's signatures are in camel case and its stubs promise more than a pattern may return.
_Found = tuple[Element | str | None, int | None, int | None]
_NOTHING: _Found = (None, None, None)


class _Literal(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: N802
        span = span_at(data, m.start())
        if span is None:
            return _NOTHING
        source = data[m.start() : span.end]
        if span.kind == "text":
            return span.text, m.start(), span.end
        if span.kind == "break":
            return _node("br"), m.start(), span.end
        if span.kind == "code":
            return _node("code", span.text), m.start(), span.end
        if span.kind in _MATH:
            return _node("span", source, {"class": "nbs-math"}), m.start(), span.end
        url = safe_url(f"mailto:{span.text}" if span.kind == "mail" else span.text)
        return (_node("a", span.text, {"href": url}) if url else source), m.start(), span.end


class _LinkProcessor(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, owner: Inlines) -> None:
        super().__init__(pattern, md)
        self.owner = owner

    def find(self, data: str, start: int) -> Link | None:
        close = pairs(data).get(start)
        return find_link(data, start, close, self.owner.references, self.owner.missing, self.unescape)

    def destination(self, link: Link) -> str | None:
        url = self.unescape(link.url)
        # `<a b>` was taken for a tag before it was known to be a destination.
        return safe_url(url[1:-1] if url.startswith("<") and url.endswith(">") else url)

    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: N802
        opener = m.end() - 1
        link = self.find(data, opener)
        if link is None:
            return _NOTHING
        text = data[opener + 1 : link.text_end]
        url = self.destination(link)
        if m[0] == "![":
            node = self.image(self.unescape(text), url)
        elif any(self.find(data, start) for start in pairs(data) if self.inside(data, start, opener, link)):
            return _NOTHING  # the inner link wins: links do not nest
        else:
            node = _node("span", text, atomic=False) if url is None else _node("a", text, {"href": url}, atomic=False)
        return node, m.start(), link.end

    def inside(self, data: str, start: int, opener: int, link: Link) -> bool:
        return opener < start < link.text_end and data[start - 1] != "!"

    def image(self, alt: str, url: str | None) -> Element:
        """Images that are not loaded become links that say what they are."""
        if self.owner.images == "allow" and url is not None and is_remote(url):
            return _node("img", attributes={"src": url, "alt": alt})
        text = image_note(alt)
        if url is None or "a" in self.owner.tree.ancestors:
            return _node("span", text, {"class": "nbs-image"})
        return _node("a", text, {"href": url, "class": "nbs-image"})


class _BareUrl(InlineProcessor):
    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: N802
        # A character reference in the URL is a placeholder by now; anything richer ends the URL.
        found = bare_url(data, m.start())
        if found is None:
            return _NOTHING
        text = self.unescape(found) if INLINE_PLACEHOLDER_RE.search(found) else found
        url = safe_url(text if ":" in text[:6] else f"http://{text}")
        return (_node("a", text, {"href": url}) if url else text), m.start(), m.start() + len(found)


class _Break(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: ARG002, N802
        return _node("br"), m.start(), m.end()


class _Strike(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: ARG002, N802
        return _node("del", m[2], atomic=False), m.start(), m.end()
