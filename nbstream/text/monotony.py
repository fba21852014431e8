"""Whether a text is one thing over and over. Pure."""

from __future__ import annotations

__all__ = ["is_monotonous"]

# A text that nobody would take for monotonous after so many characters is not read to its end.
_LOOKED_AT = 1000


def is_monotonous(text: str) -> bool:
    """Whether a text is one thing over and over, perhaps cut off in the middle of it.

    Example:
        >>> is_monotonous("ha, ha, h"), is_monotonous("ha, that is it")
        (True, False)
    """
    text = text[:_LOOKED_AT]
    borders = [0] * len(text)  # of each beginning: how much of its end is its beginning too
    for end in range(1, len(text)):
        size = borders[end - 1]
        while size and text[end] != text[size]:
            size = borders[size - 1]
        borders[end] = size + (text[end] == text[size])
    return bool(text) and 2 * (len(text) - borders[-1]) <= len(text)
