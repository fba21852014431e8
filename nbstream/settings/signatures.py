"""Functions that take the arguments of another one: declared once, spelled out for readers and tools."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["like"]

P = ParamSpec("P")
R = TypeVar("R")


def like(model: Callable[P, Any]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Give a function the parameters of `model`, and what its docstring says of them in place of `{arguments}`.

    Args:
        model: The function that declares the parameters. The function may declare more, by name only.

    Example:
        >>> def ask(prompt: str, *, model: str = "m") -> int:
        ...     '''Ask.
        ...
        ...     Args:
        ...         prompt: The question.
        ...         model: Whom.
        ...     '''
        ...     return 42
        >>> @like(ask)
        ... def tell(*arguments, twice=False, **options) -> str:
        ...     '''Ask and tell.
        ...
        ...     {arguments}
        ...     '''
        ...     return str(ask(*arguments, **options))
        >>> list(inspect.signature(tell).parameters)
        ['prompt', 'model', 'twice']
        >>> "model: Whom." in tell.__doc__
        True
    """

    def spell_out(function: Callable[..., R]) -> Callable[P, R]:
        own, signature = inspect.signature(function), inspect.signature(model)
        more = [each for each in own.parameters.values() if each.kind is each.KEYWORD_ONLY]
        # By their kind, because what takes any other name comes last.
        parameters = sorted([*signature.parameters.values(), *more], key=lambda each: each.kind)
        signature = signature.replace(parameters=parameters, return_annotation=own.return_annotation)
        setattr(function, "__signature__", signature)  # noqa: B010  what `inspect` reads
        section = re.search(r"^ *Args:\n.*?(?=\n\n|\Z)", model.__doc__ or "", re.MULTILINE | re.DOTALL)
        arguments = section.group().strip() if section else ""
        function.__doc__ = (function.__doc__ or "").replace("{arguments}", arguments)
        return function

    return spell_out
