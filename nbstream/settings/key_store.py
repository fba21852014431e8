"""The keys of a kernel that are not settings: those that were entered, and those that are fetched when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbstream.settings.credential import Credential
from nbstream.settings.fetched_credential import FetchedCredential
from nbstream.settings.key_sources import KeyringKey

if TYPE_CHECKING:
    from nbstream.settings.key_sources import KeySource
    from nbstream.text.secret import Secret

__all__ = ["KeyStore", "server_of"]

_MOST_FETCHED = 64


class KeyStore:
    """Keeps keys in memory, each for one server.

    Example:
        >>> from nbstream.text.secret import Secret
        >>> store = KeyStore()
        >>> store.enter("https://api.openai.com/v1", Secret("sk-abcdef1234567890"))
        >>> store.entered("https://api.openai.com/v2")
        <key ending in 7890>
        >>> store.entered("https://other.example/v1") is None
        True
    """

    def __init__(self) -> None:
        self._entered: dict[str, Credential] = {}
        self._fetched: dict[KeySource, FetchedCredential] = {}

    def enter(self, address: str, key: Secret | None) -> None:
        """Keep a key for a server, or forget it; only in memory.

        Args:
            address: Any address of the server.
            key: The key; `None` to forget it.
        """
        self._fetched.pop(KeyringKey(server_of(address)), None)  # what it says now is not what it said before
        if key is None:
            self._entered.pop(server_of(address), None)
        else:
            self._entered[server_of(address)] = Credential(key, "login")

    def entered(self, address: str) -> Credential | None:
        """The key that was entered for the server of an address."""
        return self._entered.get(server_of(address))

    def fetched_from(self, source: KeySource) -> FetchedCredential:
        """The credential of a source: the same one each time, so that what it has fetched serves all requests."""
        credential = self._fetched.pop(source, None) or FetchedCredential(source)
        self._fetched[source] = credential
        if len(self._fetched) > _MOST_FETCHED:  # a function of its own for each call
            del self._fetched[next(iter(self._fetched))]
        return credential


def server_of(address: str) -> str:
    """Scheme, host and port of an address.

    Example:
        >>> server_of("https://api.openai.com/v1?x=1")
        'https://api.openai.com'
    """
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()
