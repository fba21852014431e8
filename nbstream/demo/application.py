"""The demo's routes: which path is answered by which handler, with what of the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado.web import Application

from nbstream.demo.chat_completions import ChatCompletion
from nbstream.demo.handlers.admission import Admission
from nbstream.demo.handlers.answer import AnswerHandler
from nbstream.demo.handlers.api import UnknownPathHandler
from nbstream.demo.handlers.batches import BatchesHandler, BatchHandler, CancelBatchHandler
from nbstream.demo.handlers.files import ContentHandler, FileHandler, FilesHandler
from nbstream.demo.handlers.models import ModelHandler, ModelsHandler
from nbstream.demo.handlers.moderations import ModerationsHandler
from nbstream.demo.handlers.responses import ResponsesHandler
from nbstream.demo.handlers.stored_responses import CancelHandler, RetrieveHandler
from nbstream.demo.handlers.token_counts import TokenCountHandler
from nbstream.demo.responses import Response
from nbstream.demo.tally import Tally

if TYPE_CHECKING:
    from collections import deque

    from nbstream.demo.pace import Pace
    from nbstream.demo.record import RequestRecord
    from nbstream.demo.response_store import ResponseStore
    from nbstream.demo.running_batches import RunningBatches


def application(
    *,
    api_key: str,
    pace: Pace,
    records: deque[RequestRecord],
    store: ResponseStore,
    batches: RunningBatches,
) -> Admission:
    """The demo's routes, for those who have the key. Each of their requests leaves a record in `records`."""
    shared = {"records": records}
    answering = {**shared, "pace": pace, "tally": Tally()}
    stored = {**shared, "store": store}
    filed = {**shared, "files": batches.service.files}
    batched = {**shared, "batches": batches}
    routes = Application(
        [
            (r"/v1/chat/completions", AnswerHandler, {**answering, "answer": ChatCompletion}),
            (r"/v1/responses", ResponsesHandler, {**answering, "answer": Response, "store": store}),
            (r"/v1/responses/input_tokens", TokenCountHandler, {**answering, "answer": Response}),
            (r"/v1/responses/([^/]+)", RetrieveHandler, stored),
            (r"/v1/responses/([^/]+)/cancel", CancelHandler, stored),
            (r"/v1/files", FilesHandler, filed),
            (r"/v1/files/([^/]+)", FileHandler, filed),
            (r"/v1/files/([^/]+)/content", ContentHandler, filed),
            (r"/v1/batches", BatchesHandler, batched),
            (r"/v1/batches/([^/]+)", BatchHandler, batched),
            (r"/v1/batches/([^/]+)/cancel", CancelBatchHandler, batched),
            (r"/v1/moderations", ModerationsHandler, shared),
            (r"/v1/models", ModelsHandler, shared),
            (r"/v1/models/([^/]+)", ModelHandler, shared),
        ],
        default_handler_class=UnknownPathHandler,
        default_handler_args=shared,
        log_function=lambda handler: None,  # noqa: ARG005 - tornado's signature; a notebook wants no access log
    )
    return Admission(routes, api_key, records)
