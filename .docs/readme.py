"""The guide's pages are the sections of the README, so that nothing is said twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Page", "pages_of"]

_HEADING = re.compile(r"^(#{1,3}) (.+)$")
_LINK = re.compile(r"\]\(#([^)]+)\)")

ON_THE_FIRST_PAGE = ("Thirty seconds", "A chat panel", "A real model")
"""What stands on the first page, below what comes before any heading."""

ABOUT = {"How it works": "about/how-it-works.md", "Contributing": "about/contributing.md"}
"""What is no part of the guide."""


class Page(NamedTuple):
    """One page of the site.

    Attributes:
        path: Where it is, below the folder of all pages.
        title: What the navigation calls it.
        text: Its Markdown.
    """

    path: str
    title: str
    text: str


class _Section(NamedTuple):
    title: str
    lines: list[str]


def pages_of(readme: str) -> list[Page]:
    r"""The first page, and a page for each further section and each of its sections.

    Args:
        readme: The README's text.

    Raises:
        ValueError: A link leads to a heading that is not there.

    Example:
        >>> [page.path for page in pages_of("# X\n\nHello\n\n## Keys\n\nText\n")]
        ['index.md', 'guide/keys.md']
    """
    first, *others = _sections(readme)
    start = [*first.lines]
    made: list[tuple[str, _Section]] = []
    for section in others:
        if section.title in ON_THE_FIRST_PAGE:
            start += ["", f"## {section.title}", *section.lines]
        else:
            path = ABOUT.get(section.title, f"guide/{anchor(section.title)}.md")
            made.append((path, section))
    places = {anchor(title): "index.md" for title in ON_THE_FIRST_PAGE}
    places |= {anchor(section.title): path for path, section in made}
    home = Page("index.md", "nbstream", _within("\n".join(start), "index.md", places))
    return [
        home,
        *(
            Page(path, section.title, _within("\n".join([f"# {section.title}", *section.lines]), path, places))
            for path, section in made
        ),
    ]


def anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading.

    Example:
        >>> anchor("Retries, and continuing")
        'retries-and-continuing'
    """
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _sections(readme: str) -> list[_Section]:
    return [_Section(title, list(lines)) for title, lines in _split(readme)]


def _split(readme: str) -> Iterator[tuple[str, list[str]]]:
    title, lines, fenced = "", [], False
    for line in readme.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading is not None and len(heading[1]) > 1:
            yield title, lines
            title, lines = heading[2], []
        else:
            lines.append(line)
    yield title, lines


def _within(text: str, path: str, places: dict[str, str]) -> str:
    """The text with its links and pictures as they are found from its page."""
    up = "../" * path.count("/")

    def link(found: re.Match[str]) -> str:
        if found[1] not in places:
            raise ValueError(f"{path}: there is no heading for #{found[1]}")
        return f"]({up}{places[found[1]]})"

    text = _LINK.sub(link, text).replace("notebooks/images/", f"{up}images/")
    return text.replace("<details>", '<details markdown="1">')
