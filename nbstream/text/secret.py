"""A string that must not be seen: it shows itself masked wherever Python prints values, and is nowhere in plain."""

from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar, cast

from nbstream.errors import UsageError
from nbstream.text.key_function import KeyFunction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Secret", "takes_key"]

P = ParamSpec("P")
R = TypeVar("R")


class Secret:
    """Holds a key; `repr`, `str`, `format` and `%config` show only a mask.

    It keeps the key under a pad of random bytes. So neither a debugger nor a crash report, nor anything else that walks
    through the objects of a process, finds the key itself.

    Args:
        value: The key; white space around it is no part of it.
        endpoint: The address of the server that it was given for; `None` if that is not known.

    Attributes:
        endpoint: As given.

    Example:
        >>> key = Secret("sk-abcdef1234567890")
        >>> key
        <key ending in 7890>
        >>> key.reveal()
        'sk-abcdef1234567890'
    """

    __slots__ = ("_hidden", "_pad", "endpoint")

    def __init__(self, value: str, endpoint: str | None = None) -> None:
        plain = value.strip().encode("utf-8", "surrogatepass")
        self._pad = os.urandom(len(plain))
        self._hidden = _xor(plain, self._pad)
        self.endpoint = endpoint

    def reveal(self) -> str:
        """The string itself, for the one place that sends it."""
        return _xor(self._hidden, self._pad).decode("utf-8", "surrogatepass")

    def meant_for(self, endpoint: str) -> Secret:
        """The same key, for one server; a key that is already for one stays so."""
        return self if self.endpoint is not None else Secret(self.reveal(), endpoint)

    def __bool__(self) -> bool:
        return bool(self._hidden)

    def __repr__(self) -> str:
        # Four characters tell two keys apart; of a short one they would be most of it.
        value = self.reveal()
        return f"<key ending in {value[-4:]}>" if len(value) >= 16 else "<key>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        # Without this a copy would go through __reduce__; traitlets copies settings.
        return self

    def __reduce__(self) -> NoReturn:
        # A pickled notebook state must not carry a key.
        raise TypeError("a key cannot be pickled; set it again where it is needed")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()


def takes_key(function: Callable[P, R]) -> Callable[P, R]:
    """Hide a key that is given as `api_key=…` before any code of the function runs.

    A traceback, a debugger or a crash report shows the local variables of every frame.

    Args:
        function: What takes the key, by name only.

    Example:
        >>> @takes_key
        ... def ask(prompt, **options):
        ...     return options
        >>> ask("Why?", api_key="sk-abcdef1234567890")
        {'api_key': <key ending in 7890>}
    """
    if inspect.iscoroutinefunction(function):
        asked = cast("Callable[P, Awaitable[Any]]", function)

        @functools.wraps(function)
        async def awaited(*arguments: P.args, **options: P.kwargs) -> Any:
            _hide(cast("dict[str, Any]", options))
            return await asked(*arguments, **options)

        return cast("Callable[P, R]", awaited)

    @functools.wraps(function)
    def called(*arguments: P.args, **options: P.kwargs) -> R:
        _hide(cast("dict[str, Any]", options))
        return function(*arguments, **options)

    return called


def _hide(options: dict[str, Any]) -> None:
    """Replace a key with a `Secret`, and a function that gives it with a `KeyFunction`.

    Raises:
        UsageError: It is neither. It is not repeated: it may be a key in the wrong shape.
    """
    key = options.get("api_key")
    usable = key is None or isinstance(key, str | Secret) or callable(key)
    if not (key is None or isinstance(key, Secret | KeyFunction)):
        options["api_key"] = None if not usable else Secret(key) if isinstance(key, str) else KeyFunction(key)
    del key
    if not usable:
        raise UsageError("api_key must be a string with the key, a function that gives it, or None")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
