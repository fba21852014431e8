"""What is left of the reasoning in a saved answer: a short quote above it. Pure.

Markdown cannot be folded, and what the model thought may be much longer than what it said. So the quote of a long one
has its beginning, and says where the rest is. It holds no time, because the same answer is to be saved as the same
bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.markdown import inert
from nbstream.text.place import Place
from nbstream.text.wording import WORDINGS

if TYPE_CHECKING:
    from nbstream.markdown import Images

__all__ = ["is_cut", "quote_of"]

_WHOLE, _WHOLE_PARAGRAPHS = 500, 4  # what is quoted as it is
_BEGINNING, _LEAST = 300, 100  # of what is longer
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
# In scripts that put no space between sentences, too.
_SENTENCE_END = re.compile(r"""[.!?…][*_"'”’»)\]]*(?=\s)|[。！？]|(?=\n)""")  # noqa: RUF001


def is_cut(reasoning: str) -> bool:
    """Whether the quote has only the beginning.

    Example:
        >>> is_cut("Twelve twelves are 144."), is_cut("Hm. " * 1_000)
        (False, True)
    """
    text = reasoning.strip()
    return len(text) > _WHOLE or len(_PARAGRAPH.findall(text)) >= _WHOLE_PARAGRAPHS


def quote_of(reasoning: str, place: Place = Place.CELL, images: Images = "link") -> str:
    """The quote, as inert Markdown.

    Args:
        reasoning: What the model thought.
        place: Where it is read.
        images: Whether images from other servers are links or loaded.

    Example:
        >>> print(quote_of("Twelve twelves are 144."))
        > *Reasoning*
        >
        > Twelve twelves are 144.
    """
    text = reasoning.strip()
    beginning = _beginning_of(text) if is_cut(reasoning) else text
    parts = [f"*Reasoning*\n\n{beginning}"]
    if left := len(text) - len(beginning):
        where = f"see `{WORDINGS[place].result}.reasoning`, or this output's metadata once the kernel has stopped"
        parts.append(f"*… {left:,} more characters: {where}.*")
    # Each by itself: what the beginning leaves open, such as a block of code, ends with it.
    return "\n>\n".join(inert(_quoted(each), images=images).strip() for each in parts)


def _beginning_of(text: str) -> str:
    """Up to the end of a sentence or a paragraph, if one is near, or else of a word."""
    beginning = "\n\n".join(_PARAGRAPH.split(text)[: _WHOLE_PARAGRAPHS - 1])
    if len(beginning) <= _BEGINNING:
        return beginning
    ends = [found.end() for found in _SENTENCE_END.finditer(beginning, 0, _BEGINNING)]
    if ends and ends[-1] >= _LEAST:
        return beginning[: ends[-1]]
    return beginning[:_BEGINNING].rsplit(maxsplit=1)[0]


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
