"""What a stream was asked, in a few words, for a list of streams that may be saved with a notebook."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.moderation.prompts import new_words_of
from nbstream.moderation.secrets import secrets_in

if TYPE_CHECKING:
    from nbstream.request import StreamRequest

__all__ = ["first_words", "shown_prompt"]

_LONGEST = 60
_LOOKED_AT = 5_000  # more than is shown, because a secret may begin in it


def shown_prompt(request: StreamRequest) -> str:
    """The beginning of the prompt; nothing of one that seems to hold a secret.

    Args:
        request: What is asked.
    """
    words = new_words_of(replace(request, system=None)) or new_words_of(request)
    return "(a prompt that seems to hold a secret)" if secrets_in(words[:_LOOKED_AT]) else first_words(words)


def first_words(text: str) -> str:
    r"""The beginning of a text, in one line of at most 60 characters.

    Args:
        text: The text.

    Example:
        >>> first_words("Write a poem.\n\nIt is about the sea, " + "and the sea, " * 9)
        'Write a poem. It is about the sea, and the sea, and the…'
    """
    line = " ".join(text[:_LOOKED_AT].split())
    if len(line) <= _LONGEST:
        return line
    last = line[:_LONGEST].rfind(" ")
    return f"{line[: last if last > _LONGEST // 2 else _LONGEST - 1]}…"
