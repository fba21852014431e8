"""What depends on the script of a text: whether its words have spaces around them, and in which direction it runs.

Knows nothing of Markdown.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["is_left_to_right", "is_right_to_left", "without_spaces"]

# Thai, Lao, Burmese and Khmer. Chinese, Japanese and Korean are known by the width of their characters.
_NARROW = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
# The blocks of Unicode for scripts such as Hebrew, Arabic, Syriac and N'Ko, with their presentation forms.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")


def without_spaces(ch: str) -> bool:
    """Whether a character, a punctuation mark too, is of a script that puts no spaces around words.

    Example:
        >>> [without_spaces(ch) for ch in "这。นa:"]
        [True, True, True, False, False]
    """
    return unicodedata.east_asian_width(ch) in {"W", "F"} or _NARROW.match(ch) is not None


def is_right_to_left(text: str) -> bool:
    """Whether a text runs from right to left: its first character with a direction decides, as in HTML.

    Source: rules P2 and P3 of https://www.unicode.org/reports/tr9/ and `dir=auto` in
    https://html.spec.whatwg.org/multipage/dom.html#the-dir-attribute

    Example:
        >>> [is_right_to_left(text) for text in ("1. سلام", "Persian: سلام", "1, 2")]
        [True, False, False]
    """
    return _RIGHT_TO_LEFT.search(text) is not None and _first_direction(text) in {"R", "AL"}


def is_left_to_right(text: str) -> bool:
    """Whether a text runs from left to right; one without letters does neither.

    Example:
        >>> [is_left_to_right(text) for text in ("1. one", "سلام one", "1, 2")]
        [True, False, False]
    """
    return _first_direction(text) == "L"


def _first_direction(text: str) -> str:
    return next((each for each in map(unicodedata.bidirectional, text) if each in {"L", "R", "AL"}), "")
