"""One answer out of its rounds: what earlier ones gave, and what the present one gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.parts import TextPart, ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbstream.parts import Part
    from nbstream.result import StreamResult

__all__ = ["after"]


def after(earlier: StreamResult | None, result: StreamResult) -> StreamResult:
    r"""A result with what earlier rounds of the same answer gave before it.

    Args:
        earlier: All of that, if there was an earlier round.
        result: What the present round has given so far; its `rounds` are those of the whole answer already.

    Example:
        >>> from nbstream.result import StreamResult, ToolCallPart
        >>> call = ToolCallPart("c1", "look_up", "{}")
        >>> after(StreamResult(parts=(TextPart("Let me see."), call)), StreamResult("Done.")).text
        'Let me see.\n\nDone.'
    """
    if earlier is None:
        return result
    warnings = {warning.kind: warning for warning in (*earlier.warnings, *result.warnings)}
    parts = (*earlier.parts, *_set_off(earlier.parts, result.parts))
    verdicts = tuple(dict.fromkeys((*earlier.moderation, *result.moderation)))
    return replace(result, parts=parts, warnings=tuple(warnings.values()), moderation=verdicts)


def _set_off(earlier: Iterable[Part], parts: Iterable[Part]) -> Iterator[Part]:
    """The parts with slots and a paragraph of their own."""
    slots = 1 + max((part.index for part in earlier if isinstance(part, ToolCallPart)), default=-1)
    set_off = any(isinstance(part, TextPart) and part.text for part in earlier)
    for part in parts:
        if isinstance(part, ToolCallPart):
            yield replace(part, index=slots + part.index)
        elif isinstance(part, TextPart) and part.text and set_off:
            set_off = False
            yield replace(part, new_paragraph=True)
        else:
            yield part
