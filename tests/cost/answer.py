"""The answer whose cost is counted: Markdown of every kind, in pieces of four characters, a hundred a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.events import EndOfStream, Finished, TextDelta
from nbstream.testing import ScriptedStream

if TYPE_CHECKING:
    from nbstream.events import Event

__all__ = ["END", "FRAMES_A_SECOND", "PIECES_A_SECOND", "pieces_of", "scripted", "text_of"]

FRAMES_A_SECOND, PIECES_A_SECOND = 9, 100
END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]
_ANSWER = """\
## What a stream costs

Each piece of an answer is **drawn once**, with `code`, a [link](https://example.com) and *some emphasis* in it.
What has been drawn is left alone. A paragraph grows by its last words, which may still become something else.

1. The server sends a piece.
2. The kernel parses the line that it is in:
   - what is final goes to the page for good,
   - what is open goes to the page *again*.
3. The page appends.

> A quotation of a line or two, which
> ends soon.

| what | how often |
|------|----------:|
| a row | once |
| a `cell` | once |

```python
def cost(pieces: list[str]) -> int:
    return sum(map(len, pieces))  # no more than that
```

The sum is $\\sum_i n_i$, and that is all there is to it. Thank you for asking!

"""


def text_of(copies: int) -> str:
    """The answer, so many times; one copy is about a thousand characters."""
    return _ANSWER * copies


def pieces_of(text: str) -> list[str]:
    """The text as a model streams it."""
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def scripted(text: str) -> ScriptedStream:
    """The text as a stream in virtual time."""
    return ScriptedStream(
        *(step for piece in pieces_of(text) for step in ([TextDelta(piece)], 1 / PIECES_A_SECOND)), END
    )
