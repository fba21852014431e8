"""What a map would cost, before it is paid: what is counted, what three rows have really taken, and what follows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from nbstream.accounting.lower_bound import asked_at_least
from nbstream.accounting.usage_table import NO_FORMULAS
from nbstream.errors import StreamError
from nbstream.outcome import Usage
from nbstream.streaming.cost import cost_of, read_prices
from nbstream.text.money import shown_cost
from nbstream.text.plain import one_line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbstream.many.job.row_reader import Survey
    from nbstream.many.rows.row_result import RowResult
    from nbstream.request import StreamRequest
    from nbstream.streaming.engine import Engine

__all__ = ["MapPlan", "counted", "plan_of"]

_MOST_COUNTED = 200
_AT_ONCE = 20
_SECONDS = 30.0
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class MapPlan:
    """What a map would take. What nobody knows is `None`.

    Attributes:
        model: Who is asked.
        host: Where.
        rows: How many rows there are.
        to_ask: How many of them would be asked: equal rows once, those that have an answer never.
        kept: How many have an answer already, those of the samples included.
        unusable: How many cannot be asked, because a cell is empty, say.
        input_tokens: Tokens of the prompts that would be sent, if the provider has counted them all.
        input_at_least: How many they are at least.
        counted: Who has counted, or why nobody has.
        samples: The first rows, which have really been asked; their answers are kept.
        output_low: Tokens of the answers, if all were as short as the shortest sample.
        output_high: If all were as long as the longest one, or as the token limit allows.
        cost_low: US dollars for the fewest tokens.
        cost_high: US dollars for the most.
        note: What else there is to know, in a line.

    Example:
        ```python
        plan = nbs.map("Mood of: {{ review }}", df).plan()
        plan.to_ask, plan.cost_low, plan.cost_high
        ```
    """

    model: str
    host: str
    rows: int | None
    to_ask: int | None
    kept: int
    unusable: int
    input_tokens: int | None
    input_at_least: int | None
    counted: str
    samples: tuple[RowResult, ...]
    output_low: int | None
    output_high: int | None
    cost_low: float | None
    cost_high: float | None
    note: str | None = None

    def __repr__(self) -> str:
        return "\n".join(map(plain, self._lines()))

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(plain(line))}</p>" for line in self._lines())
        return f'<div class="nbs-plan {NO_FORMULAS}">{lines}</div>'

    def _lines(self) -> Iterator[str]:
        rows = "An unknown number of rows" if self.rows is None else f"{self.rows:,} rows"
        ask = "how many would be asked is unknown" if self.to_ask is None else f"{self.to_ask:,} would be asked"
        unusable = f", {self.unusable:,} cannot be" if self.unusable else ""
        yield f"{rows} for {self.model} at {self.host}: {ask}, {self.kept:,} have an answer{unusable}."
        if self.note is not None:
            yield f"{self.note}."
        if self.input_tokens is not None:
            yield f"Tokens in: {self.input_tokens:,}, counted by {self.counted}."
        else:
            least = "unknown" if self.input_at_least is None else f"at least {self.input_at_least:,}"
            yield f"Tokens in: {least} ({self.counted})."
        if self.output_low is None or self.output_high is None:
            yield "Tokens out: unknown."
        else:
            yield f"Tokens out: {self.output_low:,} to {self.output_high:,}, if the rest are like the samples."
        if self.cost_low is None or self.cost_high is None:
            yield "Cost: unknown."
        else:
            yield f"Cost: {shown_cost(self.cost_low)} to {shown_cost(self.cost_high)}."
        for each in self.samples:
            yield f"Sample, row {each.number}: {one_line(each.error or each.text, _SHOWN)}"


async def counted(engine: Engine, request: StreamRequest, questions: Any) -> tuple[int | None, str]:
    """The tokens of all prompts, as the provider counts them, and who has counted, or why nobody has.

    Args:
        engine: Sends what is to be counted; on its loop.
        request: What every row is asked with.
        questions: The messages of each row that would be asked.
    """
    await read_prices()
    name = request.endpoint.name
    if request.source is not None:
        return None, "the source of the streams is no server"
    if questions is None:
        return None, "rows that are read once cannot be counted before"
    if request.api == "chat":
        return None, f"{name} is asked over Chat Completions, which does not count"
    if len(questions) > _MOST_COUNTED:
        return None, f"more than {_MOST_COUNTED:,} prompts, which are not counted one by one"
    gate = asyncio.Semaphore(_AT_ONCE)

    async def count(messages: Any) -> int:
        async with gate:
            return int(await engine.clients.count(replace(request, messages=messages)))

    try:
        async with asyncio.timeout(_SECONDS):
            return sum(await asyncio.gather(*(count(each) for each in questions))), name
    except TimeoutError:
        return None, f"{name} did not count within {_SECONDS:g} s"
    except StreamError as error:
        return None, error.happened.rstrip(".")


def plan_of(
    request: StreamRequest,
    *,
    rows: int | None,
    survey: Survey | None,
    tokens: int | None,
    counted: str,
    samples: Sequence[RowResult],
) -> MapPlan:
    """The plan of a map. Pure.

    Args:
        request: What every row is asked with.
        rows: How many rows there are.
        survey: What there is to ask; `None` if it cannot be known.
        tokens: Those of all prompts, if they were counted.
        counted: Who has counted, or why nobody has.
        samples: Rows that have been asked.
    """
    count = None if survey is None else len(survey.questions)
    least = None if survey is None else sum(asked_at_least(request.system, each) for each in survey.questions)
    outs = [each.usage.output_tokens for each in samples if each.usage is not None]
    ins = [each.usage.input_tokens for each in samples if each.usage is not None]
    low = None if count is None or not outs else count * min(outs)
    limit = request.max_tokens or (max(outs) if outs else None)
    high = None if count is None or limit is None or not outs else count * limit
    in_low = tokens if tokens is not None else least
    in_high = (
        tokens if tokens is not None else (None if count is None or not ins else max(least or 0, count * max(ins)))
    )

    def price(asked: int | None, answered: int | None) -> float | None:
        if asked is None or answered is None:
            return None
        return cost_of(Usage(asked, answered, asked + answered), request.model, request.endpoint.base_url, request)

    return MapPlan(
        request.model,
        request.endpoint.name,
        rows,
        count,
        0 if survey is None else survey.kept,
        0 if survey is None else survey.unusable,
        tokens,
        least,
        counted,
        tuple(samples),
        low,
        high,
        price(in_low, low),
        price(in_high, high),
        None if survey is None else survey.note,
    )
