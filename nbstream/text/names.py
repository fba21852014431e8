"""Names that Python can assign to. Pure."""

from __future__ import annotations

import keyword

__all__ = ["is_variable_name"]


def is_variable_name(name: object) -> bool:
    """Whether a variable can have this name.

    Example:
        >>> [is_variable_name(name) for name in ("answer", "2nd", "class", None)]
        [True, False, False, False]
    """
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)
