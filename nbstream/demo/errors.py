"""Refusals in the shape of OpenAI's error body. Knows no HTTP server: a status, a body and headers to send."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class ApiError(Exception):
    """A request that is refused: what the HTTP answer says, field by field as OpenAI says it."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def invalid_key() -> ApiError:
    """The refusal of a missing or wrong key. It never repeats the key it was sent."""
    return ApiError(
        401,
        "Incorrect API key provided. The demo server takes only the key it made for itself: use model='demo'.",
        code="invalid_api_key",
    )


def host_not_allowed() -> ApiError:
    """The refusal of a request under any other name than this machine's own."""
    return ApiError(403, "The demo server answers to 127.0.0.1 and localhost only.", code="host_not_allowed")


def too_large(most: int) -> ApiError:
    """The refusal of a body of more bytes."""
    return ApiError(413, f"The request is larger than {most} bytes.", code="request_too_large")


def unknown_model(model: str) -> ApiError:
    """The refusal of every model but the demo."""
    return ApiError(404, f"The model `{model}` does not exist: this server has only `demo`.", code="model_not_found")


def rate_limited(retry_after: float) -> ApiError:
    """The answer of the `rate_limit` fault."""
    return ApiError(
        429,
        "Rate limit reached: the request asked the demo model to simulate this.",
        kind="requests",
        code="rate_limit_exceeded",
        headers=_wait(retry_after),
    )


def overloaded(retry_after: float) -> ApiError:
    """The answer of the `overloaded` fault."""
    return ApiError(
        503,
        "The server is overloaded: the request asked the demo model to simulate this.",
        kind="service_unavailable_error",
        code="server_is_overloaded",
        headers=_wait(retry_after),
    )


def _wait(seconds: float) -> dict[str, str]:
    """The headers that ask for a pause. HTTP's own knows whole seconds only; OpenAI's counts milliseconds."""
    headers = {"Retry-After": str(math.ceil(seconds))}
    return headers if seconds.is_integer() else headers | {"retry-after-ms": str(round(seconds * 1000))}


def unknown_response(response_id: str) -> ApiError:
    """The refusal of a response that was never made, not stored, or is no longer kept."""
    return ApiError(404, f"Response with id '{response_id}' not found.")


def server_failed() -> ApiError:
    """The answer of the `error` fault, inside a stream or instead of a whole answer."""
    return ApiError(
        500,
        "The server had an error: the request asked the demo model to simulate this.",
        kind="server_error",
        code="server_error",
    )


def unknown_file(file_id: str) -> ApiError:
    """The refusal of a file that was never uploaded, was deleted, or is no longer kept."""
    return ApiError(404, f"No such File object: {file_id}", param="id")


def unknown_batch(batch_id: str) -> ApiError:
    """The refusal of a batch that was never made, or is no longer kept."""
    return ApiError(404, f"No batch found with id '{batch_id}'.")
