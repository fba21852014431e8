"""Small charts of what requests took: SVG in the page's own colours, each with the same in words. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nbstream.text.money import shown_cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbstream.accounting.entry import Entry

__all__ = ["charts_of"]

_MOST = 60
_WIDTH, _HEIGHT, _FOOT = 260, 72, 2


def charts_of(entries: Sequence[Entry]) -> str:
    """The tokens of each request, and how the cost has grown; nothing of a single request, which has no course.

    Args:
        entries: In the order in which they ended.
    """
    sent = [entry for entry in entries if not entry.replayed]
    if len(sent) < 2:
        return ""
    return "".join(filter(None, [_tokens(sent[-_MOST:]), _cost(sent)]))


def _tokens(entries: Sequence[Entry]) -> str:
    """A column for each request: the prompt below, the answer on it; hatched where only a lower bound is known."""
    counts = [_counts(entry) for entry in entries]
    most = max(first + second for first, second, _ in counts)
    if not most:
        return ""
    step = _WIDTH / len(counts)
    width = max(1.0, min(step * 0.8, 24.0))
    bars = []
    for place, (asked, written, known) in enumerate(counts):
        left = place * step + (step - width) / 2
        bottom = float(_HEIGHT - _FOOT)
        for count, strength in ((asked, 0.35), (written, 0.9)):
            height = count / most * (_HEIGHT - 2 * _FOOT)
            bottom -= height
            if count:
                bars.append(_bar(left, bottom, width, height, strength, known=known))
    largest = max(range(len(counts)), key=lambda place: sum(counts[place][:2]))
    words = (
        f"Tokens of the last {len(counts)} requests, from {min(a + b for a, b, _ in counts):,} to {most:,}; "
        f"the most in request {largest + 1} of them"
    )
    caption = "Tokens of each request: prompt (pale) and answer"
    if not all(known for *_, known in counts):
        caption += ", outlined where it is a lower bound"
    return _figure("".join(bars), words, f"{caption}; the most is {most:,}")


def _counts(entry: Entry) -> tuple[int, int, bool]:
    if entry.tokens == "known":
        return entry.input_tokens or 0, entry.output_tokens or 0, True
    return entry.input_at_least or 0, entry.output_at_least or 0, False


def _cost(entries: Sequence[Entry]) -> str:
    """A line that rises with each request, as far as its cost is known."""
    course = list(_course(entries))
    total = course[-1]
    if not total:
        return ""
    step = _WIDTH / (len(course) - 1)
    points = " ".join(
        f"{place * step:.1f},{_HEIGHT - _FOOT - cost / total * (_HEIGHT - 2 * _FOOT):.1f}"
        for place, cost in enumerate(course)
    )
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/>'
    words = f"Known cost over {len(entries)} requests, rising from $0 to {shown_cost(total)}"
    return _figure(line, words, f"Known cost: {shown_cost(total)}")


def _course(entries: Sequence[Entry]) -> Iterator[float]:
    total = 0.0
    yield total
    for entry in entries:
        total += entry.cost or 0.0  # lower bounds are another thing
        yield total


def _bar(left: float, top: float, width: float, height: float, strength: float, *, known: bool) -> str:
    paint = (
        f'fill="currentColor" fill-opacity="{strength}"'
        if known
        else f'fill="none" stroke="currentColor" stroke-opacity="{strength}"'
    )
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{max(height, 0.5):.1f}" {paint}/>'


def _figure(drawn: str, words: str, caption: str) -> str:
    told = escape(words)
    return (
        f'<figure><svg role="img" aria-label="{told}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}"><title>{told}</title>{drawn}'
        f'<line x1="0" y1="{_HEIGHT - 1}" x2="{_WIDTH}" y2="{_HEIGHT - 1}" stroke="currentColor" '
        f'stroke-opacity="0.4"/></svg><figcaption>{escape(caption)}</figcaption></figure>'
    )
