"""Addresses of servers as values: what may be shown or saved of one, and whether two lead to the same server."""

from __future__ import annotations

from urllib.parse import urlsplit

from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind

__all__ = ["bare", "check_address", "same_server"]


def bare(address: str) -> str:
    """The address without its possible secrets: a user name, a password, a query, a fragment.

    Args:
        address: Any text; what cannot be an address leaves nothing.

    Example:
        >>> bare("http://me:pw@localhost:8000/v1?key=x#y"), bare("http://[")
        ('http://localhost:8000/v1', '')
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # it has never led anywhere
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def same_server(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port, whatever their paths.

    Example:
        >>> same_server("https://api.openai.com/v1", "https://api.openai.com/v2")
        True
    """
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def check_address(address: str) -> None:
    """Raise for what is not the address of a server. The value is not repeated: it may hold a password.

    Raises:
        UsageError: It is not an address, or holds a password.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            "the base URL must look like http://host:port/v1; this one lacks http://, a host or a valid port"
        )
    if parts.username or parts.password:
        raise UsageError("the base URL holds a password", remedies=[Remedy(RemedyKind.SET_ENDPOINT_KEY)])
