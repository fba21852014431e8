"""What a check says of a text. What it does not say is never taken for clean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbstream.outcome import Verdict
from nbstream.text.plain import encodable, plain

__all__ = ["Judgement", "NoJudgementError", "judgement_of"]

_MOST_CATEGORIES, _LONGEST_CATEGORY = 20, 200


class NoJudgementError(Exception):
    """A check did not say whether a text is flagged. Its words may be shown: they hold nothing of the text."""


class Judgement(NamedTuple):
    """Whether a text is flagged, and for what."""

    flagged: bool
    categories: tuple[str, ...] = ()


def judgement_of(said: Any) -> Judgement:
    """What is meant by what a user's function has returned.

    Args:
        said: `True` or `False`; for what it is flagged, as a word or several; a `Verdict`; or what the moderation
            endpoint returns, or an object like it.

    Raises:
        NoJudgementError: It says neither.

    Example:
        >>> judgement_of(["violence"]), judgement_of("")
        (Judgement(flagged=True, categories=('violence',)), Judgement(flagged=False, categories=()))
        >>> judgement_of({"flagged": True, "categories": {"hate": True, "violence": False}})
        Judgement(flagged=True, categories=('hate',))
    """
    match said:
        case bool():
            return Judgement(said)
        case Verdict():
            if said.outcome == "unchecked":
                raise NoJudgementError(_shown(said.reason) or "it was not checked")
            return Judgement(said.outcome == "flagged", _words(said.categories))
        case str():
            return Judgement(bool(said.strip()), _words([said]))
        case list() | tuple() | set() | frozenset():
            if not all(isinstance(each, str) for each in said):
                raise NoJudgementError(f"it returned a {type(said).__name__} of something else than words")
            return Judgement(bool(said), _words(said))
    if said is None:
        raise NoJudgementError("it returned None; False or nothing to flag is a clean text")
    results = _field(said, "results")
    if isinstance(results, list | tuple) and results:
        all_of_them = [judgement_of(each) for each in results]
        categories = dict.fromkeys(name for each in all_of_them for name in each.categories)
        return Judgement(any(each.flagged for each in all_of_them), tuple(categories))
    flagged = _field(said, "flagged")
    if not isinstance(flagged, bool):
        raise NoJudgementError(f"it returned a {type(said).__name__} that does not say whether it is flagged")
    return Judgement(flagged, _words(_flagged_in(_field(said, "categories"))))


def _field(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else getattr(said, name, None)


def _flagged_in(categories: Any) -> list[str]:
    dump = getattr(categories, "model_dump", None)
    given = categories if dump is None else dump(by_alias=True)
    if isinstance(given, Mapping):
        return [str(name) for name, value in given.items() if value is True]
    return [str(each) for each in given] if isinstance(given, list | tuple | set | frozenset) else []


def _words(categories: Any) -> tuple[str, ...]:
    shown = (_shown(each) for each in categories)
    return tuple(dict.fromkeys(word for word in shown if word))[:_MOST_CATEGORIES]


def _shown(text: str) -> str:
    return " ".join(plain(encodable(text)).split())[:_LONGEST_CATEGORY]
