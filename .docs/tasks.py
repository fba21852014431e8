"""Runs the code of a page, and puts what it prints or returns below it, so that what is shown is what happens."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from typing import Any

__all__ = ["with_output"]

_CODE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def with_output(page: str) -> str:
    r"""The page with the output of each block of Python below it. All blocks share their variables.

    Args:
        page: Markdown.

    Raises:
        Exception: Whatever the code raises: a page whose code fails is not made.

    Example:
        >>> print(with_output("```python\n1 + 1\n```\n"))
        ```python
        1 + 1
        ```
        <BLANKLINE>
        ```text title="Output"
        2
        ```
        <BLANKLINE>
    """
    names: dict[str, Any] = {"__name__": "__main__"}

    def run(found: re.Match[str]) -> str:
        shown = _output(found[1], names)
        return f'{found[0]}\n```text title="Output"\n{shown}\n```\n' if shown else found[0]

    return _CODE.sub(run, page)


def _output(code: str, names: dict[str, Any]) -> str:
    """What a block prints, and then the value of its last line, if that is an expression."""
    body = ast.parse(code).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "<page>", "exec"), names)  # noqa: S102  the page's own code
        value = None if last is None else eval(compile(ast.Expression(last.value), "<page>", "eval"), names)  # noqa: S307
    return (printed.getvalue() + ("" if value is None else repr(value))).rstrip()
