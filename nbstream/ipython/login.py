"""`%stream_login`: a key is entered where nobody sees it, and kept in memory, or in the system's keyring if asked."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from IPython.core.error import StdinNotImplementedError
from IPython.core.error import UsageError as IPythonUsageError

from nbstream.errors import StreamError, UsageError
from nbstream.settings.config import settings
from nbstream.settings.key_sources import KeyringKey
from nbstream.settings.key_store import server_of
from nbstream.settings.target import current_address
from nbstream.text.address import JUPYTER, address_from
from nbstream.text.place import Place
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    import argparse

    from nbstream.settings.key_store import KeyStore

__all__ = ["log_in"]


def log_in(options: argparse.Namespace) -> None:
    """Do what a line of `%stream_login` asks for.

    Args:
        options: `base_url`, `keep` and `forget`.

    Raises:
        IPython.core.error.UsageError: Nobody can be asked, or the keyring does not take the key.
    """
    try:
        said = _logged_in(settings().key_store, _server(options.base_url), keep=options.keep, forget=options.forget)
    except (UsageError, StreamError) as error:
        raise IPythonUsageError(error.told(Place.CELL)) from None
    sys.stdout.write(f"{said}\n")


def _server(base_url: str | None) -> str:
    address = current_address(settings(), base_url)
    if address == JUPYTER:
        raise UsageError("the relay has the key, so there is none to enter")
    return server_of(address_from(address).base_url)


def _logged_in(store: KeyStore, server: str, *, keep: bool, forget: bool) -> str:
    """Ask, or forget; returns what there is to say."""
    host, ring = urlsplit(server).netloc, KeyringKey(server)
    if forget:
        store.enter(server, None)
        if keep:
            ring.write(None)
        return f"The key for {host} is forgotten{' here and in the keyring' if keep else ''}."
    key = _entered(host)
    if not key:
        return "Nothing was entered, so nothing has changed."
    if keep:
        ring.write(key)
    store.enter(server, key)
    kept = "in the system's keyring" if keep else "in this kernel's memory, until it ends"
    return f"The key for {host} is kept {kept}."


def _entered(host: str) -> Secret:
    try:
        return Secret(getpass.getpass(f"Key for {host}: "))
    except (StdinNotImplementedError, EOFError, OSError):
        raise UsageError("a key cannot be entered here, because nobody can be asked") from None
