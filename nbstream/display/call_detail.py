"""What more there is to say of a call that was answered than fits into its line. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.parts import ToolCallPart
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from nbstream.parts import Part, ToolRun

__all__ = ["detail_of", "error_of"]

_LONGEST = 4_000  # characters of each thing: a page is sent them again whenever it is drawn anew
_LONGEST_ERROR = 2_000
_IN_A_LINE = 60


def detail_of(part: Part, line: str = "") -> str:
    r"""What a call was given, returned and printed, as far as its line does not show it.

    Args:
        part: The part.
        line: Its line.

    Example:
        >>> from nbstream.parts import ToolRun
        >>> detail_of(ToolCallPart("c1", "now", "{}", run=ToolRun("completed", "noon", printed="Looking.")))
        'Result:\nnoon\n\nPrinted:\nLooking.'
        >>> detail_of(ToolCallPart("c1", "now", "{}", run=ToolRun("completed", "noon")), "Tool call: now {} → noon")
        ''
    """
    run = _answered(part)
    if run is None or not isinstance(part, ToolCallPart):
        return ""
    given = run.arguments or part.arguments
    said = "Result" if run.state == "completed" else "What the model was told"
    untold = _is_long(run.output) if run.state == "denied" else not _is_told(run, line)
    things = {"Arguments": given if _is_long(given) else "", said: run.output, "Printed": run.printed}
    if not (things["Arguments"] or run.printed or untold):
        return ""
    return "\n\n".join(f"{name}:\n{_bounded(text, _LONGEST)}" for name, text in things.items() if text)


def error_of(part: Part, line: str) -> str:
    """Why a call has no result, if its line cuts that; all else that lines cut is in the result.

    Args:
        part: The part.
        line: Its line.
    """
    run = _answered(part)
    if run is None or run.state not in {"failed", "unknown"} or _is_told(run, line):
        return ""
    return _bounded(run.output.strip("\n"), _LONGEST_ERROR)


def _answered(part: Part) -> ToolRun | None:
    run = part.run if isinstance(part, ToolCallPart) else None
    return None if run is None or run.state in {"waiting", "running"} else run


def _is_told(run: ToolRun, line: str) -> bool:
    """Whether the line ends with all of what came of a call."""
    if len(run.output) > _LONGEST or "\n" in run.output.strip():
        return False
    words = " ".join(plain(run.output).split())
    return line.endswith(f"→ {words}" if run.state == "completed" else f"({run.state}: {words})")


def _is_long(text: str) -> bool:
    return len(text) > _IN_A_LINE or "\n" in text.strip()


def _bounded(text: str, longest: int) -> str:
    shown = plain(text[:longest])
    return shown if len(text) <= longest else f"{shown}\n[{len(text):,} characters in all]"
