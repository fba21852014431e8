"""A provider of batches for `FaultServer`: real files and batches, with no clock of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbstream.demo import Pace
from nbstream.demo.batch_service import BatchService
from nbstream.demo.errors import ApiError
from nbstream.testing.answers import Answer

if TYPE_CHECKING:
    from nbstream.testing.answers import Received

__all__ = ["ScriptedBatches"]


class ScriptedBatches:
    """Answers what is asked of `/files` and `/batches`; a batch moves on each time that its state is asked for.

    It is a responder, so a test can let it answer what the test itself does not.

    Args:
        step: How many requests of a batch are answered each time that its state is asked for.

    Attributes:
        service: The files and batches.
        step: As given; may be changed.
        submitted: The requests of every batch that was made, each as the line of its file.

    Example:
        >>> import openai
        >>> from nbstream.testing import FaultServer, ScriptedBatches
        >>> with FaultServer() as server:
        ...     server.respond(ScriptedBatches())
        ...     client = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)
        ...     body = {"model": "demo", "input": "Hi"}
        ...     line = {"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": body}
        ...     file = client.files.create(file=("in.jsonl", json.dumps(line).encode()), purpose="batch")
        ...     made = client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
        ...     [client.batches.retrieve(made.id).status for _ in range(4)]
        ['validating', 'in_progress', 'finalizing', 'completed']
    """

    def __init__(self, step: int = 1000) -> None:
        self.service = BatchService(Pace.parse("instant"))
        self.submitted: list[dict[str, Any]] = []
        self.step = step

    def __call__(self, received: Received) -> Answer:
        """Answer one request."""
        try:
            return self._answer(received)
        except ApiError as error:
            return _json(error.body(), error.status, error.headers)

    def _answer(self, received: Received) -> Answer:
        match [received.method, *received.path.split("/")[2:]]:
            case ["POST", "files"]:
                return _json(self._upload(received).present())
            case ["GET", "files", file_id, "content"]:
                return Answer(*self.service.files.get(file_id).chunks(), headers={"content-type": "application/binary"})
            case ["GET", "files", file_id]:
                return _json(self.service.files.get(file_id).present())
            case ["DELETE", "files", file_id]:
                return _json(self.service.files.drop(file_id))
            case ["POST", "batches"]:
                return self._create(received)
            case ["GET", "batches"]:
                query: dict[str, Any] = dict(received.query)
                return _json(self.service.listed(query | ({"limit": int(query["limit"])} if "limit" in query else {})))
            case ["GET", "batches", batch_id]:
                batch = self.service.get(batch_id)
                batch.asked()
                told = batch.present()
                batch.advance(self.step)
                return _json(told)
            case ["POST", "batches", batch_id, "cancel"]:
                batch = self.service.get(batch_id)
                batch.cancel()
                return _json(batch.present())
        raise ApiError(404, f"Invalid URL ({received.method} {received.path})", code="unknown_url")

    def _create(self, received: Received) -> Answer:
        batch = self.service.create(received.json)
        source = self.service.files.get(received.json["input_file_id"])
        for line in source.lines():
            try:
                self.submitted.append(json.loads(line))
            except ValueError:
                continue
        return _json(batch.present())

    def _upload(self, received: Received) -> Any:
        from tornado.httputil import HTTPFile, parse_body_arguments

        arguments: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        parse_body_arguments(received.headers.get("content-type", ""), received.body, arguments, files)
        sent = files["file"][0]
        return self.service.files.take(sent.filename, arguments["purpose"][0].decode(), sent.body)


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(value).encode()
    named = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    return Answer(body, status=status, headers=named)
