"""A key with where it came from: it can be sent, and referred to, but neither shown, saved nor carried elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

from nbstream.errors import UsageError
from nbstream.text.redaction import Redaction
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Credential", "KeyReference", "Origin"]

Origin: TypeAlias = Literal[
    "call", "settings", "environment", "client", "demo", "login", "file", "keyring", "function", "relay"
]
"""Who gave a key: the call itself, the settings, the environment, the caller's own client, the demo model, the user who
was asked, a file, the system's keyring, a function of the user's; or Jupyter, whose token is for its relay."""

_QUOTES = {'"', "'"}


class Credential:
    """A key to send. Two are equal if their keys are, wherever they came from.

    Args:
        secret: The key.
        origin: Who gave it.
        variable: The environment variable that holds it, if one does.

    Attributes:
        origin: As given.
        variable: As given.

    Example:
        >>> key = Credential(Secret("sk-abcdef1234567890"), "environment", "OPENAI_API_KEY")
        >>> key, key.origin
        (<key ending in 7890>, 'environment')
        >>> key.reference()
        KeyReference(variable='OPENAI_API_KEY')
    """

    __slots__ = ("_redaction", "_secret", "origin", "variable")

    def __init__(self, secret: Secret, origin: Origin = "call", variable: str | None = None) -> None:
        self._secret = secret
        self._redaction: Redaction | None = None
        self.origin = origin
        self.variable = variable

    def reveal(self) -> str:
        """The key itself, for the one place that sends it."""
        return self._secret.reveal()

    async def fetch(self) -> None:
        """Have a key that can be sent now. Only some have to fetch theirs.

        Raises:
            MissingKeyError: It cannot be had.
        """

    async def fetch_again(self) -> bool:
        """Whether there is another key, now that a server has refused this one."""
        return False

    def redaction(self) -> Redaction:
        """What takes the key out of text; made once, because that takes a millisecond."""
        if self._redaction is None:
            self._redaction = Redaction(self.reveal())
        return self._redaction

    @property
    def present(self) -> bool:
        """Whether there is a key; one that is fetched may turn out not to be there."""
        return bool(self._secret)

    @property
    def can_be_sent(self) -> bool:
        """Whether an HTTP header can hold it; the HTTP library would print any other key in its own error.

        Quotes around a key come along when one is copied from a program or a file of settings.
        """
        key = self.reveal()
        return key.isascii() and key.isprintable() and key[:1] not in _QUOTES and key[-1:] not in _QUOTES

    def reference(self) -> KeyReference:
        """What may be sent to another process instead of the key.

        Raises:
            UsageError: The key is in no environment variable, so another process has no way to find it.
        """
        if self.variable is None:
            raise UsageError(
                "this key is in no environment variable, so another process cannot find it: "
                "set OPENAI_API_KEY in both processes instead of passing the key"
            )
        return KeyReference(self.variable)

    def __repr__(self) -> str:
        return repr(self._secret)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._secret == other._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, _: object) -> Credential:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled; send credential.reference() in its place")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()


@dataclass(frozen=True, slots=True)
class KeyReference:
    """Where a process finds a key in its own environment. It holds no secret, and can be pickled.

    Attributes:
        variable: The environment variable.
    """

    variable: str

    def resolve(self, environment: Mapping[str, str] | None = None) -> Credential:
        """Read the key.

        Args:
            environment: The variables; by default those of this process.

        Raises:
            UsageError: The variable is not set here, or empty.

        Example:
            >>> KeyReference("OPENAI_API_KEY").resolve({"OPENAI_API_KEY": "sk-abcdef1234567890"})
            <key ending in 7890>
        """
        key = (os.environ if environment is None else environment).get(self.variable, "").strip()
        if not key:
            raise UsageError(f"no key in this process: set the environment variable {self.variable} where it runs")
        return Credential(Secret(key), "environment", self.variable)
