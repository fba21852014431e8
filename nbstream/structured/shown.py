"""What is shown of an answer that is not Markdown, or not all of it.

JSON is a table whose rows appear as they become whole, or code; of an answer that is wanted for its code only that is
shown. All of it only grows, as the answer does.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from nbstream.parts import TextPart
from nbstream.structured.items import ItemReader
from nbstream.text.code import CodeBlock, code_blocks, fenced, is_for_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.parts import Part
    from nbstream.structured.schema import AnswerSchema

__all__ = ["Shown", "ShownAnswer", "ShownAnswers", "ShownCode", "with_shown"]

# What Markdown would take for something else, in a cell of a table.
_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~$&!^="} | {"\n": " ", "\r": " "})
_SIGN = re.compile(r"[\\`*_{}\[\]<>#|~$&!^=\n\r]")


class Shown(Protocol):
    """Says how the texts of one answer are shown. From any thread."""

    def of(self, texts: Sequence[str], *, whole: bool) -> list[str | None]:
        """The Markdown for each text so far; `None` for one that is shown as it is.

        Args:
            texts: What the answer has said, of which only the last may still grow.
            whole: Whether nothing follows.
        """
        ...


def with_shown(parts: tuple[Part, ...], shown: Shown, *, whole: bool) -> tuple[Part, ...]:
    """The parts of an answer, each text with how it is shown."""
    told = iter(shown.of([part.text for part in parts if isinstance(part, TextPart) and part.text], whole=whole))
    return tuple(
        replace(part, shown=next(told)) if isinstance(part, TextPart) and part.text else part for part in parts
    )


class ShownCode:
    r"""Only the code of an answer.

    Example:
        >>> print(ShownCode().of(["Here it is: \n```python\nx ="], whole=False)[0])
        ```python
        x =
    """

    def of(self, texts: Sequence[str], *, whole: bool) -> list[str | None]:
        """The code in each text so far."""
        last = len(texts) - 1
        found = [code_blocks(text, whole=whole or place < last) for place, text in enumerate(texts)]
        chosen = [[block for block in blocks if not is_for_terminal(block)] for blocks in found]
        if whole and not any(chosen):
            chosen = found if any(found) else [[CodeBlock("python", text.strip("\n"))] for text in texts]
        return ["\n\n".join(fenced(block) for block in blocks) for blocks in chosen]


class ShownAnswers:
    """The JSON of an answer, which may take several texts: one is asked for again if it does not fit.

    Args:
        schema: What the answer is held to.
    """

    def __init__(self, schema: AnswerSchema) -> None:
        self._schema = schema
        self._each: list[ShownAnswer] = []

    def of(self, texts: Sequence[str], *, whole: bool) -> list[str | None]:
        """The Markdown for each text so far; what is said between calls of tools need not be JSON."""
        while len(self._each) < len(texts):
            self._each.append(ShownAnswer(self._schema))
        last = len(texts) - 1
        return [
            shown.of(text, whole=whole or place < last) if place == last or text.lstrip()[:1] in set("{[`") else None
            for place, (text, shown) in enumerate(zip(texts, self._each, strict=False))
        ]


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
        self._numbers = schema.numbers
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
        self._lines = [
            _line(map(_cell, columns)),
            _line("---:" if name in self._numbers else "---" for name in columns),
        ]

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
