"""What would be sent, and what that would cost: a value to look at before anything is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbstream.accounting.entering import at_least
from nbstream.accounting.planned_parts import parts_of
from nbstream.outcome import Usage
from nbstream.streaming.cost import cost_of, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.accounting.planned_parts import PlannedPart
    from nbstream.request import StreamRequest

__all__ = ["Plan", "plan_of"]

_THOUSAND = 1000
_NOT_SHOWN = {"tools", "previous_response_id", "conversation"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent.

    Attributes:
        model: Who is asked.
        host: Where.
        api: `"chat"` or `"responses"`.
        parts: What the request consists of.
        parameters: Its other parameters, by name.
        tokens: How many tokens the prompt has, if the provider has counted them.
        at_least: How many it has at least.
        counted: Who has counted, or why nobody has.
        cost_from: The price in US dollars if all of the prompt comes from a cache and the answer is empty; `None` where
            no price is known.
        cost_to: The price of the whole prompt and the longest answer; `None` also where the answer has no limit, or the
            tokens are not known.
        answer_price: The price of a thousand tokens of the answer.
        price_source: Where the prices are from.
        max_tokens: The most tokens that the answer may have.
        max_rounds: How many such requests the answer may take, each with more to send, because of its tools.

    Example:
        ```python
        plan = plan_of(chat.request("And in one sentence?"))
        plan.at_least, [part.kind for part in plan.parts]
        ```
    """

    model: str
    host: str
    api: str
    parts: tuple[PlannedPart, ...]
    parameters: tuple[tuple[str, Any], ...]
    tokens: int | None
    at_least: int
    counted: str
    cost_from: float | None
    cost_to: float | None
    answer_price: float | None
    price_source: str | None
    max_tokens: int | None
    max_rounds: int

    def __repr__(self) -> str:
        return str(_table().as_text(self))

    def _repr_html_(self) -> str:
        return str(_table().as_html(self))


def plan_of(
    request: StreamRequest,
    *,
    counts: Sequence[int | None] = (),
    tokens: int | None = None,
    counted: str = "nobody was asked",
) -> Plan:
    """The plan of a request.

    Args:
        request: What would be sent.
        counts: The tokens of each of its parts, if the provider has counted them.
        tokens: Those of the whole prompt, likewise.
        counted: Who has counted, or why nobody has.
    """
    parts = parts_of(request)
    if counts:
        parts = tuple(replace(part, tokens=count) for part, count in zip(parts, counts, strict=True))
    least = sum(part.at_least or 0 for part in parts) if tokens is None else tokens
    limit = request.max_tokens
    base_url = request.endpoint.base_url

    def price(asked: int, answered: int) -> float | None:
        return cost_of(Usage(asked, answered, asked + answered), request.model, base_url, request)

    whole, nothing = price(least, _THOUSAND), price(least, 0)
    return Plan(
        model=request.model,
        host=request.endpoint.name,
        api=request.api,
        parts=parts,
        parameters=tuple(_parameters(request).items()),
        tokens=tokens,
        at_least=least,
        counted=counted,
        cost_from=at_least(Usage(least, 0, least), request.model, request),
        cost_to=None if tokens is None or limit is None else price(tokens, limit),
        answer_price=None if whole is None or nothing is None else whole - nothing,
        price_source=None if whole is None else source_of(request.model, request),
        max_tokens=limit,
        max_rounds=request.max_rounds if request.tools else 1,
    )


def _table() -> Any:
    # The table knows plans, so a plan must not know it before it is shown.
    return import_module("nbstream.accounting.plan_table")


def _parameters(request: StreamRequest) -> dict[str, Any]:
    given = {"temperature": request.temperature, "max_tokens": request.max_tokens, **request.params}
    return {name: value for name, value in given.items() if value is not None and name not in _NOT_SHOWN}
