"""Makes the SDK's client for an endpoint, and says in words what keeps one from being made."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import ssl
from typing import TYPE_CHECKING, Any

import openai

from nbstream.errors import AuthenticationError, MissingKeyError, UnreachableError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.settings.capabilities import capabilities_of
from nbstream.text.address import query_of
from nbstream.transport.bounded_body import ENCODINGS, bound_refusal
from nbstream.transport.http_chunks import join_chunks
from nbstream.transport.http_key import PLACEHOLDER, forget_key, key_in_own_header, put_key, wants_own_header
from nbstream.transport.surroundings import header_obstacle, obstacle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nbstream.request import Endpoint
    from nbstream.transport.surroundings import Obstacle

__all__ = ["check_key", "new_client", "new_http_client", "trusted_by_default"]

_WITHOUT_KEY = (Remedy(RemedyKind.SET_KEY), Remedy(RemedyKind.NAME_SERVER), Remedy(RemedyKind.TRY_DEMO))

_ADDED = "nbstream.query"

# The SDK uses one of these, and looks into the other as soon as `sys.modules` has it, even while another thread is
# still importing it, as a cell may at any moment. So both are whole, if installed, before the SDK is used.
for _library in ("httpx", "httpx2"):
    with contextlib.suppress(Exception):  # what is broken there does not concern the SDK, unless it needs it
        importlib.import_module(_library)
_http_library = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])


def new_client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """A client that sends to this endpoint, with this key.

    Raises:
        StreamError: There is no key, or one that cannot be sent; or the environment keeps the client from being made.

    Example:
        ```python
        client = new_client(Endpoint("http://localhost:8000/v1"))
        ```
    """
    check_key(endpoint)
    if endpoint.environment_applies and (found := header_obstacle(os.environ)) is not None:
        raise _impossible(endpoint, found)
    http_client = new_http_client(endpoint)
    headers = _own_headers() if endpoint.environment_applies else _headers_against_environment()
    try:
        return openai.AsyncOpenAI(
            api_key=PLACEHOLDER,
            base_url=query_of(endpoint.base_url)[0],
            max_retries=0,
            http_client=http_client,
            default_headers={**headers, "Accept-Encoding": ENCODINGS},
        )
    except Exception as error:  # noqa: BLE001  each HTTP library has an error of its own for a name that no host has
        if not isinstance(error, ValueError) and type(error).__name__ != "InvalidURL":
            raise _impossible(endpoint, None, error) from None
        words = f"No connection to {endpoint.name} can be made: no host can have this name."
        raise UnreachableError(words, remedies=[Remedy(RemedyKind.CHECK_ADDRESS)]) from None


def new_http_client(endpoint: Endpoint) -> Any:
    """The HTTP library's client below it, which puts the key into each request that has the placeholder for one.

    Raises:
        StreamError: The environment keeps the client from being made.
    """
    base_url, query = query_of(endpoint.base_url)
    key = endpoint.api_key
    before_sending = [*([_adding(query)] if query else []), join_chunks, forget_key]
    if key is not None and wants_own_header(key, base_url):
        before_sending.append(key_in_own_header(key, base_url))
        key = None
    try:
        # A proxy for the outside world would look for a local server on its own machine.
        return openai.DefaultAsyncHttpxClient(
            trust_env=not endpoint.is_local,
            event_hooks={"request": before_sending, "response": [bound_refusal]},
            auth=None if key is None else functools.partial(put_key, key),
            verify=_trusted(endpoint),
        )
    except Exception as error:  # noqa: BLE001  files, addresses, missing packages: each library has errors of its own
        raise _impossible(endpoint, obstacle(os.environ), error) from None


def check_key(endpoint: Endpoint) -> None:
    """Raise where there is no key, or one that cannot be sent.

    Args:
        endpoint: Where it would be sent.

    Raises:
        StreamError: See above.
    """
    if not endpoint.sends_key and capabilities_of(endpoint.base_url).needs_key:
        raise MissingKeyError(f"No key for {endpoint.name}.", remedies=_WITHOUT_KEY)
    if endpoint.api_key is not None and not endpoint.api_key.can_be_sent:
        raise AuthenticationError(
            f"The key for {endpoint.name} holds a line break, an ellipsis, quotes or another character that no key "
            "has; nothing was sent.",
            remedies=[Remedy(RemedyKind.COPY_KEY)],
        )


def _adding(query: str) -> Callable[[Any], Awaitable[None]]:
    """Adds the query of a base URL to each request, as it is: the SDK would drop empty values and rename repeated ones.

    A redirection brings its own query, and shares its extensions with the request that it follows.
    """

    async def add(request: Any) -> None:
        if not request.extensions.setdefault(_ADDED, False):
            request.extensions[_ADDED] = True
            own = request.url.query.decode()
            request.url = request.url.copy_with(query=f"{query}&{own}".rstrip("&").encode())

    return add


def _impossible(endpoint: Endpoint, found: Obstacle | None, error: Exception | None = None) -> UnreachableError:
    what, remedies = found or (
        f"the HTTP library raised {type(error).__name__}; its own words may hold a secret",
        (Remedy(RemedyKind.CHECK_CONNECTION),),
    )
    return UnreachableError(f"No connection to {endpoint.name} can be made: {what}.", remedies=remedies)


def trusted_by_default() -> ssl.SSLContext:
    """The certificates that are trusted in this environment."""
    return _trusting("SSL_CERT_FILE", "SSL_CERT_DIR")


def _trusted(endpoint: Endpoint) -> ssl.SSLContext:
    """Which certificates are trusted: for a local server, the environment may name a file of them, but no folder."""
    if not endpoint.is_local:
        return trusted_by_default()
    return _trusting("SSL_CERT_FILE") if endpoint.base_url.startswith("https:") else _trusting()


def _trusting(*variables: str) -> ssl.SSLContext:
    named = [os.environ.get(name, "") if name in variables else "" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    return _read_certificates(*named, os.environ.get("SSLKEYLOGFILE", ""))


# For all clients, because it takes the loop some 20 ms, in which it would read no stream.
@functools.lru_cache(maxsize=8)
def _read_certificates(file: str, folder: str, _key_log: str) -> ssl.SSLContext:
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    context: ssl.SSLContext = _http_library.create_ssl_context(trust_env=False)
    return context


def _own_headers() -> dict[str, str]:
    """What the SDK would take from the environment as it is, without white space around it."""
    named = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
    given = {name: os.environ.get(variable, "") for name, variable in named.items()}
    return {name: value.strip() for name, value in given.items() if value != value.strip()}


def _headers_against_environment() -> dict[str, Any]:
    """Headers that withhold what the SDK takes from the environment when it is meant for another endpoint.

    `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` and `OPENAI_CUSTOM_HEADERS` may hold secrets of another server.
    """
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    custom = [line.partition(":")[0].strip() for line in lines if ":" in line]
    headers: dict[str, Any] = {name: openai.Omit() for name in ("OpenAI-Organization", "OpenAI-Project", *custom)}
    return headers | {name: f"Bearer {PLACEHOLDER}" for name in custom if name.lower() == "authorization"}
