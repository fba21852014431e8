"""Who may ask, and how much at once: decided when the headers are in, before anything of a body is kept."""

from __future__ import annotations

import hmac
import secrets
from http.client import responses
from typing import TYPE_CHECKING

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
    split_host_and_port,
)

from nbstream.demo.batch_service import LARGEST_FILE
from nbstream.demo.errors import ApiError, host_not_allowed, invalid_key, too_large
from nbstream.demo.record import RequestRecord
from nbstream.demo.wire import dump

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable

    from tornado.httputil import HTTPConnection

__all__ = ["Admission", "own_headers"]

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
LARGEST_BODY = 4 * 1024 * 1024
FILES = "/v1/files"


def most(start_line: RequestStartLine) -> int:
    """How many bytes the body of a request may have: a file, and the words around it, more than a question."""
    return LARGEST_FILE + LARGEST_BODY if start_line.path.partition("?")[0] == FILES else LARGEST_BODY


def own_headers() -> dict[str, str]:
    """Headers of every answer, refusals included."""
    return {"Server": "nbstream-demo", "x-request-id": f"req_demo_{secrets.token_hex(12)}"}


class Admission(HTTPServerConnectionDelegate):
    """Lets only this machine's programs that know the key through to the routes, with bodies of sane size.

    Args:
        routes: What answers.
        api_key: The key.
        records: Takes a record of a request that had the key and was too large.
    """

    def __init__(self, routes: HTTPServerConnectionDelegate, api_key: str, records: deque[RequestRecord]) -> None:
        self._routes = routes
        self._api_key = api_key
        self._records = records

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Take one request."""
        return _Admitted(self, self._routes.start_request(server_conn, request_conn), request_conn)

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection has closed."""
        self._routes.on_close(server_conn)

    def check(self, start_line: RequestStartLine, headers: HTTPHeaders) -> None:
        """Look at what the headers say.

        Raises:
            ApiError: The request is refused.
        """
        # A web page can point its own host name at 127.0.0.1 and then talk to this port; the name gives it away.
        name, _ = split_host_and_port(headers.get("Host", LOOPBACK_NAMES[0]).lower())
        if name not in LOOPBACK_NAMES:
            raise host_not_allowed()
        scheme, _, key = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._api_key.encode()):
            raise invalid_key()
        length = headers.get("Content-Length", "0").split(",")[0].strip()
        if not length.isdecimal() or int(length) > most(start_line):
            raise self.oversized(start_line)

    def oversized(self, start_line: RequestStartLine) -> ApiError:
        """The refusal of a body that is too large, which leaves a record."""
        record = RequestRecord(start_line.path.partition("?")[0])
        self._records.append(record)
        record.end("finished")
        return too_large(most(start_line))


class _Admitted(HTTPMessageDelegate):
    """One request, handed on until it is refused."""

    def __init__(self, admission: Admission, inner: HTTPMessageDelegate, connection: HTTPConnection) -> None:
        self._admission = admission
        self._inner = inner
        self._connection = connection
        self._start_line = RequestStartLine("", "", "")
        self._size = 0
        self._refused = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)  # a server hears of no other
        self._start_line = start_line
        try:
            self._admission.check(start_line, headers)
        except ApiError as error:
            self._refuse(error)
            if "Expect" in headers:  # its body is only sent if it is asked for
                self._connection.finish()
            return None
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._refused:
            return None  # read and forgotten: a client that is cut off in its body never sees the refusal
        self._size += len(chunk)
        if self._size <= most(self._start_line):
            return self._inner.data_received(chunk)
        self._inner.on_connection_close()
        self._refuse(self._admission.oversized(self._start_line))
        return None

    def finish(self) -> None:
        if self._refused:
            self._connection.finish()
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if not self._refused:
            self._inner.on_connection_close()

    def _refuse(self, error: ApiError) -> None:
        """Answer at once; the client may still be sending."""
        self._refused = True
        body = dump(error.body())
        named = {**own_headers(), "Content-Type": "application/json", "Content-Length": str(len(body))}
        headers = HTTPHeaders({**named, **error.headers})
        line = ResponseStartLine("HTTP/1.1", error.status, responses[error.status])
        self._connection.write_headers(line, headers, b"" if self._start_line.method == "HEAD" else body)
