"""Finds the environment variable that keeps an HTTP client from being made.

The HTTP library says at most "No such file", without a name. So when it has failed, each variable is tried alone.
"""

from __future__ import annotations

import pathlib
import re
import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import openai

from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Obstacle", "certificate_variable", "header_obstacle", "heeded", "obstacle", "proxy_variable"]

# As the HTTP library goes by them: the first that is set.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_NAMED_IN_HEADERS = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
_CUSTOM_HEADERS = "OPENAI_CUSTOM_HEADERS"
_FILES = {*_CERTIFICATES, "SSLKEYLOGFILE"}
_HEADERS = {*_NAMED_IN_HEADERS, _CUSTOM_HEADERS}
# What the HTTP library takes for the port or the path of an address, and does not understand there.
_NO_HOST_NAME = re.compile(r"[\[\]/:]")


class Obstacle(NamedTuple):
    """What is wrong with one variable.

    Attributes:
        happened: What is wrong, without a capital or a full stop. Values that may be secret are not in it.
        remedies: What can be done.
    """

    happened: str
    remedies: tuple[Remedy, ...]


def obstacle(environment: Mapping[str, str]) -> Obstacle | None:
    """What keeps a client from being made that heeds the environment; `None` if that is not a variable.

    Example:
        >>> obstacle({"SSL_CERT_FILE": "/none"}).happened
        'SSL_CERT_FILE names /none, which does not exist'
    """
    return next(_obstacles(environment), None)


def heeded(environment: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """The variables that decide how a client is made: where they have changed, it takes another one."""
    names = [name for name in environment if name in _FILES or name in _HEADERS or name.lower().endswith("_proxy")]
    return frozenset((name, environment[name]) for name in names)


def header_obstacle(environment: Mapping[str, str]) -> Obstacle | None:
    r"""The variable that the SDK would make a header of which cannot be sent.

    Example:
        >>> header_obstacle({"OPENAI_ORG_ID": "org-1\norg-2"}).remedies[0].value
        'OPENAI_ORG_ID'
    """
    headers = [(name, environment.get(name, "").strip()) for name in _NAMED_IN_HEADERS]
    for line in environment.get(_CUSTOM_HEADERS, "").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers += [(_CUSTOM_HEADERS, value.strip())]
            if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name.strip(), re.ASCII):
                return Obstacle(f"{_CUSTOM_HEADERS} names a header that cannot be sent", _correct(_CUSTOM_HEADERS))
    for variable, value in headers:
        if not (value.isascii() and value.isprintable()):
            return Obstacle(f"{variable} holds a character that cannot be sent in a header", _correct(variable))
    return None


def proxy_variable(environment: Mapping[str, str], scheme: str) -> str | None:
    """The variable that names the proxy for addresses of this scheme, if one does.

    Example:
        >>> proxy_variable({"https_proxy": "http://proxy:3128"}, "https")
        'https_proxy'
    """
    return next((name for wanted in (scheme, "all") if (name := _variable(environment, f"{wanted}_proxy"))), None)


def certificate_variable(environment: Mapping[str, str]) -> str | None:
    """The variable that says which certificates to trust, if one does."""
    return next((name for name in _CERTIFICATES if environment.get(name)), None)


def _obstacles(environment: Mapping[str, str]) -> Iterator[Obstacle]:
    if path := environment.get("SSL_CERT_FILE"):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except (OSError, ValueError) as error:
            yield _of_file("SSL_CERT_FILE", path, error)
    if path := environment.get("SSLKEYLOGFILE"):  # Python opens it whenever it makes a context
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = path
        except (OSError, ValueError) as error:
            yield _of_file("SSLKEYLOGFILE", path, error)
    for scheme in ("http", "https", "all"):
        if variable := _variable(environment, f"{scheme}_proxy"):
            yield from _of_proxy(variable, environment[variable].strip())
    if variable := _variable(environment, "no_proxy"):
        entries = [entry.strip() for entry in environment[variable].split(",")]
        odd = ", ".join(entry for entry in entries if _NO_HOST_NAME.search(entry))
        what = f"holds {plain(odd)}, which" if odd else "holds something that"
        yield Obstacle(f"{variable} {what} this version of the HTTP library does not understand", _correct(variable))


def _of_file(variable: str, path: str, error: Exception) -> Obstacle:
    file = pathlib.Path(path)
    if variable == "SSLKEYLOGFILE":
        why = "cannot be written"
    elif file.is_dir():
        why = "is a folder, not a file"
    elif not file.exists():
        why = "does not exist"
    else:
        why = "holds no certificates" if isinstance(error, ssl.SSLError) else "cannot be read"
    return Obstacle(f"{variable} names {plain(path)}, which {why}", _correct(variable))


def _of_proxy(variable: str, address: str) -> Iterator[Obstacle]:
    """The address may hold a password, so it is not repeated."""
    address = address if "://" in address else f"http://{address}"
    try:
        _ = urlsplit(address).port  # which the HTTP library looks at only when it connects
        openai.DefaultAsyncHttpxClient(trust_env=False, proxy=address)
    except ImportError:
        what = f"{variable} names a SOCKS proxy, which needs the package socksio, and that is not installed"
        yield Obstacle(what, (Remedy(RemedyKind.INSTALL, "socksio"), *_correct(variable)))
    except Exception:  # noqa: BLE001  each HTTP library has errors of its own for what is no address
        yield Obstacle(f"{variable} does not hold the address of a proxy, such as http://host:port", _correct(variable))


def _variable(environment: Mapping[str, str], name: str) -> str | None:
    """The variable of this name in lower or upper case; the former counts if there are both."""
    found = [each for each in environment if each.lower() == name and environment[each].strip()]
    return name if name in found else next(iter(found), None)


def _correct(variable: str) -> tuple[Remedy, ...]:
    return (Remedy(RemedyKind.CHECK_VARIABLE, variable),)
