"""What every path shares: who may ask, what is noted of it, how an answer in JSON and a refusal look."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError, RequestHandler

from nbstream.demo.errors import ApiError, invalid_key
from nbstream.demo.record import RequestRecord
from nbstream.demo.wire import dump

if TYPE_CHECKING:
    from collections import deque
    from types import TracebackType

    from nbstream.demo.record import End

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
LARGEST_BODY = 4 * 1024 * 1024


class ApiHandler(RequestHandler):
    """What every path shares: who may ask, and how a refusal looks."""

    record: RequestRecord | None = None

    def initialize(self, *, api_key: str, records: deque[RequestRecord]) -> None:
        """Take what the application shares with its handlers."""
        self._api_key = api_key
        self._records = records

    def set_default_headers(self) -> None:
        """Headers of every answer, refusals included."""
        self.set_header("Server", "nbstream-demo")
        self.set_header("x-request-id", f"req_demo_{secrets.token_hex(12)}")

    def prepare(self) -> None:
        """Let in only this machine's programs that know the key, with a body of sane size."""
        try:
            self._check_caller()
        except ApiError as error:
            self.refuse(error)
            return
        self.record = RequestRecord(self.request.path)
        self._records.append(self.record)
        if len(self.request.body) > LARGEST_BODY:
            self.refuse(ApiError(413, f"The request is larger than {LARGEST_BODY} bytes.", code="request_too_large"))

    def _check_caller(self) -> None:
        # A web page can point its own host name at 127.0.0.1 and then talk to this port; the name gives it away.
        if self.request.host_name not in LOOPBACK_NAMES:
            raise ApiError(403, "The demo server answers to 127.0.0.1 and localhost only.", code="host_not_allowed")
        scheme, _, key = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._api_key.encode()):
            raise invalid_key()

    def refuse(self, error: ApiError) -> None:
        """Answer with an error."""
        self.set_status(error.status)
        for name, value in error.headers.items():
            self.set_header(name, value)
        self.finish_json(error.body())

    def finish_json(self, value: object) -> None:
        """Answer with JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(dump(value))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Give what tornado itself refuses (such as a wrong method) OpenAI's shape too."""
        kind = "server_error" if status_code >= 500 else "invalid_request_error"
        self.finish_json(ApiError(status_code, f"{self._reason} ({self.request.method})", kind).body())

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log the demo's own failures only; the client's are told to the client."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)

    def on_finish(self) -> None:
        """Note that the answer is out."""
        self.end_record("finished")

    def on_connection_close(self) -> None:
        """Note that the client has left."""
        self.end_record("client_closed")

    def end_record(self, state: End) -> None:
        """Note the end of the request."""
        if self.record is not None:
            self.record.end(state)


class UnknownPathHandler(ApiHandler):
    """Every path that the demo does not have."""

    def prepare(self) -> None:
        """Refuse, after the same checks as everywhere."""
        super().prepare()
        if not self._finished:
            path = f"{self.request.method} {self.request.path}"
            self.refuse(ApiError(404, f"Invalid URL ({path})", code="unknown_url"))
