"""What is left of the reasoning once an answer has ended: a short quote above it. Pure.

Markdown cannot be folded, and what the model thought may be much longer than what it said. So the quote has its
beginning, and says where the rest is.
"""

from __future__ import annotations

import re

from nbstream.text.place import Place
from nbstream.text.wording import WORDINGS

__all__ = ["is_cut", "quote_of"]

_LONGEST, _MOST_PARAGRAPHS = 300, 3
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def is_cut(reasoning: str) -> bool:
    """Whether the quote has only the beginning.

    Example:
        >>> is_cut("Twelve twelves are 144."), is_cut("Hm. " * 1_000)
        (False, True)
    """
    text = reasoning.strip()
    return len(text) > _LONGEST or len(_PARAGRAPH.findall(text)) >= _MOST_PARAGRAPHS


def quote_of(reasoning: str, place: Place = Place.CELL) -> str:
    """The quote, as Markdown that is not yet safe.

    Args:
        reasoning: What the model thought.
        place: Where it is read.

    Example:
        >>> print(quote_of("Twelve twelves are 144."))
        > *Reasoning*
        >
        > Twelve twelves are 144.
    """
    text, rest = reasoning.strip(), ""
    if is_cut(reasoning):
        count = len(text)
        beginning = "\n\n".join(_PARAGRAPH.split(text)[:_MOST_PARAGRAPHS])
        text = f"{beginning if len(beginning) <= _LONGEST else beginning[:_LONGEST].rsplit(maxsplit=1)[0]} …"
        rest = f"*All {count:,} characters are in `{WORDINGS[place].result}.reasoning` and this output's metadata.*"
    return "\n>\n".join(_quoted(each) for each in ("*Reasoning*", text, rest) if each)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
