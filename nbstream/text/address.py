"""Addresses of servers as values: what one means, what may be shown of it, and whether two lead to the same server."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind

__all__ = [
    "JUPYTER",
    "Address",
    "address_from",
    "bare",
    "check_address",
    "query_of",
    "same_server",
    "secrets_of",
    "with_version",
]

JUPYTER = "jupyter"
"""Stands for the relay of the Jupyter server that the kernel belongs to."""

_Api: TypeAlias = Literal["chat", "responses"]

_OPERATIONS: dict[str, _Api] = {"/chat/completions": "chat", "/responses": "responses"}
_VERSION = re.compile(r"/v\d\w*(?:/|\Z)")
# What a query holds besides may be a key.
_HARMLESS = {"api-version"}
_SECRET_LENGTH = 16


class Address(NamedTuple):
    """What an address means.

    Attributes:
        base_url: The address that `/chat/completions` and `/responses` are below, with its query if it has one.
        api: The API whose own address was given, if it was that of one.
    """

    base_url: str
    api: _Api | None = None


def address_from(text: str, source: str = "the base URL") -> Address:
    r"""Read an address as people paste it: with white space around it, slashes or the path of one API at its end.

    Args:
        text: The address.
        source: What to call it where it is wrong.

    Raises:
        UsageError: It is not the address of a server, or holds a password.

    Example:
        >>> address_from("https://x.example/v1/chat/completions?api-version=1\n")
        Address(base_url='https://x.example/v1?api-version=1', api='chat')
        >>> address_from("https://x.example/v1//").base_url
        'https://x.example/v1'
    """
    text = text.strip()
    check_address(text, source)
    parts = urlsplit(text)
    path = parts.path.rstrip("/")
    for end, api in _OPERATIONS.items():
        if path.endswith(end):
            return Address(parts._replace(path=path.removesuffix(end), fragment="").geturl(), api)
    return Address(parts._replace(path=path).geturl() if parts.path.endswith("//") else text)


def query_of(address: str) -> tuple[str, str]:
    """The address without its query, and the query, which goes with every request.

    Example:
        >>> query_of("https://x.example/v1?api-version=preview")
        ('https://x.example/v1', 'api-version=preview')
    """
    parts = urlsplit(address)
    return parts._replace(query="", fragment="").geturl(), parts.query


def secrets_of(address: str) -> tuple[str, ...]:
    """What the query of an address holds that may be a key: its long values, except those that are known to be none.

    Example:
        >>> secrets_of("https://x.example/v1?key=0123456789abcdef&api-version=2025-04-01-preview&lang=en")
        ('0123456789abcdef',)
    """
    values = parse_qsl(urlsplit(address).query)
    return tuple(value for name, value in values if len(value) >= _SECRET_LENGTH and name not in _HARMLESS)


def bare(address: str) -> str:
    """The address without its possible secrets: a user name, a password, a fragment, most of a query.

    Args:
        address: Any text; what cannot be an address leaves nothing.

    Example:
        >>> bare("http://me:pw@localhost:8000/v1?key=x&api-version=1#y"), bare("http://[")
        ('http://localhost:8000/v1?api-version=1', '')
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # it has never led anywhere
        return ""
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name in _HARMLESS])
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def with_version(address: str) -> str | None:
    """Where the API may be instead, if the address names no version; most servers have theirs below `/v1`.

    Example:
        >>> with_version("http://localhost:11434/"), with_version("https://x.example/v1beta/openai")
        ('http://localhost:11434/v1', None)
    """
    parts = urlsplit(bare(address))
    path = parts.path.rstrip("/")
    return None if _VERSION.search(path) else parts._replace(path=f"{path}/v1").geturl()


def same_server(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port, whatever their paths.

    Example:
        >>> same_server("https://api.openai.com/v1", "https://api.openai.com/v2")
        True
    """
    try:
        return urlsplit(one.strip())[:2] == urlsplit(other.strip())[:2]
    except ValueError:  # one of them leads nowhere
        return False


def check_address(address: str, source: str = "the base URL") -> None:
    """Raise for what is not the address of a server. The value is not repeated: it may hold a password.

    Args:
        address: The address, without white space around it.
        source: What to call it.

    Raises:
        UsageError: It is not an address, or holds a password.
    """
    if any(character.isspace() or not character.isprintable() for character in address):
        raise UsageError(f"{source} contains a space, a line break or another character that no address has")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"{source} must look like http://host:port/v1; this one lacks http://, a host or a valid port")
    if parts.username or parts.password:
        raise UsageError(f"{source} contains a password", remedies=[Remedy(RemedyKind.SET_ENDPOINT_KEY)])
