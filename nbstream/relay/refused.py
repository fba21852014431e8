"""What the relay says when it does not answer, in the form in which OpenAI's API reports errors. Pure."""

from __future__ import annotations

import json
import math

__all__ = ["Refused"]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}


class Refused(Exception):  # noqa: N818  it is an answer, and no fault of the program
    """A request that is not answered.

    Args:
        status: The HTTP status.
        message: What happened, for whoever asked. It holds no key and nothing of what was asked.
        code: A stable word for programs.
        kind: What OpenAI calls the `type` of an error; by default that of the status.
        param: The field of the request that it is about.
        wait: Seconds after which the same request may be answered.
        retry: Whether to send it again; `None` leaves that to the status.

    Example:
        >>> Refused(404, "No such model.", "model_not_found").document()
        b'{"error": {"message": "No such model.", "type": "invalid_request_error", "code": "model_not_found"}}'
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        kind: str | None = None,
        param: str | None = None,
        wait: float | None = None,
        retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self._kind = kind or _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        self._param = param
        self._wait = wait
        self._retry = retry

    def document(self) -> bytes:
        """The body of the response."""
        about = {} if self._param is None else {"param": self._param}
        return json.dumps({"error": {"message": self.message, "type": self._kind, "code": self.code, **about}}).encode()

    def headers(self) -> dict[str, str]:
        """The headers of the response."""
        headers = {"Content-Type": "application/json"}
        if self._wait is not None:
            headers["Retry-After"] = str(math.ceil(self._wait))
        if self._retry is not None:
            headers["x-should-retry"] = str(self._retry).lower()
        return headers
