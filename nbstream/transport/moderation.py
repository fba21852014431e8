"""What a provider says of a prompt and an answer that it was asked to moderate: its objects into events. Pure.

Source: the OpenAI API reference, `moderation` of a Response and of a chat completion's chunk. Each of its two halves is
a result, several of them, or an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from nbstream.events import Moderated
from nbstream.transport.fields import name_or_none, objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["categories_in", "verdicts_in"]

_SUBJECTS: tuple[tuple[str, Literal["prompt", "answer"]], ...] = (("input", "prompt"), ("output", "answer"))
_MOST_CATEGORIES = 20


def verdicts_in(moderation: Any) -> list[Moderated]:
    """The events that a `moderation` object stands for. What is neither a result nor an error is no verdict.

    Args:
        moderation: The object, which may be anything.

    Example:
        >>> verdicts_in({"input": {"flagged": False}, "output": {"type": "error", "code": "timeout"}})[1].sentence
        'The answer was not checked by moderation (provider): timeout.'
    """
    return list(_verdicts(moderation)) if isinstance(moderation, dict) else []


def categories_in(results: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """The categories for which any of these results is flagged, each once.

    Args:
        results: Results as the moderation endpoint has them.

    Example:
        >>> categories_in([{"categories": {"violence": True, "hate": False}}])
        ('violence',)
    """
    given = (each.get("categories") for each in results)
    flagged = (name for each in given if isinstance(each, dict) for name, value in each.items() if value is True)
    names = (name_or_none(name) for name in flagged)
    return tuple(dict.fromkeys(name for name in names if name))[:_MOST_CATEGORIES]


def _verdicts(moderation: dict[str, Any]) -> Iterator[Moderated]:
    for field, subject in _SUBJECTS:
        half = moderation.get(field)
        if not isinstance(half, dict):
            continue
        results = objects(half.get("results")) if "results" in half else [half]
        known = [each.get("flagged") for each in results]
        if True in known:
            yield Moderated(subject, "flagged", categories_in(results))
        elif known and all(each is False for each in known):
            yield Moderated(subject, "clean")
        else:
            why = name_or_none(half.get("code")) or "it gave no verdict"  # its message may repeat what was said
            yield Moderated(subject, "unchecked", reason=why)
