"""What is shown of an answer that is JSON: a table whose rows appear as they become whole, or the JSON as code."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any

from nbstream.structured.items import ItemReader

if TYPE_CHECKING:
    from nbstream.structured.schema import AnswerSchema

__all__ = ["ShownAnswer"]

# What Markdown would take for something else, in a cell of a table.
_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~$&!^="} | {"\n": " ", "\r": " "})
_SIGN = re.compile(r"[\\`*_{}\[\]<>#|~$&!^=\n\r]")


class ShownAnswer:
    """The Markdown for one answer while it arrives; it only grows. From any thread.

    Args:
        schema: What the answer is held to.

    Example:
        >>> from nbstream.structured.schema import AnswerSchema
        >>> from pydantic import BaseModel
        >>> class City(BaseModel):
        ...     name: str
        >>> shown = ShownAnswer(AnswerSchema(list[City]))
        >>> print(shown.of('{"value": [{"name": "Oslo"}, {"na', whole=False))
        | name |
        | --- |
        | Oslo |
    """

    def __init__(self, schema: AnswerSchema) -> None:
        self._columns = schema.columns
        self._lock = threading.Lock()
        self._text, self._reader = "", ItemReader()
        self._lines: list[str] = []

    def of(self, text: str, *, whole: bool) -> str:
        """The Markdown for the text so far.

        Args:
            text: The answer.
            whole: Whether nothing follows.
        """
        with self._lock:
            if self._columns is None:
                return f"```json\n{text}" + ("\n```" if whole else "")
            if not text.startswith(self._text) or not self._lines:
                self._begin_again()
            for item in self._reader.feed(text[len(self._text) :]):
                self._lines.append(self._row(item))
            self._text = text
            return "\n".join(self._lines)

    def _begin_again(self) -> None:
        self._text, self._reader = "", ItemReader()
        columns = self._columns or ()
        self._lines = [_line(map(_cell, columns)), _line("---" for _ in columns)]

    def _row(self, item: Any) -> str:
        given = item if isinstance(item, dict) else {}
        return _line(_cell(given.get(column, "")) for column in self._columns or ())


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if type(value) is int:
        return str(value)
    words = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return words.translate(_SIGNS) if _SIGN.search(words) else words  # looking is ten times as fast
