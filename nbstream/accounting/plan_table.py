"""A plan, as a reader sees it: in words and as HTML. Pure."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from nbstream.accounting.usage_table import LEFT, NO_FORMULAS
from nbstream.text.money import shown_cost
from nbstream.text.plain import plain, truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.accounting.plan import Plan
    from nbstream.accounting.planned_parts import PlannedPart

__all__ = ["as_html", "as_text", "folded"]

_LONGEST_PARAMETER = 120
_STYLE = (
    "<style>.nbs-plan table{border-collapse:collapse;margin:.5em 0}.nbs-plan th,.nbs-plan td{padding:.25em .75em;"
    "vertical-align:top}.nbs-plan td:last-child{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".nbs-plan p{margin:.25em 0}</style>"
)


def as_text(plan: Plan, *, sent: bool = False) -> str:
    """A plan in words.

    Args:
        plan: What would be sent.
        sent: Whether it was.
    """
    rows = [(part.kind, _tokens(part), part.told) for part in plan.parts]
    kinds, counts = (max((len(row[at]) for row in rows), default=0) for at in (0, 1))
    lines = [f"{kind.ljust(kinds)}  {count.rjust(counts)}  {told}" for kind, count, told in rows]
    head = f"Sent to {plan.model} at {plan.host}." if sent else _head(plan)
    return "\n".join(map(plain, [head, *lines, *_sums(plan, sent=sent)]))


def as_html(plan: Plan) -> str:
    """A plan as HTML: a table of its parts, and what they come to."""
    return f'<div class="nbs-plan {NO_FORMULAS}">{_STYLE}<p>{_safe(_head(plan))}</p>{_body(plan)}</div>'


def folded(plan: Plan) -> str:
    """What was sent, folded, to stand beside the answer."""
    tokens = f"{plan.tokens:,} tokens" if plan.tokens is not None else f"at least {plan.at_least:,} tokens"
    count = len(plan.parts)
    summary = f"What was sent: {count} part{'s' * (count != 1)}, {tokens}"
    body = f"<details><summary>{_safe(summary)}</summary>{_body(plan, sent=True)}</details>"
    return f'<div class="nbs-plan {NO_FORMULAS}">{_STYLE}{body}</div>'


def _body(plan: Plan, *, sent: bool = False) -> str:
    rows = "".join(
        f"<tr><td{LEFT}>{_safe(part.kind)}</td><td{LEFT}>{_safe(part.told)}</td><td>{_safe(_tokens(part))}</td></tr>"
        for part in plan.parts
    )
    named = (("Part", LEFT), ("What it is", LEFT), ("Tokens", ""))
    head = "".join(f'<th scope="col"{style}>{name}</th>' for name, style in named)
    sums = "".join(f"<p>{_safe(sentence)}</p>" for sentence in _sums(plan, sent=sent))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{sums}"


def _head(plan: Plan) -> str:
    api = "Chat Completions" if plan.api == "chat" else "Responses"
    return f"What would be sent to {plan.model} at {plan.host} ({api}); the model was not asked."


def _tokens(part: PlannedPart) -> str:
    if part.tokens is not None:
        return f"{part.tokens:,}"
    return f"unknown, ≥ {part.at_least:,}" if part.at_least else "unknown"


def _sums(plan: Plan, *, sent: bool) -> Iterator[str]:
    if plan.tokens is not None:
        yield f"{plan.tokens:,} tokens in, counted by {plan.counted}."
    else:
        yield f"At least {plan.at_least:,} tokens in; how many is unknown ({plan.counted})."
    if plan.parameters:
        yield "Parameters: " + ", ".join(f"{name} {_shown(value)}" for name, value in plan.parameters) + "."
    if sent:
        return
    yield _price(plan)
    if plan.max_rounds > 1:
        yield f"Because of its tools, an answer may take up to {plan.max_rounds} requests, each with more to send."


def _price(plan: Plan) -> str:
    if plan.cost_from is None or plan.answer_price is None:
        return f"The cost is unknown: no price is known for {plan.model} at {plan.host}."
    source = f"prices: {plan.price_source}"
    if plan.cost_to is not None:
        spread = f"From {shown_cost(plan.cost_from)} (all from a cache, no answer) to {shown_cost(plan.cost_to)}"
        return f"{spread} (an answer of {plan.max_tokens:,} tokens); {source}."
    least = f"At least {shown_cost(plan.cost_from)}"
    if plan.max_tokens is None:
        each = shown_cost(plan.answer_price)
        return f"{least}, and {each} for each 1,000 tokens of the answer, which has no limit; {source}."
    longest = shown_cost(plan.answer_price * plan.max_tokens / 1000)
    return f"{least}, and up to {longest} for the answer; {source}."


def _shown(value: object) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return truncated(written, _LONGEST_PARAMETER)


def _safe(text: str) -> str:
    return escape(plain(text))
