"""Turns what the SDK raises into nbstream's errors: the only place that does.

The SDK's error is never chained: a traceback would print what the server said, and that may repeat the key.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import math
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jiter
import openai

from nbstream.errors import (
    ConnectTimeoutError,
    RequestRejectedError,
    StreamError,
    UnreachableError,
    error_class,
)
from nbstream.remedies import Remedy, RemedyKind
from nbstream.request import StreamRequest
from nbstream.settings.capabilities import capabilities_of
from nbstream.settings.credential import Credential
from nbstream.text.secret import Secret
from nbstream.transport.fields import error_in, failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbstream.request import Endpoint, Target

__all__ = ["as_sent", "error_body", "retry_after", "translated"]


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
    name, cause = target.endpoint.name, type(error.__cause__).__name__
    if cause == "TooManyRedirects":
        return UnreachableError(f"{name} redirects in a circle.", remedies=[Remedy(RemedyKind.CHECK_ADDRESS)])
    reason = str(error.__cause__ or error).rstrip(".") or "it was broken off"
    remedy = Remedy(RemedyKind.START_SERVER if target.endpoint.is_local else RemedyKind.CHECK_CONNECTION)
    what = f"No connection to {name} ({target.endpoint.redact(reason)})."
    return UnreachableError(what, remedies=[remedy], retryable=True)


def _from_status(error: openai.APIStatusError, target: Target) -> StreamError:
    endpoint, status = as_sent(target.endpoint, error.request), error.status_code
    reported = failed(error_body(error), status)
    code = None if reported.code is None else endpoint.redact(reported.code)
    words = endpoint.redact(" ".join(reported.message.split()))[:300].rstrip(".")
    said = "" if reported.message == "no message" else f": {words}"
    headers = error.response.headers
    wait = retry_after(headers)
    retryable = {"true": True, "false": False}.get(str(headers.get("x-should-retry")).lower(), reported.retryable)
    remedies = _remedies(reported.kind, code, target, wait, retryable=retryable)
    redirected, means = "", _explanation(reported.kind, code, target)
    if error.response.history:
        redirected = " The request was redirected."
        remedies = tuple(dict.fromkeys([Remedy(RemedyKind.CHECK_ADDRESS), *remedies]))
    return error_class(reported.kind)(
        f"{endpoint.name} answered {status}{said}.{redirected}{means}",
        remedies=remedies,
        status=status,
        code=code,
        retryable=retryable,
        retry_after=wait,
        request_id=headers.get("x-request-id"),
    )


def as_sent(endpoint: Endpoint, sent: Any) -> Endpoint:
    """The endpoint with the key that was really sent: the user's own client may have got it elsewhere."""
    headers = getattr(sent, "headers", None) or {}
    key = str(headers.get("authorization") or "").removeprefix("Bearer ").strip()
    return (
        replace(endpoint, api_key=Credential(Secret(key), "client")) if key and endpoint.api_key is None else endpoint
    )


def error_body(error: openai.APIStatusError) -> dict[str, Any]:
    """The error object of an error status, whatever its body came as: JSON, an event stream, text."""
    body = _body(error)
    return error_in(body) or body


def _body(error: openai.APIStatusError) -> dict[str, Any]:
    if isinstance(error.body, dict):
        return error.body
    text = error.body if isinstance(error.body, str) else ""
    for line in re.split(r"[\r\n]+", text):
        if line.startswith("data:"):
            with contextlib.suppress(ValueError):
                payload = jiter.from_json(line.removeprefix("data:").encode())
                if isinstance(payload, dict):
                    return payload
    return {} if text.lstrip().startswith("<") else {"message": text}


_REMEDIES: Mapping[str, tuple[RemedyKind, ...]] = {
    "quota": (RemedyKind.CHECK_BILLING,),
    "rate_limit": (RemedyKind.WAIT,),
    "context_length": (RemedyKind.SHORTEN_PROMPT, RemedyKind.LOWER_TOKEN_LIMIT, RemedyKind.LONGER_CONTEXT),
    "server": (RemedyKind.RETRY_LATER,),
    "rejected": (RemedyKind.CHANGE_REQUEST,),
}


def _remedies(
    kind: str, code: str | None, target: Target, wait: float | None, *, retryable: bool
) -> tuple[Remedy, ...]:
    """What can be done about an error status."""
    if kind == "rate_limit" and wait:
        return (Remedy(RemedyKind.WAIT, wait),)
    if code == "previous_response_not_found":
        return (Remedy(RemedyKind.SEND_HISTORY),)
    if kind == "rejected" and retryable:
        return (Remedy(RemedyKind.RETRY_LATER),)
    if kind == "authentication":
        return (Remedy(RemedyKind.SET_ENDPOINT_KEY if _sends_no_key(target) else RemedyKind.CHECK_KEY),)
    if kind != "not_found":
        return tuple(map(Remedy, _REMEDIES[kind]))
    if _is_resumed(target):
        return ()
    if code == "model_not_found":
        return (Remedy(RemedyKind.CHECK_MODEL, target.model),)
    if _may_lack_responses(target):
        return (Remedy(RemedyKind.USE_API, "chat"),)
    return (Remedy(RemedyKind.CHECK_MODEL, target.model), Remedy(RemedyKind.CHECK_ADDRESS))


def _explanation(kind: str, code: str | None, target: Target) -> str:
    """What an error status means, where its words do not say so."""
    if code == "previous_response_not_found":
        return " The server no longer keeps what was said before."
    if kind == "server":
        return " The server has a problem."
    if kind == "authentication" and _sends_no_key(target):
        return " No key was sent."
    if kind == "not_found" and _is_resumed(target):
        return " A background response can be resumed for only a few minutes."
    if kind == "not_found" and code != "model_not_found" and _may_lack_responses(target):
        return " It may have no /responses."
    return ""


def _sends_no_key(target: Target) -> bool:
    return target.endpoint.api_key is None and target.client is None


def _is_resumed(target: Target) -> bool:
    return isinstance(target, StreamRequest) and target.position is not None


def _may_lack_responses(target: Target) -> bool:
    return target.api == "responses" and capabilities_of(target.endpoint.base_url).default_api != "responses"
