"""A string that must not be seen: it shows itself masked wherever Python prints values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Secret"]


class Secret:
    """Holds a key; `repr`, `str`, `format` and `%config` show only a mask.

    Example:
        >>> key = Secret("sk-abcdef1234567890")
        >>> key
        <key ending in 7890>
        >>> key.reveal()
        'sk-abcdef1234567890'
    """

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        # A function shows nothing of what it returns, in a debugger or a list of variables either.
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """The string itself, for the one place that sends it."""
        return self._reveal()

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
