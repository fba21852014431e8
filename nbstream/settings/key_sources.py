"""Where keys are fetched from when they are needed: a file, the system's keyring, a function of the user's."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import math
import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nbstream.errors import MissingKeyError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import plain
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from nbstream.settings.credential import Origin
    from nbstream.text.key_function import KeyFunction

__all__ = ["FetchedKey", "FileKey", "FunctionKey", "KeySource", "KeyringKey", "keyring_installed"]

_LARGEST_KEY_FILE = 64 * 1024
_SERVICE = "nbstream"


class FetchedKey(NamedTuple):
    """A key that has been fetched.

    Attributes:
        secret: The key; an empty one stands for none.
        expires_at: Seconds since 1970 until which it can be sent; `None` if it is to be fetched for each request.
    """

    secret: Secret
    expires_at: float | None = None


class KeySource(Protocol):
    """Gives a key when it is asked for. Equal sources give the same."""

    @property
    def origin(self) -> Origin:
        """Who gives the key."""
        ...

    async def fetch(self) -> FetchedKey:
        """Give the key.

        Raises:
            MissingKeyError: There is none; says why, without any words that may hold one.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileKey:
    """A file that holds a key and nothing else; it may change.

    Attributes:
        path: The file; `~` stands for the home directory.
    """

    path: str
    origin: Origin = "file"

    async def fetch(self) -> FetchedKey:
        """Read the file."""
        return FetchedKey(await asyncio.to_thread(self.read))

    def read(self) -> Secret:
        """Read the file, on this thread.

        Raises:
            MissingKeyError: It cannot be read, or holds no key.

        Example:
            ```python
            FileKey("~/.config/openai.key").read()    # <key ending in 7890>
            ```
        """
        shown, change = plain(self.path), (Remedy(RemedyKind.CHECK_KEY_FILE, self.path),)
        try:
            with pathlib.Path(self.path).expanduser().open("rb") as file:
                held = file.read(_LARGEST_KEY_FILE + 1)
        except (OSError, RuntimeError, ValueError) as error:  # no such home directory, a null character
            why = getattr(error, "strerror", None) or type(error).__name__
            raise MissingKeyError(f"The key file {shown} cannot be read ({why}).", remedies=change) from None
        # A key is never repeated, nor is what may be one in the wrong shape.
        key = None
        if len(held) <= _LARGEST_KEY_FILE:
            with contextlib.suppress(UnicodeDecodeError):
                key = Secret(held.decode("utf-8-sig"))
        if not key:
            raise MissingKeyError(f"The key file {shown} holds no key.", remedies=change)
        return key


@dataclass(frozen=True, slots=True)
class KeyringKey:
    """An entry of the system's keyring.

    Attributes:
        server: Scheme, host and port of the server that the key is for.
    """

    server: str
    origin: Origin = "keyring"

    async def fetch(self) -> FetchedKey:
        """Ask the keyring, which may ask the user."""
        return FetchedKey(await asyncio.to_thread(self.read), math.inf)

    def read(self) -> Secret:
        """Ask the keyring, on this thread; an empty key if it has none for the server.

        Raises:
            MissingKeyError: It cannot be asked.
        """
        try:
            return Secret(_keyring().get_password(_SERVICE, self.server) or "")
        except Exception as error:  # noqa: BLE001  each backend has errors of its own, and words of its own
            raise _unusable(error) from None

    def write(self, key: Secret | None) -> None:
        """Keep a key, or forget it.

        Args:
            key: The key; `None` to forget it.

        Raises:
            MissingKeyError: The keyring does not take it.
        """
        try:
            ring = _keyring()
            if key is not None:
                ring.set_password(_SERVICE, self.server, key.reveal())
            elif ring.get_password(_SERVICE, self.server) is not None:
                ring.delete_password(_SERVICE, self.server)
        except Exception as error:  # noqa: BLE001  as above
            raise _unusable(error) from None


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """A function of the user's that gives the key.

    It returns a string and is then called for each request, as the SDK calls such functions; or it says until when the
    key can be used, as a pair `(key, seconds since 1970)`, or by the attributes `token` and `expires_on`, which the
    tokens of `azure.identity` have, and is called again after that. It may be async; then it runs on nbstream's loop.

    Attributes:
        function: The function.
    """

    function: KeyFunction
    origin: Origin = "function"

    async def fetch(self) -> FetchedKey:
        """Call the function: on a thread, because it may wait."""
        try:
            given = await asyncio.to_thread(self.function)
            if inspect.isawaitable(given):
                given = await given
        except Exception as error:  # noqa: BLE001  whatever it raises; its words may hold what it was given
            what = f"The function that gives the key raised {type(error).__name__}."
            raise MissingKeyError(what, remedies=[Remedy(RemedyKind.CHECK_KEY_FUNCTION)]) from None
        fetched = _fetched(given)
        del given
        if fetched is None or not fetched.secret:
            what = "The function that gives the key returned none."
            raise MissingKeyError(what, remedies=[Remedy(RemedyKind.CHECK_KEY_FUNCTION)])
        return fetched


def _fetched(given: Any) -> FetchedKey | None:
    """What a function has returned: a key, a key with its end, or an object with both."""
    if isinstance(given, tuple) and len(given) == 2 and not hasattr(given, "token"):
        key, end = given
    else:
        key, end = getattr(given, "token", given), getattr(given, "expires_on", None)
    if not isinstance(key, str | Secret):
        return None
    ends = float(end) if isinstance(end, int | float) and not isinstance(end, bool) else None
    return FetchedKey(Secret(key) if isinstance(key, str) else key, ends)


def keyring_installed() -> bool:
    """Whether there is a keyring to ask."""
    return importlib.util.find_spec("keyring") is not None


def _keyring() -> Any:
    return importlib.import_module("keyring")


def _unusable(error: Exception) -> MissingKeyError:
    if isinstance(error, ImportError):
        install = Remedy(RemedyKind.INSTALL, '"nbstream[keyring]"')
        return MissingKeyError("The package keyring is not installed.", remedies=[install])
    what = f"The system's keyring cannot be used ({type(error).__name__})."
    return MissingKeyError(what, remedies=[Remedy(RemedyKind.SET_KEY)])
