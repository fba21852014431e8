"""The inline phase: Python-Markdown's inline patterns, applied to the text of one leaf.

What is literal (code, math, escapes) is read by `spans`, links and images follow `links`, then `emphasis` pairs what
is left. Knows nothing of blocks. Its HTML still has to pass `safety.sanitise`.
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
from markdown.util import ETX, INLINE_PLACEHOLDER_RE, STX, AtomicString, Registry

from nbstream.markdown.emphasis import LITERAL, TAGS, mark
from nbstream.markdown.footnotes import Footnotes, note_key, note_reference
from nbstream.markdown.formulas import defuse_commands
from nbstream.markdown.links import image_note, inline_target, is_remote, label_at, normalise, safe_url, unescape
from nbstream.markdown.spans import BARE_URL, SPECIAL, bare_mail, bare_url, span_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.markdown.links import Images

__all__ = ["Inlines", "Link", "find_link", "pairs"]

_BRACKET = re.compile(r"[\[\]]")
_MATH = {"math", "display", "environment"}
_MARKS = str.maketrans(TAGS | LITERAL)
_PLAIN = str.maketrans(dict.fromkeys(TAGS, "") | LITERAL)


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
    elif (named := label_at(text, end)) and not named[1].startswith("^"):
        label, end = named[1], named.end()
    elif not label_at(text, start):
        return None
    if label.startswith("^"):
        return None  # a footnote
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
        self.footnotes = Footnotes()
        md = Markdown()
        md.inlinePatterns = Registry()
        self.tree = InlineTreeProcessor(md)
        md.treeprocessors.register(self.tree, "inline", 20)
        md.inlinePatterns.register(_Literal(SPECIAL, md), "literal", 200)
        md.inlinePatterns.register(_LinkProcessor(md, self), "link", 170)
        md.inlinePatterns.register(_LinkProcessor(md, self, inner=True), "inner link", 160)
        md.inlinePatterns.register(_BareUrl(BARE_URL, md, self), "bare_url", 150)
        md.inlinePatterns.register(_BareMail("@", md), "bare_mail", 145)
        md.inlinePatterns.register(_Break(r" {2,}\n *", md), "break", 140)
        md.inlinePatterns.register(_Emphasis(r"[*_~].*", md, self), "emphasis", 60)

    def render(self, text: str) -> str:
        """Return the HTML of one leaf."""
        root = Element("div")
        leaf = SubElement(root, "p")
        leaf.text = text
        try:
            self.tree.run(root)
            return _html_inside(leaf)
        except RecursionError:
            return escape(text, quote=False)  # marks nested by the hundred are not prose


def _html_inside(element: Element) -> str:
    parts = [_escaped(element.text)]
    for child in element:
        if child.tag == "text":
            parts.append(_html_inside(child))
        elif child.tag == "br":
            parts.append("<br>")
        elif child.tag == "image":
            parts.append(_image(child))
        else:
            attributes = "".join(f' {name}="{escape(value)}"' for name, value in child.attrib.items())
            parts.append(f"<{child.tag}{attributes}>{_html_inside(child)}</{child.tag}>")
        parts.append(_escaped(child.tail))
    return "".join(parts)


def _image(element: Element) -> str:
    """Images that are not loaded become links that say what they are, in plain text."""
    alt = "".join(element.itertext()).translate(_PLAIN)
    if source := element.get("src"):
        return f'<img src="{escape(source)}" alt="{escape(alt)}">'
    label = escape(image_note(alt), quote=False)
    href = element.get("href")
    if href is None:
        return f'<span class="nbs-image">{label}</span>'
    return f'<a href="{escape(href)}" class="nbs-image">{label}</a>'


def _escaped(text: str | None) -> str:
    return escape(text, quote=False).translate(_MARKS) if text else ""


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
            return _node("text", span.text), m.start(), span.end
        if span.kind == "break":
            return _node("br"), m.start(), span.end
        if span.kind == "code":
            return _node("code", span.text), m.start(), span.end
        if span.kind in _MATH:
            formula = defuse_commands(source, environments=False)  # because a page may hand it to a TeX engine
            return _node("span", formula, {"class": "nbs-math"}), m.start(), span.end
        url = safe_url(f"mailto:{span.text}" if span.kind == "mail" else span.text)
        return (_node("a", span.text, {"href": url}) if url else source), m.start(), span.end


class _LinkProcessor(InlineProcessor):
    """Links and images; `inner` for images in the text of a link, and for what stands in the text of an image."""

    def __init__(self, md: Markdown, owner: Inlines, *, inner: bool = False) -> None:
        super().__init__(r"!?\[", md)
        self.owner = owner
        self.inner = inner

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
        if data.startswith("[^", opener) and (link is None or data[link.text_end + 1] != "("):
            note = self.note(data, opener)
            if link is None:
                return note
        if link is None or (self.inner and m[0] == "[" and "image" not in self.owner.tree.ancestors):
            return _NOTHING
        text = data[opener + 1 : link.text_end]
        url = self.destination(link)
        if m[0] == "![":
            return _node("image", text, self.image(url), atomic=False), m.start(), link.end
        if "a" in self.owner.tree.ancestors or any(
            self.find(data, start) for start in pairs(data) if self.inside(data, start, opener, link)
        ):
            return _NOTHING  # the inner link wins: links do not nest
        attributes = {} if url is None else {"href": url}
        return _node("span" if url is None else "a", text, attributes, atomic=False), m.start(), link.end

    def image(self, url: str | None) -> dict[str, str]:
        """The attributes of an image: loaded, a link, or, in the text of a link, neither."""
        if url is not None and self.owner.images == "allow" and is_remote(url):
            return {"src": url}
        return {} if url is None or "a" in self.owner.tree.ancestors else {"href": url}

    def note(self, data: str, start: int) -> _Found:
        """Return a footnote reference; it has a number even if it stays text or becomes a link: notes may come late."""
        found = note_reference(data, start)
        if found is None:
            return _NOTHING
        label, end = found
        key = note_key(self.unescape(label))
        number = self.owner.footnotes.number(key)
        if key not in self.owner.references:
            self.owner.missing.add(key)
            return _NOTHING
        return _node("sup", str(number)), start, end

    def inside(self, data: str, start: int, opener: int, link: Link) -> bool:
        return opener < start < link.text_end and data[start - 1] != "!"


class _BareUrl(InlineProcessor):
    ANCESTOR_EXCLUDES = ("a",)

    def __init__(self, pattern: str, md: Markdown, owner: Inlines) -> None:
        super().__init__(pattern, md)
        self.owner = owner

    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: N802
        found = bare_url(data, m.start())
        found = self.plain(found) if found and STX in found else found
        if not found:
            return _NOTHING
        text = self.unescape(found) if INLINE_PLACEHOLDER_RE.search(found) else found
        url = safe_url(text if ":" in text[:6] else f"http://{text}")
        return (_node("a", text, {"href": url}) if url else text), m.start(), m.start() + len(found)

    def plain(self, found: str) -> str | None:
        """Cut a URL at the first construct in it that is not a single character, or is a `<` or the last one."""
        stashed = self.owner.tree.stashed_nodes
        for placeholder in INLINE_PLACEHOLDER_RE.finditer(found):
            node = stashed.get(placeholder[1])
            text = node.text or "" if isinstance(node, Element) and node.tag == "text" else ""
            if len(text) != 1 or text in "<> " or placeholder.end() == len(found):
                return bare_url(found[: placeholder.start()], 0)
        return found


class _BareMail(InlineProcessor):
    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: N802
        found = bare_mail(data, m.start())
        if found is None:
            return _NOTHING
        start, end = found
        address = data[start:end]
        url = safe_url(f"mailto:{address}")
        return (_node("a", address, {"href": url}) if url else address), start, end


class _Break(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: ARG002, N802
        return _node("br"), m.start(), m.end()


class _Emphasis(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, owner: Inlines) -> None:
        super().__init__(pattern, md)
        self.owner = owner

    def handleMatch(self, m: re.Match[str], data: str) -> _Found:  # type: ignore[override] # noqa: N802
        return _node("text", mark(data, self.neighbour), atomic=False), 0, m.end()

    def neighbour(self, data: str, at: int, way: int) -> str:
        """Return the character at a position; a stashed node stands for the first or last one of its source."""
        if data[at] not in {STX, ETX}:
            return data[at]
        found = INLINE_PLACEHOLDER_RE.search(data, data.rfind(STX, 0, at + 1))
        node = self.owner.tree.stashed_nodes.get(found[1]) if found else None
        if not isinstance(node, Element):
            return data[at]
        if node.tag == "br":
            return "\n"
        # A bare URL and plain text are atomic and stand for themselves; else it was a mark that ended there.
        own = node.tag in {"a", "text"} and isinstance(node.text, AtomicString)
        return node.text[-1 if way < 0 else 0] if own and node.text else "`"
