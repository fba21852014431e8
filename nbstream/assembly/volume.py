"""How much an event adds to an answer, in characters or what takes as much room. Nothing else limits an answer's size.

The pieces of text, of which there are most, the assembler counts by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.events import (
    ActivityReported,
    Annotated,
    LogprobsReported,
    MediaDelta,
    PartStarted,
    TextRevised,
    ToolCallDelta,
    ToolCallRevised,
)

if TYPE_CHECKING:
    from nbstream.events import Event

__all__ = ["ENTRY", "volume_of"]

ENTRY = 16
"""What a part, a call or a citation counts for besides its text."""

# An image has many bytes and is one thing to look at.
_MEDIA_BYTES = 16


def volume_of(event: Event) -> int:
    """The characters that an event counts for.

    Example:
        >>> volume_of(ToolCallDelta(0, arguments='{"city": "Oslo"}'))
        16
        >>> volume_of(MediaDelta("image", "image", b"." * 1600))
        116
    """
    match event:
        case ToolCallDelta(name=name, arguments=arguments):
            return len(arguments) + (len(name) if name else 0) if arguments else ENTRY + len(name or "")
        case ToolCallRevised(arguments=text) | TextRevised(text=text):
            return len(text)
        case MediaDelta(data=data):
            return ENTRY + len(data) // _MEDIA_BYTES
        case ActivityReported(input=text, item=item):
            return ENTRY + len(text) + (0 if item is None else len(str(item)))
        case Annotated(annotation=annotation):
            return ENTRY + len(str(annotation))
        case LogprobsReported(tokens):
            return len(str(tokens))
        case PartStarted():
            return ENTRY
    return 0
