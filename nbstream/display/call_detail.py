"""What more there is to say of a call that was answered than fits into its line. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.parts import ToolCallPart
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from nbstream.parts import Part

__all__ = ["detail_of"]

_LONGEST = 4_000  # characters of each thing: a page is sent them again whenever it is drawn anew
_IN_A_LINE = 60


def detail_of(part: Part) -> str:
    r"""What a call was given, returned and printed, as far as its line does not show it.

    Example:
        >>> from nbstream.parts import ToolRun
        >>> detail_of(ToolCallPart("c1", "now", "{}", run=ToolRun("completed", "noon", printed="Looking.")))
        'Result:\nnoon\n\nPrinted:\nLooking.'
        >>> detail_of(ToolCallPart("c1", "now", "{}", run=ToolRun("completed", "noon")))
        ''
    """
    run = part.run if isinstance(part, ToolCallPart) else None
    if run is None or not isinstance(part, ToolCallPart) or run.state in {"waiting", "running"}:
        return ""
    given = run.arguments or part.arguments
    said = "Result" if run.state == "completed" else "What the model was told"
    things = {"Arguments": given if _is_long(given) else "", said: run.output, "Printed": run.printed}
    if not (things["Arguments"] or run.printed or _is_long(run.output)):
        return ""
    return "\n\n".join(f"{name}:\n{_bounded(plain(text))}" for name, text in things.items() if text)


def _is_long(text: str) -> bool:
    return len(text) > _IN_A_LINE or "\n" in text.strip()


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n[{len(text):,} characters in all]"
