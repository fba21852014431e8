"""Turns what the SDK raises into nbstream's errors: the only place that does.

The SDK's error is never chained: a traceback would print what the server said, and that may repeat the key.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import math
import os
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import openai

from nbstream.errors import (
    ConnectTimeoutError,
    RequestRejectedError,
    StreamError,
    UnreachableError,
    error_class,
    program_ending,
)
from nbstream.events import Failed
from nbstream.remedies import Remedy, RemedyKind
from nbstream.settings.credential import Credential
from nbstream.text.secret import Secret
from nbstream.transport.error_document import document_of
from nbstream.transport.error_kind import failed
from nbstream.transport.refusal import Refusal
from nbstream.transport.server_words import ServerWords, shortened
from nbstream.transport.surroundings import certificate_variable, obstacle, proxy_variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbstream.request import Endpoint, Target
    from nbstream.transport.error_document import ErrorDocument

__all__ = ["as_sent", "retry_after", "status_error", "translated"]


@contextlib.contextmanager
def translated(target: Target) -> Iterator[None]:
    """Turn errors of the SDK into nbstream's.

    Raises:
        StreamError: Whatever the SDK raised, in nbstream's words.
    """
    name = target.endpoint.name
    try:
        yield
    except openai.APIStatusError as error:
        raise _from_status(error, target) from None
    except openai.APITimeoutError:
        limit = target.limits.connect
        raise ConnectTimeoutError(
            f"No connection to {name} within {limit:g} s.",
            remedies=[Remedy(RemedyKind.CHECK_CONNECTION)],
            retryable=True,
        ) from None
    except openai.APIConnectionError as error:
        raise _unreachable(error, target) from None
    except (ExceptionGroup, OverflowError) as error:
        raise _impossible(error, target) from None
    except (openai.OpenAIError, TypeError, ValueError) as error:  # the latter two: a parameter that is not JSON
        raise RequestRejectedError(
            f"The request to {name} could not be made: {target.endpoint.redact(str(error)).rstrip('.')}."
        ) from None


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a server asks to wait, from `retry-after-ms` or `Retry-After`; `None` if it does not say.

    Source: RFC 9110, section 10.2.3 (seconds or an HTTP date); the header in milliseconds is OpenAI's.

    Args:
        headers: The response's headers, by lower-case name or case-insensitive.
        now: The time of day, in seconds since 1970; by default the machine's.

    Example:
        >>> retry_after({"retry-after": "2"}), retry_after({"retry-after-ms": "250"}), retry_after({})
        (2.0, 0.25, None)
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with contextlib.suppress(TypeError, ValueError):
            seconds = float(headers.get(name) or "none") / unit
            if math.isfinite(seconds) and seconds >= 0:
                return seconds
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        date = email.utils.parsedate_to_datetime(headers.get("retry-after") or "")
        if date.tzinfo is None:  # the oldest of the three forms names no zone and means this one
            date = date.replace(tzinfo=dt.UTC)
        return max(0.0, date.timestamp() - (time.time() if now is None else now))
    return None


def _unreachable(error: openai.APIConnectionError, target: Target) -> UnreachableError:
    if isinstance(error.__cause__, ExceptionGroup | OverflowError):
        return _impossible(error.__cause__, target)
    name, cause = target.endpoint.name, type(error.__cause__).__name__
    if cause == "RuntimeError" and (ending := program_ending(name)) is not None:
        return ending
    if cause == "TooManyRedirects":
        return UnreachableError(f"{name} redirects in a circle.", remedies=[Remedy(RemedyKind.CHECK_ADDRESS)])
    tls = next((each for each in _causes(error) if isinstance(each, ssl.SSLError)), None)
    local = target.endpoint.is_local
    if isinstance(tls, ssl.SSLCertVerificationError):
        why = target.endpoint.redact(tls.verify_message).rstrip(".") or "it cannot be verified"
        variable = None if local else certificate_variable(os.environ)
        remedy = Remedy(RemedyKind.CHECK_VARIABLE, variable) if variable else Remedy(RemedyKind.CHECK_CERTIFICATE)
        return UnreachableError(f"The certificate of {name} is not accepted: {why}.", remedies=[remedy])
    if tls is not None and tls.reason in _NO_TLS:
        return UnreachableError(
            f"{name} does not speak TLS, which https:// asks for.", remedies=[Remedy(RemedyKind.CHECK_ADDRESS)]
        )
    reason = str(error.__cause__ or error).rstrip(".") or "it broke off"
    what = f"No connection to {name} ({target.endpoint.redact(reason)})."
    remedies = [Remedy(RemedyKind.START_SERVER if local else RemedyKind.CHECK_CONNECTION)]
    if not local and (variable := proxy_variable(os.environ, urlsplit(target.endpoint.base_url).scheme)):
        remedies.append(Remedy(RemedyKind.CHECK_VARIABLE, variable))
    return UnreachableError(what, remedies=remedies, retryable=True)


def _impossible(error: Exception, target: Target) -> UnreachableError:
    """For what the HTTP library raises if a port is none."""
    found = None if target.endpoint.is_local else obstacle(os.environ)
    what = found.happened if found else f"the HTTP library raised {type(error).__name__}"
    remedies = found.remedies if found else (Remedy(RemedyKind.CHECK_CONNECTION),)
    return UnreachableError(f"No connection to {target.endpoint.name} can be made: {what}.", remedies=remedies)


# What OpenSSL calls an answer that is none of TLS.
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The errors behind an error, which libraries wrap several times."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _from_status(error: openai.APIStatusError, target: Target) -> StreamError:
    endpoint, response = as_sent(target.endpoint, error.request), error.response
    return status_error(
        target, error.status_code, document_of(error), response.headers, endpoint, redirected=bool(response.history)
    )


def status_error(
    target: Target,
    status: int,
    body: ErrorDocument,
    headers: Mapping[str, str],
    endpoint: Endpoint | None = None,
    *,
    redirected: bool = False,
) -> StreamError:
    """The error that an answer with an error status stands for.

    Args:
        target: Who was asked.
        status: The status.
        body: What the answer says.
        headers: Its headers, by lower-case name or case-insensitive.
        endpoint: Who was asked, with the key that was really sent.
        redirected: Whether the request was sent on by another server.
    """
    endpoint = endpoint or target.endpoint
    server = ServerWords(endpoint)
    reported = server.cleaned(failed(body.error, status, retry_after(headers)))
    assert isinstance(reported, Failed)
    refusal = Refusal(target, reported, body.page, status)
    said = "" if reported.message == "no message" else f": {shortened(reported.message, 300)}"
    retryable = {"true": True, "false": False}.get(str(headers.get("x-should-retry")).lower(), reported.retryable)
    remedies = refusal.remedies(retryable=retryable)
    if redirected:
        remedies = tuple(dict.fromkeys([Remedy(RemedyKind.CHECK_ADDRESS), *remedies]))
    told = " The request was redirected." if redirected else ""
    return error_class(refusal.kind)(
        f"{endpoint.name} answered {status}{said}.{told}{refusal.explanation(server.clean)}",
        remedies=remedies,
        status=status,
        code=reported.code,
        retryable=retryable,
        retry_after=retry_after(headers) if reported.retry_after is None else reported.retry_after,
        request_id=server.header(headers, "x-request-id"),
    )


def as_sent(endpoint: Endpoint, sent: Any) -> Endpoint:
    """The endpoint with the key that was really sent: the user's own client may have got it elsewhere."""
    headers = getattr(sent, "headers", None) or {}
    given = (headers.get(name) for name in ("authorization", "api-key", "x-api-key"))
    key = next((str(value).removeprefix("Bearer ").strip() for value in given if value), "")
    return replace(endpoint, api_key=Credential(Secret(key), "client")) if key and not endpoint.sends_key else endpoint
