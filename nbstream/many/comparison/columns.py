"""Whom a comparison asks: each model on each endpoint, each as often as wanted, each under a name of its own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.errors import UsageError
from nbstream.settings.named_endpoint import NamedEndpoint
from nbstream.settings.resolution import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.request import StreamRequest

__all__ = ["LETTERS", "Column", "columns_of"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What the answers of a blind comparison are called: no comparison has more."""

_INSTEAD = {"model": "models=[…]", "display": "display as an argument of its own"}


class Column(NamedTuple):
    """One of the answers.

    Attributes:
        name: What it is called: the model, the endpoint or both, and a number where that is there twice.
        request: What is asked, and where.
    """

    name: str
    request: StreamRequest


class _Asked(NamedTuple):
    model: str | None
    on: str | NamedEndpoint | None


def columns_of(
    prompt: str | list[dict[str, Any]],
    models: Sequence[str | NamedEndpoint] | str | None,
    on: Sequence[str | NamedEndpoint] | str | NamedEndpoint | None,
    n: int,
    options: dict[str, Any],
) -> list[Column]:
    """Resolve all of them, before anything is sent.

    Args:
        prompt: The one question.
        models: The models; an endpoint among them stands for its model there.
        on: The endpoints; each model is asked on each.
        n: How often each is asked.
        options: What else is asked, of all of them.

    Raises:
        UsageError: One of them cannot be asked, or there are not two.
    """
    asked = _asked(_listed("models", models), _listed("on", on))
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n must be a whole number above 0, not {n!r}")
    asked = [each for each in asked for _ in range(n)]
    if len(asked) < 2:
        raise UsageError("a comparison needs two answers: name another model or endpoint, or ask one several times (n)")
    if len(asked) > len(LETTERS):
        raise UsageError(f"{len(asked)} answers are too many to compare; {len(LETTERS)} are the most")
    if taken := [name for name in _INSTEAD if name in options]:
        raise UsageError(f"a comparison takes {_INSTEAD[taken[0]]} instead of {taken[0]}")
    epoch, seen, requests = options.get("epoch"), Counter[tuple[str | None, str]](), []
    for each in asked:
        again = seen[each.model, repr(each.on)]
        seen[each.model, repr(each.on)] += 1
        # Each repetition has a recording of its own.
        epochs = {"epoch": epoch + again} if isinstance(epoch, int) else {"epoch": 1 + again} if again else {}
        requests.append(resolve(prompt, **{**options, **epochs}, model=each.model, on=each.on))
    names = _distinct(_names(asked, requests))
    return [Column(name, request) for name, request in zip(names, requests, strict=True)]


def _listed(name: str, given: Any) -> list[Any]:
    if given is None:
        return []
    listed = [given] if isinstance(given, str | NamedEndpoint) else given
    if not isinstance(listed, list | tuple) or not all(map(_names_something, listed)):
        raise UsageError(f"{name} must be a list of names, not {given!r}")
    return list(listed)


def _names_something(each: Any) -> bool:
    return isinstance(each, NamedEndpoint) or (isinstance(each, str) and bool(each.strip()))


def _asked(models: list[Any], on: list[Any]) -> list[_Asked]:
    asked = []
    for model in models or [None]:
        if isinstance(model, NamedEndpoint):
            asked.append(_Asked(None, model))
        else:
            asked += [_Asked(model, each) for each in on or [None]]
    return asked


def _names(asked: Sequence[_Asked], requests: Sequence[StreamRequest]) -> list[str]:
    """What tells them apart: the model, unless it is the same everywhere; the endpoint, if there are several."""
    several_models = len({request.model for request in requests}) > 1
    several_endpoints = len({_endpoint(each) for each in asked}) > 1
    names = []
    for each, request in zip(asked, requests, strict=True):
        endpoint = _endpoint(each)
        if several_endpoints and endpoint and (each.model is None or not several_models):
            names.append(endpoint)
        elif several_endpoints and endpoint:
            names.append(f"{request.model} on {endpoint}")
        else:
            names.append(endpoint if endpoint and each.model is None else request.model)
    return names


def _endpoint(each: _Asked) -> str | None:
    return each.on.name if isinstance(each.on, NamedEndpoint) else each.on


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number where one is there twice.

    Example:
        >>> _distinct(["demo", "other", "demo"])
        ['demo (1)', 'other', 'demo (2)']
    """
    times, seen, distinct = Counter(names), Counter[str](), list[str]()
    for name in names:
        shown = name
        while (times[name] > 1 and shown == name) or shown in distinct:
            seen[name] += 1
            shown = f"{name} ({seen[name]})"
        distinct.append(shown)
    return distinct
