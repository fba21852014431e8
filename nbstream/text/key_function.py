"""A function that gives a key, such as one that fetches tokens of Azure AD: it is called when a key is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KeyFunction"]


class KeyFunction:
    """Holds a function that gives a key; two are equal if their functions are.

    Args:
        function: Returns the key, now or when it is awaited.
        endpoint: The address of the server that it was given for; `None` if that is not known.

    Attributes:
        endpoint: As given.

    Example:
        >>> KeyFunction(lambda: "sk-abcdef1234567890")
        <a function that gives the key>
    """

    __slots__ = ("_function", "endpoint")

    def __init__(self, function: Callable[[], Any], endpoint: str | None = None) -> None:
        self._function = function
        self.endpoint = endpoint

    def __call__(self) -> Any:
        """What the function returns."""
        return self._function()

    def meant_for(self, endpoint: str) -> KeyFunction:
        """The same function, for one server; one that is already for a server stays so."""
        return self if self.endpoint is not None else KeyFunction(self._function, endpoint)

    def __repr__(self) -> str:
        return "<a function that gives the key>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyFunction) and self._function == other._function

    def __hash__(self) -> int:
        return hash(self._function)

    def __deepcopy__(self, _: object) -> KeyFunction:
        return self

    def __reduce__(self) -> NoReturn:
        # What it closes over may be a key.
        raise TypeError("a function that gives a key cannot be pickled; set it again where it is needed")
