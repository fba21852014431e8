"""The inline tree as HTML: elements, which Python-Markdown's serialiser writes.

Its HTML still has to pass `safety.sanitise`. Knows nothing of how a text is parsed, nor of blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from markdown.serializers import to_html_string

from nbstream.markdown.footnotes import Footnotes
from nbstream.markdown.formulas import allowed_commands
from nbstream.markdown.inline_parser import parse_inline
from nbstream.markdown.inline_tree import Break, Code, Formula, Image, Link, Marked, Note, Text
from nbstream.markdown.links import image_note, is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.markdown.inline_tree import Inline
    from nbstream.markdown.links import Images

__all__ = ["InlineHtml"]


class InlineHtml:
    """Draws the text of leaves.

    Args:
        references: The definitions known so far; may grow between calls.
        images: `"link"` makes links of images, `"allow"` shows those that are loaded by http or https.

    Attributes:
        missing: The labels without a definition in what has been drawn; to be emptied by the caller.
        footnotes: The numbers of the notes.

    Example:
        >>> InlineHtml({}).html("**bold** and `code`")
        '<strong>bold</strong> and <code>code</code>'
    """

    def __init__(self, references: Mapping[str, str], images: Images = "link") -> None:
        self._references = references
        self._images = images
        self.missing: set[str] = set()
        self.footnotes = Footnotes()

    def html(self, text: str) -> str:
        """Return the HTML of the text of one leaf."""
        root = Element("p")
        self._fill(root, parse_inline(text, self._references, self.missing), in_link=False)
        return to_html_string(root)[3:-4]

    def _fill(self, parent: Element, nodes: Iterable[Inline], *, in_link: bool) -> None:
        last: Element | None = None
        for node in nodes:
            match node:
                case Text(text):
                    _append(parent, last, text)
                case Note(key, source, known=False):
                    _append(parent, last, self.footnotes.mark(key, shown=False) + source)
                case _:
                    last = self._element(parent, node, in_link=in_link)

    def _element(self, parent: Element, node: Inline, *, in_link: bool) -> Element:
        match node:
            case Code(code):
                return _leaf(parent, "code", code)
            case Formula():
                # Defused, because a page may hand it to a TeX engine.
                return _leaf(parent, "span", allowed_commands(node.source), {"class": "nbs-math"})
            case Break():
                return SubElement(parent, "br")
            case Note():
                return _leaf(parent, "sup", self.footnotes.mark(node.key))
            case Link(children, url):
                linked = url is not None and not in_link
                element = SubElement(parent, "a", {"href": url}) if url and linked else SubElement(parent, "span")
                if node.note is not None:
                    element.text = self.footnotes.mark(node.note, shown=False)
                self._fill(element, children, in_link=in_link or linked)
                return element
            case Image(alt, url):
                return self._image(parent, alt, url, in_link=in_link)
            case Marked(kind, children):
                element = SubElement(parent, kind)
                self._fill(element, children, in_link=in_link)
                return element
        raise AssertionError(node)

    def _image(self, parent: Element, alt: str, url: str | None, *, in_link: bool) -> Element:
        """An image that is not loaded becomes a link that says what it is, in plain words."""
        if url is not None and self._images == "allow" and is_remote(url):
            return SubElement(parent, "img", {"src": url, "alt": alt})
        if url is None or in_link:
            return _leaf(parent, "span", image_note(alt), {"class": "nbs-image"})
        return _leaf(parent, "a", image_note(alt), {"href": url, "class": "nbs-image"})


def _leaf(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> Element:
    element = SubElement(parent, tag, attributes or {})
    element.text = _literal(text)
    return element


def _append(parent: Element, last: Element | None, text: str) -> None:
    if last is None:
        parent.text = (parent.text or "") + _literal(text)
    else:
        last.tail = (last.tail or "") + _literal(text)


def _literal(text: str) -> str:
    # The serialiser leaves alone what looks like a character reference; here everything is what it says.
    return text.replace("&", "&amp;")
