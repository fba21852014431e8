"""What every path shares: what is noted of a request, how an answer in JSON and a refusal look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError, RequestHandler

from nbstream.demo.errors import ApiError
from nbstream.demo.fields import noun
from nbstream.demo.handlers.admission import own_headers
from nbstream.demo.record import RequestRecord
from nbstream.demo.wire import dump

if TYPE_CHECKING:
    from collections import deque
    from types import TracebackType

    from nbstream.demo.record import End


class ApiHandler(RequestHandler):
    """What every path shares."""

    record: RequestRecord | None = None

    def initialize(self, *, records: deque[RequestRecord]) -> None:
        """Take what the application shares with its handlers."""
        self._records = records

    def set_default_headers(self) -> None:
        """Headers of every answer."""
        for name, value in own_headers().items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Note the request, which has been let in."""
        self.record = RequestRecord(self.request.path)
        self._records.append(self.record)

    def json_object(self) -> dict[str, Any]:
        """What the body says.

        Raises:
            ApiError: It is something else than a JSON object.
        """
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "We could not parse the JSON body of your request.") from error
        if not isinstance(body, dict):
            raise ApiError(400, f"The body of a request is an object, but got {noun(body)} instead.")
        return body

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
        """Refuse."""
        super().prepare()
        path = f"{self.request.method} {self.request.path}"
        self.refuse(ApiError(404, f"Invalid URL ({path})", code="unknown_url"))
