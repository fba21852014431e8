"""`{{ expression }}` in a prompt: where the expressions are, and what they are worth. Single braces are text. Pure."""

from __future__ import annotations

import ast
import builtins
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

__all__ = ["Expression", "pieces_of"]

_CLOSE = re.compile(r"\}\}")
# How long an expression is at most, and how many ends of it are tried: each is parsed.
_LONGEST, _MOST_TRIED = 10_000, 50


@dataclass(frozen=True, slots=True)
class Expression:
    """A Python expression of a prompt.

    Attributes:
        source: As it is written.
        code: What is evaluated.

    Example:
        >>> Expression.of("n + 1").value({"n": 2})
        3
    """

    source: str
    code: CodeType

    @classmethod
    def of(cls, source: str) -> Expression:
        """The expression of a source.

        Raises:
            SyntaxError: It is none.
        """
        return cls(source, compile(source, "<prompt>", "eval"))

    @property
    def names(self) -> frozenset[str]:
        """The names that it needs from outside, builtins aside.

        Example:
            >>> sorted(Expression.of("[len(x) for x in rows if limit]").names)
            ['limit', 'rows']
        """
        loaded: set[str] = set()
        bound: set[str] = set()
        for node in ast.walk(ast.parse(self.source, mode="eval")):
            if isinstance(node, ast.Name):
                (loaded if isinstance(node.ctx, ast.Load) else bound).add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
        return frozenset(name for name in loaded - bound if not hasattr(builtins, name))

    def value(self, names: dict[str, Any]) -> Any:
        """What it is worth.

        Args:
            names: The names that it may use.

        Raises:
            NameError: It uses another one.
            UsageError: It fails in another way.
        """
        try:
            return eval(self.code, names)  # noqa: S307  the reader's own code in the reader's own notebook
        except NameError:
            raise
        except Exception as error:
            raise UsageError(f"{self} failed: {exception_line(error)}") from error

    def __str__(self) -> str:
        return f"{{{{ {self.source} }}}}"


def pieces_of(text: str, advice: str = "") -> Iterator[str | Expression]:
    """The texts and the expressions of a prompt, in their order.

    Args:
        text: The prompt.
        advice: What to do where double braces hold no expression, for the message.

    Raises:
        UsageError: They hold none.

    Example:
        >>> [str(piece) for piece in pieces_of("Sum up {{ n }} lines of {braces}")]
        ['Sum up ', '{{ n }}', ' lines of {braces}']
    """
    position = 0
    while (start := text.find("{{", position)) >= 0:
        expression, end = _expression_at(text, start, advice)
        yield from (text[position:start], expression)
        position = end
    yield text[position:]


def _expression_at(text: str, start: int, advice: str) -> tuple[Expression, int]:
    """The expression that begins at `start`, and where it ends: at the first `}}` that makes it valid Python."""
    for close in itertools.islice(_CLOSE.finditer(text, start, start + _LONGEST), _MOST_TRIED):
        # Of `{"a": {"b": 1}}}}` the last two braces close, so every pair of them is tried, also overlapping ones.
        for shift in (0, 1):
            end = close.end() + shift
            if text[end - 2 : end] != "}}":
                continue
            try:
                return Expression.of(text[start + 2 : end - 2].strip()), end
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    quoted = repr(" ".join(text[start : start + 40].split()))
    raise UsageError(f"no Python expression in double braces: {quoted}{advice and f'; {advice}'}")
