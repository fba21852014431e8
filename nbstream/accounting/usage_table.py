"""What requests took, as a table: in words, and in HTML that is read without colours, in light and in dark. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbstream.accounting.charts import charts_of
from nbstream.accounting.total import Total, total_of
from nbstream.text.money import shown_cost
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbstream.accounting.entry import Entry
    from nbstream.outcome import Quota

__all__ = ["LEFT", "NO_FORMULAS", "as_html", "as_text", "groups_as_html", "groups_as_text"]

NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
"""Classes of HTML in which front ends must not take what stands between two dollar signs for a formula."""

LEFT = ' style="text-align:left"'
"""For a cell with words: front ends align all cells at the right, by rules that a style sheet of ours does not beat."""

_NO_QUOTAS: Mapping[str, Quota] = MappingProxyType({})
_LATEST = 20
_NOTHING = "No request has ended in this kernel."


def as_text(entries: Sequence[Entry], quotas: Mapping[str, Quota] = _NO_QUOTAS) -> str:
    """The requests in words: the totals, what relays have left, then by model."""
    if not entries:
        return f"<{_NOTHING[0].lower()}{_NOTHING[1:-1]}>"
    head, *rows = _rows(("model",), _by_model(entries))
    return "\n".join([*_sentences(total_of(entries)), *_sources(entries), *_left(quotas), *_aligned([head, *rows])])


def as_html(entries: Sequence[Entry], quotas: Mapping[str, Quota] = _NO_QUOTAS) -> str:
    """The requests as HTML: the totals, what relays have left, small charts, by model, and the latest ones."""
    if not entries:
        return f"<p>{_NOTHING}</p>"
    by_model = _html_table(_rows(("model",), _by_model(entries)), 1)
    latest = _html_table(_latest(entries), 4)
    shown = min(len(entries), _LATEST)
    told = "The request" if len(entries) == 1 else "The requests" if shown == len(entries) else f"The latest {shown}"
    sentences = " ".join([*_sentences(total_of(entries)), *_sources(entries), *_left(quotas)])
    return (
        f'<div class="nbs-usage {NO_FORMULAS}">{_STYLE}<p>{escape(sentences)}</p>{charts_of(entries)}{by_model}'
        f"<details><summary>{told}</summary>{latest}</details></div>"
    )


def groups_as_text(names: Sequence[str], totals: Mapping[Any, Total]) -> str:
    """Totals in words, a line each."""
    return "\n".join(_aligned(list(_rows(names, totals)))) if totals else f"<{_NOTHING[0].lower()}{_NOTHING[1:-1]}>"


def groups_as_html(names: Sequence[str], totals: Mapping[Any, Total]) -> str:
    """Totals as an HTML table."""
    if not totals:
        return f"<p>{_NOTHING}</p>"
    return f'<div class="nbs-usage {NO_FORMULAS}">{_STYLE}{_html_table(_rows(names, totals), len(names))}</div>'


# Wide tables scroll in themselves, and numbers stand below each other. The colours are the page's own.
_STYLE = (
    "<style>.nbs-usage{max-width:100%;overflow-x:auto}.nbs-usage table{border-collapse:collapse;margin:.5em 0}"
    ".nbs-usage th,.nbs-usage td{padding:.25em .75em;text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}.nbs-usage svg{color:inherit;max-width:100%;height:auto}"
    ".nbs-usage figure{display:inline-block;width:17em;margin:0 2em .5em 0;vertical-align:top}"
    ".nbs-usage figcaption{font-size:.9em}</style>"
)


def _by_model(entries: Sequence[Entry]) -> dict[str, Total]:
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.model, []).append(entry)
    return {model: total_of(some) for model, some in grouped.items()}


def _sentences(total: Total) -> Iterator[str]:
    """The totals, each fact once; what is not certain is said to be so."""
    sent = total.requests - total.replayed
    requests = _count(total.requests, "request")
    yield f"{requests}{f', {total.replayed} of them played from recordings' if total.replayed else ''}."
    if sent:
        cached = f" ({total.cached_tokens:,} from a cache)" if total.cached_tokens else ""
        thought = f" ({total.reasoning_tokens:,} for reasoning)" if total.reasoning_tokens else ""
        yield f"{total.input_tokens:,} tokens in{cached}, {total.output_tokens:,} out{thought}."
        if total.input_at_least or total.output_at_least:
            yield (
                f"Besides, at least {total.input_at_least:,} in and {total.output_at_least:,} out "
                "where no usage was reported."
            )
        if total.unknown:
            yield f"Of {_count(total.unknown, 'request')} the tokens are unknown."
        yield from _money(total, sent)
    if total.saved:
        yield f"Recordings saved {shown_cost(total.saved)}."


def _left(quotas: Mapping[str, Quota]) -> Iterator[str]:
    """What relays have left for their user."""
    for host, quota in quotas.items():
        shown = [] if quota.tokens is None else [_count(max(0, quota.tokens), "token")]
        shown += [] if quota.usd is None else [shown_cost(quota.usd)]
        ends = "" if quota.resets_at is None else f", until {datetime.fromtimestamp(quota.resets_at, UTC):%d %B} (UTC)"
        if shown:
            yield f"Left at {host}: {' and '.join(shown)}{ends}."


def _sources(entries: Sequence[Entry]) -> Iterator[str]:
    """Where the prices are from."""
    priced = [each for each in entries if each.price_source is not None and (each.cost or each.cost_at_least)]
    if sources := sorted({plain(each.price_source or "") for each in priced}):
        yield f"Prices: {', '.join(sources)}."


def _money(total: Total, sent: int) -> Iterator[str]:
    if total.unpriced < sent:
        more = f", and at least {shown_cost(total.cost_at_least)} more" if total.cost_at_least else ""
        yield f"Spent {shown_cost(total.cost)}{more}."
    if total.unpriced:
        which = "The cost" if total.unpriced == sent else f"The cost of {_count(total.unpriced, 'request')}"
        yield f"{which} is unknown."


def _rows(names: Sequence[str], totals: Mapping[Any, Total]) -> Iterator[tuple[str, ...]]:
    yield (*(name.replace("_", " ").capitalize() for name in names), "Requests", "Tokens in", "Tokens out", "Cost")
    for key, total in totals.items():
        shown = [_shown(value) for value in (key if len(names) > 1 else (key,))]
        yield (*shown, f"{total.requests:,}", *_numbers(total))


def _numbers(total: Total) -> Iterator[str]:
    sent = total.requests - total.replayed
    for known, least in (
        (total.input_tokens, total.input_at_least),
        (total.output_tokens, total.output_at_least),
    ):
        unknown = "unknown" if sent and total.unknown == sent else ""
        yield unknown or _sum(f"{known:,}" if known or not least else "", f"{least:,}" if least else "")
    if sent and total.unpriced == sent:
        yield "unknown"
        return
    cost = shown_cost(total.cost) if total.cost or not total.cost_at_least else ""
    shown = _sum(cost, shown_cost(total.cost_at_least) if total.cost_at_least else "")
    yield f"{shown} + unknown" if total.unpriced else shown


def _sum(known: str, least: str) -> str:
    """`1,200`, `≥ 40`, or both: they are never added up."""
    return " + ".join(filter(None, [known, least and f"≥ {least}"]))


def _latest(entries: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    yield "Time", "Cell", "Model", "Ended", "Tokens in", "Tokens out", "Cost", "First token"
    for entry in reversed(entries[-_LATEST:]):
        yield (
            f"{entry.time.astimezone():%H:%M:%S}",
            "" if entry.cell is None else f"[{entry.cell}]",
            entry.model,
            _ended(entry),
            _tokens(entry, entry.input_tokens, entry.input_at_least),
            _tokens(entry, entry.output_tokens, entry.output_at_least),
            _cost(entry),
            "" if entry.ttft is None else f"{entry.ttft:.2f} s",
        )


def _ended(entry: Entry) -> str:
    ended = entry.error or entry.state
    reason = entry.finish_reason
    said = ended if reason in (None, "stop", "tool_calls") or entry.error else f"{ended} ({reason})"
    return f"{said.replace('_', ' ')}{', replayed' if entry.replayed else ''}"


def _tokens(entry: Entry, known: int | None, least: int | None) -> str:
    if known is not None:
        return f"{known:,}"
    return "unknown" if least is None or entry.tokens == "unknown" else f"≥ {least:,}"


def _cost(entry: Entry) -> str:
    if entry.cost is not None:
        return f"{shown_cost(entry.cost)}{' saved' if entry.replayed else ''}"
    return "unknown" if entry.cost_at_least is None else f"≥ {shown_cost(entry.cost_at_least)}"


def _shown(value: Any) -> str:
    return "—" if value is None else str(value)


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(plain(row[at])) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        first, *others = (plain(each) for each in row)
        cells = [first.ljust(widths[0]), *(each.rjust(width) for each, width in zip(others, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def _html_table(rows: Iterable[Sequence[str]], words: int) -> str:
    """A table; its first columns are words, the others numbers."""
    head, *body = rows
    named = _cells(head, 'th scope="col"', words)
    filled = "".join(f"<tr>{_cells(row, 'td', words)}</tr>" for row in body)
    return f"<table><thead><tr>{named}</tr></thead><tbody>{filled}</tbody></table>"


def _cells(row: Sequence[str], tag: str, words: int) -> str:
    return "".join(f"<{tag}{LEFT * (at < words)}>{escape(plain(each))}</{tag[:2]}>" for at, each in enumerate(row))
