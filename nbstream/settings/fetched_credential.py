"""A key that a source gives when it is needed, and gives again when it has expired or was refused."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nbstream.errors import MissingKeyError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.settings.credential import Credential
from nbstream.text.redaction import Redaction
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from nbstream.settings.key_sources import FetchedKey, KeySource

__all__ = ["FetchedCredential"]

_PATIENCE_SECONDS = 30.0
"""How long a source may take; a keyring may ask the user."""

_MARGIN_SECONDS = 60.0
"""So long before its end a key is fetched again, because a request takes time to arrive."""


class FetchedCredential(Credential):
    """A `Credential` whose key comes from a source. Two are equal if their sources are.

    Args:
        source: Gives the key.

    Example:
        ```python
        credential = FetchedCredential(FileKey("~/.config/openai.key"))
        await credential.fetch()
        credential.reveal()
        ```
    """

    __slots__ = ("_expires_at", "_fetching", "_former", "_source", "_waiting")

    def __init__(self, source: KeySource) -> None:
        super().__init__(Secret(""), source.origin)
        self._source = source
        self._expires_at: float | None = None
        self._former = Secret("")  # a server may repeat a key that has been replaced meanwhile
        self._fetching: asyncio.Task[FetchedKey] | None = None
        self._waiting = 0

    async def fetch(self) -> None:
        """Have a key that can be sent now; on an event loop.

        Raises:
            MissingKeyError: The source gives none.
        """
        if self._expires_at is not None and time.time() < self._expires_at - _MARGIN_SECONDS:
            return
        task = self._fetching
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._fetching = asyncio.create_task(self._source.fetch())
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                fetched = await asyncio.shield(task)
        except TimeoutError:
            what = f"What gives the key did not do so within {_PATIENCE_SECONDS:g} s."
            raise MissingKeyError(what, remedies=[Remedy(RemedyKind.SET_KEY)]) from None
        finally:
            self._waiting -= 1
            if not self._waiting:
                task.cancel()  # nobody wants it any more, if it has not ended
                self._fetching = None  # it holds the frames of what has failed
        self._take(fetched)

    async def fetch_again(self) -> bool:
        """Ask the source again, because a server has refused the key; whether it gives another one now.

        Raises:
            MissingKeyError: The source gives none.
        """
        before, self._expires_at = self._secret, None
        await self.fetch()
        return bool(self._secret) and self._secret != before

    def _take(self, fetched: FetchedKey) -> None:
        if fetched.secret != self._secret:
            self._former, self._secret = self._secret, fetched.secret
            self._redaction = None
        self._expires_at = fetched.expires_at

    def redaction(self) -> Redaction:
        """What takes the key, and the one before it, out of text."""
        if self._redaction is None:
            self._redaction = Redaction(self.reveal(), [Redaction(self._former.reveal())] if self._former else [])
        return self._redaction

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FetchedCredential) and self._source == other._source

    def __hash__(self) -> int:
        return hash(self._source)

    def __repr__(self) -> str:
        return repr(self._secret) if self._secret else "<a key that is fetched when it is needed>"
