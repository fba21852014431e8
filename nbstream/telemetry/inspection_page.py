"""An inspection as HTML: folded, and the same without its style and its script, which front ends may take away.

All that came from elsewhere is escaped text. The script adds a search field; it reads text and hides what has not got
the words.
"""

from __future__ import annotations

import pathlib
from html import escape
from typing import TYPE_CHECKING

from nbstream.telemetry.entries import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbstream.telemetry.entries import Entry

__all__ = ["page_of"]

_PAGE = pathlib.Path(__file__).parent / "page"


def page_of(title: str, entries: Sequence[Entry]) -> str:
    """The HTML of an inspection.

    Args:
        title: What it is about.
        entries: What happened.

    Example:
        >>> from nbstream.telemetry.entries import Entry
        >>> page = page_of("Stream", [Entry("event", "<script>alert(1)</script>")])
        >>> "<li class='nbi-event'>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in page
        True
    """
    style, script = ((_PAGE / name).read_text("utf-8") for name in ("inspection.css", "inspection.js"))
    shown = "".join(part for each in entries for part in _html(each))
    head = f"<p class='nbi-title'>{_text(title)}</p>"
    return (
        f"<style>{style}</style><div class='nbs-inspection' data-nbs-inspection>{head}<ol>{shown}</ol></div>"
        f"<script>{script}</script>"
    )


def _html(entry: Entry) -> Iterator[str]:
    moment = f"<time>{entry.moment}</time> " if entry.moment else ""
    line = f"{moment}{_text(entry.title)}"
    yield f"<li class='nbi-{entry.kind}'>"
    if not (entry.detail or entry.entries):
        yield f"{line}</li>"
        return
    opened = " open" if entry.kind == "request" else ""
    yield f"<details{opened}><summary>{line}</summary>"
    if entry.detail:
        yield f"<pre>{_text(entry.detail)}</pre>"
    if entry.entries:
        yield "<ol>"
        for number, each in enumerate(entry.entries):
            if entry.more and number == entry.cut:
                yield f"<li class='nbi-gap'>{_text(entry.gap)}</li>"
            yield from _html(each)
        if entry.more and entry.cut >= len(entry.entries):
            yield f"<li class='nbi-gap'>{_text(entry.gap)}</li>"
        yield "</ol>"
    yield "</details></li>"


def _text(text: str) -> str:
    return escape(visible(text))
