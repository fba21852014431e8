"""Which scripts put no spaces around words, so that marks and formulas touch the letters beside them.

Knows nothing of Markdown.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["without_spaces"]

# Thai, Lao, Burmese and Khmer. Chinese, Japanese and Korean are known by the width of their characters.
_NARROW = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def without_spaces(ch: str) -> bool:
    """Whether a character, a punctuation mark too, is of a script that puts no spaces around words.

    Example:
        >>> [without_spaces(ch) for ch in "这。นa:"]
        [True, True, True, False, False]
    """
    return unicodedata.east_asian_width(ch) in {"W", "F"} or _NARROW.match(ch) is not None
