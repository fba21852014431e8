"""The demo's HTTP side: routes, keys, refusals, streams written at a pace. The only module that imports tornado early.

It knows an answer by `wire.Answer` alone, and nothing of either API's shapes.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler

from nbstream.demo.chat_completions import ChatCompletion
from nbstream.demo.errors import ApiError, invalid_key, rate_limited, server_failed, unknown_model
from nbstream.demo.record import RequestRecord
from nbstream.demo.request import MODEL, noun
from nbstream.demo.responses import Response
from nbstream.demo.script import Script
from nbstream.demo.wire import dump

if TYPE_CHECKING:
    from collections import deque
    from types import TracebackType

    from tornado.http1connection import HTTP1Connection

    from nbstream.demo.pace import Pace
    from nbstream.demo.record import End
    from nbstream.demo.request import Order
    from nbstream.demo.wire import Answer

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
LARGEST_BODY = 4 * 1024 * 1024

# Where the faults that need a begun answer strike, unless the answer is too short for it.
TOKENS_BEFORE_FAULT = 40


def application(*, api_key: str, pace: Pace, records: deque[RequestRecord]) -> Application:
    """The demo's routes. Every request that may speak to the server leaves a record in `records`."""
    shared = {"api_key": api_key, "records": records}
    return Application(
        [
            (r"/v1/chat/completions", AnswerHandler, {**shared, "answer": ChatCompletion, "pace": pace}),
            (r"/v1/responses", AnswerHandler, {**shared, "answer": Response, "pace": pace}),
            (r"/v1/models", ModelsHandler, shared),
            (r"/v1/models/([^/]+)", ModelHandler, shared),
        ],
        default_handler_class=UnknownPathHandler,
        default_handler_args=shared,
        log_function=lambda handler: None,  # noqa: ARG005 - tornado's signature; a notebook wants no access log
    )


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
        self._end("finished")

    def on_connection_close(self) -> None:
        """Note that the client has left."""
        self._end("client_closed")

    def _end(self, state: End) -> None:
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


def model_object() -> dict[str, Any]:
    """The demo as the models API describes it."""
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": "nbstream"}


class ModelsHandler(ApiHandler):
    """The list of models."""

    def get(self) -> None:
        """List the one there is."""
        self.finish_json({"object": "list", "data": [model_object()]})


class ModelHandler(ApiHandler):
    """One model."""

    def get(self, model: str) -> None:
        """Describe the demo, and nothing else."""
        if model == MODEL:
            self.finish_json(model_object())
        else:
            self.refuse(unknown_model(model))


class AnswerHandler(ApiHandler):
    """A question answered in one API's shapes, streamed or whole."""

    _work: asyncio.Future[None] | None = None

    def initialize(  # type: ignore[override]  # tornado calls it with this route's own arguments
        self,
        *,
        answer: type[Answer],
        pace: Pace,
        api_key: str,
        records: deque[RequestRecord],
    ) -> None:
        """Take the API's shapes and the server's pace."""
        super().initialize(api_key=api_key, records=records)
        self._answer = answer
        self._pace = pace

    async def post(self) -> None:
        """Answer. The work is a task of its own, for a client that leaves ends it wherever it waits."""
        self._work = asyncio.ensure_future(self._respond())
        try:
            with suppress(asyncio.CancelledError, StreamClosedError):
                await self._work
        except ApiError as error:
            self.refuse(error)

    def on_connection_close(self) -> None:
        """Stop generating."""
        super().on_connection_close()
        if self._work is not None:
            self._work.cancel()

    async def _respond(self) -> None:
        order = self._read()
        if order.fault == "rate_limit":
            raise rate_limited()
        script = Script.of(order)
        answer = self._answer(order, script)
        if order.stream:
            await self._stream(order, script, answer)
        else:
            await self._whole(order, script, answer)

    def _read(self) -> Order:
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "We could not parse the JSON body of your request.") from error
        if not isinstance(body, dict):
            raise ApiError(400, f"The body of a request is an object, but got {noun(body)} instead.")
        order = self._answer.read(body, self._pace)
        if self.record is not None:
            self.record.model, self.record.stream = MODEL, order.stream
        return order

    async def _stream(self, order: Order, script: Script, answer: Answer) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        # Without this the kernel holds small writes back until the client acknowledges the one before.
        cast("HTTP1Connection", self.request.connection).stream.set_nodelay(True)
        self.write(answer.opening())
        await self.flush()
        pieces = script.pieces if order.fault is None else script.pieces[: _fault_position(script)]
        async for batch in order.pace.batches(pieces):
            self.write(b"".join(map(answer.delta, batch)))
            await self.flush()
        if order.fault is None:
            self.finish(answer.closing())
        elif order.fault == "error":
            self.finish(answer.failure())
        else:
            await self._fall_silent(order)

    async def _whole(self, order: Order, script: Script, answer: Answer) -> None:
        await asyncio.sleep(order.pace.due(len(script.pieces)))
        if order.fault is None:
            self.finish_json(answer.whole())
        elif order.fault == "error":
            raise server_failed()
        else:
            await self._fall_silent(order)

    async def _fall_silent(self, order: Order) -> None:
        if order.fault == "cut":
            self._end("finished")
            self.detach().close()
        else:
            await asyncio.get_running_loop().create_future()  # until the client or the server closes the connection


def _fault_position(script: Script) -> int:
    return min(TOKENS_BEFORE_FAULT, len(script.pieces) // 2)
