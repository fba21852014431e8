"""Turns what the SDK raises into nbstream's errors: the only place that does.

The SDK's error is never chained: a traceback would print what the server said, and that may repeat the key.
"""

from __future__ import annotations

import contextlib
import email.utils
import math
import re
import time
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
from nbstream.transport.fields import error_in, failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbstream.request import StreamRequest

__all__ = ["retry_after", "translated"]


@contextlib.contextmanager
def translated(request: StreamRequest) -> Iterator[None]:
    """Turn errors of the SDK into nbstream's.

    Raises:
        StreamError: Whatever the SDK raised, in nbstream's words.
    """
    name = request.endpoint.name
    try:
        yield
    except openai.APIStatusError as error:
        raise _from_status(error, request) from None
    except openai.APITimeoutError:
        limit = request.limits.connect
        raise ConnectTimeoutError(
            f"No connection to {name} within {limit:g} s. Check the base URL and the network.", retryable=True
        ) from None
    except openai.APIConnectionError as error:
        raise _unreachable(error, request) from None
    except (openai.OpenAIError, TypeError, ValueError) as error:  # the latter two: a parameter that is not JSON
        raise RequestRejectedError(
            f"The request to {name} could not be made: {request.endpoint.redact(str(error))}"
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
        return max(0.0, date.timestamp() - (time.time() if now is None else now))
    return None


def _unreachable(error: openai.APIConnectionError, request: StreamRequest) -> UnreachableError:
    reason = str(error.__cause__ or error).rstrip(".") or type(error.__cause__).__name__
    name = request.endpoint.name
    advice = "Is the server running?" if request.endpoint.is_local else "Check the base URL and the network."
    return UnreachableError(f"No connection to {name} ({request.endpoint.redact(reason)}). {advice}", retryable=True)


def _from_status(error: openai.APIStatusError, request: StreamRequest) -> StreamError:
    endpoint, status = request.endpoint, error.status_code
    body = _error_body(error)
    reported = failed(error_in(body) or body, status)
    code = None if reported.code is None else endpoint.redact(reported.code)
    words = endpoint.redact(" ".join(reported.message.split()))[:300].rstrip(".")
    said = "" if reported.message == "no message" else f": {words}"
    headers = error.response.headers
    retryable = {"true": True, "false": False}.get(str(headers.get("x-should-retry")).lower(), reported.retryable)
    redirected = " The request was redirected on its way; check the base URL." if error.response.history else ""
    return error_class(reported.kind)(
        f"{endpoint.name} answered {status}{said}.{redirected} {_advice(reported.kind, code, request)}",
        status=status,
        code=code,
        retryable=retryable,
        retry_after=retry_after(headers),
    )


def _error_body(error: openai.APIStatusError) -> dict[str, Any]:
    """The body of an error status as an object, whatever it came as: JSON, an event stream, text."""
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


_ADVICE = {
    "quota": "Check your plan and billing.",
    "rate_limit": "Wait a little and run the cell again.",
    "context_length": "Shorten the prompt, lower --max-tokens, or take a model with a longer context.",
    "server": "The server has a problem; try again later.",
    "rejected": "Change the request (model, options, prompt).",
}


def _advice(kind: str, code: str | None, request: StreamRequest) -> str:
    if kind == "authentication":
        return _key_advice(request)
    return _not_found_advice(code, request) if kind == "not_found" else _ADVICE[kind]


def _key_advice(request: StreamRequest) -> str:
    if request.endpoint.api_key is None and request.client is None:
        return f"No key was sent. Set one with nbs.configure(base_url=…, api_key=…) for {request.endpoint.name}."
    return "Check the key (OPENAI_API_KEY or nbs.configure(api_key=…)) and that it belongs to this endpoint."


def _not_found_advice(code: str | None, request: StreamRequest) -> str:
    if request.position is not None:
        return "A background response can be taken up for some minutes only; run the cell again."
    if code == "model_not_found":
        return f"Check the model's name ({request.model})."
    if request.api == "responses" and not request.endpoint.is_openai:
        return "If this server has no /responses, use --api chat."
    return f"Check the model's name ({request.model}) and the base URL."
