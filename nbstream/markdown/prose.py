"""The text of a leaf made inert: what is code stays code, what is a link is a plain link, all else is words.

Emphasis is left as it was written. Knows nothing of blocks.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from nbstream.markdown.footnotes import Footnotes, note_key, note_reference
from nbstream.markdown.formulas import defuse_commands, formula, hide_openers
from nbstream.markdown.inlines import find_link, pairs
from nbstream.markdown.links import image_note, is_remote, safe_url, unescape
from nbstream.markdown.spans import SPECIAL, Span, span_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.markdown.inlines import Link

__all__ = ["Prose"]

_TOKEN = re.compile(rf"{SPECIAL}|!?\[")
_BACKTICKS = re.compile(r"`+")
# What stands for itself but would be markup if it were written bare; the block writer handles the start of a line.
_PUNCTUATION = re.compile(r"[!$&*:<\[\\\]_`|~]")
_WORD = re.compile(r"[A-Za-z0-9 \u00a0-\U0010ffff]")
_BRACKET = re.compile(r"\](?=[(\[:])")
_CODE_LINK = re.compile(r"\][(\[:]")
_HARMLESS_NEXT = re.compile(r"[\w\s.,;?)]|\Z")
_NO_ALT = re.compile(r"[\[\]\"$`\\<>&@{}*_|~\n]+")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_ENTITIES = {"<": "&lt;", "`": "&#96;", "$": "\\$", "\\": "&#92;", "&": "&amp;", "]": "&#93;"}


class Prose:
    """Writes inline text.

    Args:
        references: The link reference definitions of the document; every reference becomes an inline link. The names of
            its notes are among them.
        source: The document, for what depends on all of its code.
        allow_images: Whether images loaded by http or https stay images.
    """

    def __init__(self, references: Mapping[str, str], source: str, *, allow_images: bool) -> None:
        self._references = references
        self._source = source
        self._allow_images = allow_images
        self.footnotes = Footnotes()
        self._in_table = False
        self._in_link = False
        self._cut_code = False

    def line(self, text: str, *, in_table: bool = False) -> str:
        """Return `text` made inert, in one line; in a table no `|` is left bare."""
        self._in_table = in_table
        written = self.text(" ".join(line.strip() for line in text.strip().split("\n")))
        self._in_table = False
        return written.replace("\n", " ")

    def text(self, text: str) -> str:
        """Return `text` made inert."""
        self._cut_code = False
        return self._words(text)

    def _words(self, text: str) -> str:
        masked, code = _mask(text)
        # marked looks for emphasis by patterns that take such code wrongly, and then cut through the code beside it.
        self._cut_code |= "`" in code or _CODE_LINK.search(code) is not None or ("~" in code and "~" in masked)
        closers = pairs(masked)
        openers = sorted(closers)
        parts: list[str] = []
        words: list[str] = []
        position = 0
        word = ""

        def put(markup: str) -> None:
            nonlocal word
            before = _finish("".join(words))
            words.clear()
            word = _last_word(word + before)
            added = _gap(word, markup) + markup
            word = _last_word(word + added)
            parts.extend((before, added))

        while found := _TOKEN.search(text, position):
            words.append(self._plain(text[position : found.start()]))
            position = found.end()
            if found[0] in {"[", "!["}:
                link = self._link(text, masked, closers, openers, position - 1)
                if link is None and (note := self._note(text, position - 1)):
                    words.append(note[0])
                    position = note[1]
                elif link is None:
                    words.append(_bracket(found[0], text, closers.get(position - 1)))
                else:
                    put(self._link_markup(text[position : link.text_end], link.url, image=found[0] == "!["))
                    position = link.end
            elif (span := span_at(text, found.start())) is None:
                live = found[0] == "&" or (found[0] == "\\" and _WORD.match(text, position))
                words.append(found[0] if live else self._literal(found[0]))
            else:
                position = span.end
                if span.kind == "text":
                    words.append(self._literal(span.text))
                else:
                    put(self._span(span))
        words.append(self._plain(text[position:]))
        return "".join(parts) + _finish("".join(words), last=True)

    def _link(self, text: str, masked: str, closers: dict[int, int], openers: list[int], start: int) -> Link | None:
        link = find_link(text, start, closers.get(start), self._references, set())
        if link is None or text[start - 1 : start] == "!":
            return link
        for inner in openers[bisect_right(openers, start) : bisect_left(openers, link.text_end)]:
            if masked[inner - 1] != "!" and find_link(text, inner, closers[inner], self._references, set()):
                return None
        return link

    def _note(self, text: str, start: int) -> tuple[str, int] | None:
        """Return the number of a footnote reference, raised, and where the reference ends."""
        if (found := note_reference(text, start)) is None:
            return None
        label, end = found
        key = note_key(unescape(label))
        number = self.footnotes.number(key)
        return (str(number).translate(_RAISED), end) if key in self._references else None

    def _link_markup(self, text: str, url: str, *, image: bool) -> str:
        destination = _outside_root(safe_url(url))
        if not image:
            outer, self._in_link = self._in_link, self._in_link or destination is not None
            words = self._words(text)
            self._in_link = outer
            return _closed(words) if destination is None else f"[{words}]({destination})"
        alt = " ".join(_NO_ALT.sub(" ", unescape(text)).split())
        if destination is not None and self._allow_images and is_remote(destination):
            return f"![{alt}]({destination})"
        label = image_note(alt)
        return label if destination is None or self._in_link else f"[{label}]({destination})"

    def _span(self, span: Span) -> str:
        if span.kind == "break":
            return "\\\n"
        if span.kind == "code":
            return self._code(span.text)
        if span.kind in {"url", "mail"}:
            url = safe_url(f"mailto:{span.text}" if span.kind == "mail" else span.text)
            words = _finish(self._literal(span.text))
            return f"[{words}]({url})" if url else f"&lt;{words}>"
        body = formula(span.text, one_line=True)
        if self._in_table:
            body = body.replace("\\|", "\\Vert ").replace("|", "\\vert ")
        if span.kind == "environment":
            return body
        if span.kind == "display":
            return f"$${body}$$"
        return f"${body}$"

    def _code(self, code: str) -> str:
        code = hide_openers(code, self._source, markup=self._cut_code)
        if self._in_table:
            code = code.replace("|", "\\|")
        inside = set(map(len, _BACKTICKS.findall(code)))
        run = "`" * next(width for width in range(1, len(code) + 2) if width not in inside)
        pad = (
            " " if code.startswith("`") or code.endswith("`") or (code[:1] == code[-1:] == " " and code.strip()) else ""
        )
        return f"{run}{pad}{code}{pad}{run}"

    def _plain(self, text: str) -> str:
        """Write words in which marks may still be live."""
        return text.replace("|", "\\|") if self._in_table else text

    def _literal(self, text: str) -> str:
        """Write characters that stand for themselves only."""
        return _PUNCTUATION.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), text)


def _outside_root(url: str | None) -> str | None:
    """Return `url` unless it is a path from the root of the server that shows the notebook.

    A model knows no address there, and opening one can do things: `/logout` does.
    """
    return None if url is None or url.startswith("/") else url


def _finish(words: str, *, last: bool = False) -> str:
    """Make what is left of brackets and TeX commands in a run of words harmless, whatever follows if not `last`."""
    words = _BRACKET.sub("&#93;", words)
    return defuse_commands(words if last else _closed(words))


def _closed(words: str) -> str:
    return f"{words[:-1]}&#93;" if words.endswith("]") else words


def _bracket(opener: str, text: str, close: int | None) -> str:
    """Return `[` or `![` that starts no link; bare only if its partner will be bare too.

    A bare `[` alone lets marked read a definition that ends at some `]:` in a fence further down.
    """
    if opener == "[" and close is not None and _HARMLESS_NEXT.match(text, close + 1):
        return opener
    return opener.replace("!", "\\!").replace("[", "\\[")


def _gap(before: str, markup: str) -> str:
    """Return what keeps an opening mark from being read together with the word that runs up to it."""
    mark, last = markup[:1], before[-1:]
    if mark not in {"`", "$", "[", "\\"}:
        return ""
    if "://" in before or "www." in before.lower():
        return " "  # a bare URL would swallow the mark
    joined = last == "!" if mark == "[" else last in {"`", "~", "$"}
    return "\u2060" if joined else ""


def _last_word(text: str) -> str:
    return text[max(text.rfind(" "), text.rfind("\n")) + 1 :]


def _mask(text: str) -> tuple[str, str]:
    """Return `text` with its literal constructs blanked out, so that only brackets of links are left, and its code."""
    parts: list[str] = []
    code: list[str] = []
    position = start = 0
    while found := _TOKEN.search(text, start):
        start = found.end()
        span = None if "[" in found[0] else span_at(text, found.start())
        if span is not None:
            parts += [text[position : found.start()], "\0" * (span.end - found.start())]
            code += [span.text] if span.kind == "code" else []
            position = start = span.end
    return "".join(parts) + text[position:], " ".join(code)
