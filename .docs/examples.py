"""Lets the documentation read "Example:" in a docstring as the section that Google's style calls "Examples:"."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["Examples"]

_HEADING = re.compile(r"^( *)Example:$", re.MULTILINE)


class Examples(griffe.Extension):
    """Gives each docstring the plural, before it is parsed."""

    def on_instance(self, *, obj: griffe.Object, **others: Any) -> None:  # noqa: ARG002  griffe's signature
        """Change one object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _HEADING.sub(r"\1Examples:", obj.docstring.value)
