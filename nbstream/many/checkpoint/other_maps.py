"""What a checkpoint has been used for before, and whether a map that is given it may have been given the wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.many.background.asked import first_words
from nbstream.text.plain import plain
from nbstream.text.template import Expression, pieces_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["told_of_others"]


def told_of_others(name: str, asked: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str | None:
    """What there is to say of a file in which other maps have been kept; `None` if this map is one of them. Pure.

    A file may be shared by maps, and a prompt or a model may change: what is asked otherwise is only asked once more,
    because its earlier answers are stale. That costs money, so it is told. But where nothing is the same, neither the
    model nor the prompt nor any name in it, the file is most likely that of another job.

    Args:
        name: What the file is called.
        asked: What every row is asked with, as a `StoredJob` has it.
        others: What the maps in the file have been asked with, the latest one last.

    Raises:
        UsageError: All of them have another model and a template with none of these names.

    Example:
        >>> mood = {"of": "Mood of {{ x }}", "request": {"model": "a", "key": "1"}}
        >>> told_of_others("moods.sqlite", mood | {"of": "Say {{ x }}"}, [mood])
        'moods.sqlite has no answers to this prompt yet, only to others'
    """
    if not others or any(_is_same(asked, each) for each in others):
        return None
    if all(_is_foreign(asked, each) for each in others):
        last = others[-1]
        what = f"“{plain(first_words(last['of']))}” with {plain(str(last['request']['model']))}"
        advice = "nothing was sent; name another file for this one"
        raise UsageError(f"{name} is the checkpoint of another map ({what}): {advice}")
    if any(each["of"] == asked["of"] for each in others):
        what = "asked with this model, these parameters, this schema and this host"
        return f"{name} has no answers to this prompt yet, {what}"
    return f"{name} has no answers to this prompt yet, only to others"


def _is_same(asked: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(asked["of"] == other["of"] and asked["request"]["key"] == other["request"]["key"])


def _is_foreign(asked: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    own, theirs = _names(asked["of"]), _names(other["of"])
    is_disjoint = bool(own) and bool(theirs) and not own & theirs
    return is_disjoint and asked["request"]["model"] != other["request"]["model"]


def _names(template: Any) -> frozenset[str]:
    """The names in a template; none, if prompts are given or made by a function, which has no braces in its name."""
    if not isinstance(template, str):
        return frozenset()
    pieces = [each for each in pieces_of(template) if isinstance(each, Expression)]
    return frozenset().union(*(each.names for each in pieces))
