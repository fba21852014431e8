"""The sources that an answer cites: numbered links after the text that they are about, and a list at the end. Pure.

The same source has the same number wherever it is cited, and keeps it. What is cited is a server's word: an address is
a link only if it leads elsewhere by http or https, and titles are plain words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from nbstream.parts import TextPart
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.parts import Citation, Part

__all__ = ["Source", "Sources"]

_LONGEST_TITLE = 160
# What no link may be put into (code, and the addresses of links), and between them, numbers that an answer has itself
# put behind what a source is about.
_STRETCHES = re.compile(
    r"""
    ^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*(?P<fence>`{3,}|~{3,}).*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
    | (?P<ticks>`+)(?!`)[^\n]{1,500}?(?<!`)(?P=ticks)(?!`)
    | \]\((?:<[^<>\n]*+>|[^\s()]*+(?:\([^\s()]*+\)[^\s()]*+)*+)[^\n()]*+\)
    | (?<![!\\])\[(?P<mark>\d{1,3})\](?![(:])
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


class Source(NamedTuple):
    """A source.

    Attributes:
        number: Its number.
        title: What it is called, in plain words.
        url: Its address, if that may be a link.
    """

    number: int
    title: str
    url: str | None


class Sources:
    r"""The sources of one answer.

    Args:
        parts: The answer.
        cited: How many of its citations count; by default all.

    Example:
        >>> from nbstream.parts import Citation
        >>> cited = Citation({"url": "https://a.example/", "title": "A"}, 0, 11)
        >>> it = TextPart("It is high. Is it?", citations=(cited,))
        >>> print(Sources([it]).in_text(it), Sources([it]).lines())
        It is high. [\[1\]](<https://a.example/>) Is it? ['Source 1: A, https://a.example/']
    """

    def __init__(self, parts: Iterable[Part], cited: int | None = None) -> None:
        self._left = cited
        self._by_key: dict[str, Source] = {}
        self._cited: dict[int, list[Citation]] = {}
        for part in parts:
            if isinstance(part, TextPart) and part.citations:
                self._cited[id(part)] = self._counted(part.citations)
        self._marked = any(each.end is None for cited_ in self._cited.values() for each in cited_)

    @property
    def listed(self) -> list[Source]:
        """All of them, by number."""
        return list(self._by_key.values())

    def in_text(self, part: TextPart) -> str:
        """A text with links to what it cites."""
        text = part.text
        spans = [
            (each.end, source) for each in self._cited.get(id(part), ()) if each.end and (source := self._of(each))
        ]
        if not spans and not self._marked:
            return text
        whole: list[tuple[int, int, bool]] = []
        links: list[tuple[int, int, str]] = []
        for found in _STRETCHES.finditer(text):
            if found["mark"] is None:
                whole.append((*found.span(), found["fence"] is not None))
            elif self._marked and 0 < (number := int(found["mark"])) <= len(self._by_key):
                links.append((*found.span(), _link(self.listed[number - 1])))
        added = dict.fromkeys((_place(text, end, whole), source) for end, source in spans)
        links += [(at, at, f"\n\n{_link(source)}\n" if apart else f" {_link(source)}") for (at, apart), source in added]
        pieces, done = [], 0
        for begin, end, link in sorted(links, key=lambda each: each[0]):
            pieces += [text[done:begin], link]
            done = max(done, end)
        return "".join([*pieces, text[done:]])

    def listing(self) -> str:
        """The list of them, as Markdown."""
        from nbstream.markdown.words import line_start, words  # a chat knows its answers before any is drawn

        rows = (
            f"{number}. {f'[{words(title)}](<{url}>)' if url else line_start(words(title))}"
            for number, title, url in self.listed
        )
        return "\n".join(["Sources:\n", *rows])

    def lines(self) -> list[str]:
        """The same in plain words."""
        return [f"Source {number}: {title}{f', {url}' if url else ''}" for number, title, url in self.listed]

    def _counted(self, citations: Sequence[Citation]) -> list[Citation]:
        if self._left is not None:
            citations = citations[: self._left]
            self._left -= len(citations)
        for citation in citations:
            key = _key_of(citation)
            known = self._by_key.get(key)
            if key and (known is None or (citation.title and known.title == _host(known.url))):
                number = len(self._by_key) + 1 if known is None else known.number
                self._by_key[key] = _source(citation, number)
        return list(citations)

    def _of(self, citation: Citation) -> Source | None:
        return self._by_key.get(_key_of(citation))


def _key_of(citation: Citation) -> str:
    """What makes two citations name the same source; nothing if they name none."""
    return citation.url or citation.title or ""


def _source(citation: Citation, number: int) -> Source:
    from nbstream.markdown.links import is_remote, safe_url

    url = safe_url(citation.url) if citation.url and is_remote(citation.url.strip()) else None
    title = one_line(citation.title or _host(url) or citation.url or "", _LONGEST_TITLE)
    return Source(number, title, url)


def _host(url: str | None) -> str:
    return "" if url is None else (urlsplit(url).hostname or "")


def _link(source: Source) -> str:
    number = rf"\[{source.number}\]"
    return f"[{number}](<{source.url}>)" if source.url else number


def _place(text: str, end: int, whole: Sequence[tuple[int, int, bool]]) -> tuple[int, bool]:
    """Where a link goes that belongs after so many characters, and whether in a paragraph of its own.

    It goes behind a word, and into nothing that is whole; what is behind fenced code cannot stand in its last line.
    """
    at = len(text[:end].rstrip())
    before = bisect_left(whole, (at,)) - 1
    _, over, apart = whole[before] if before >= 0 else (0, -1, False)
    return (over, apart) if over >= at else (at, False)
