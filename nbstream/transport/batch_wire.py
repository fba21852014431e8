"""The shapes of batches on the wire: lines of requests, lines of answers, the state of a batch. Pure.

Source: the OpenAI API reference, "Batch", and its guide "Batch API".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jiter

from nbstream.transport.fields import objects, text_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import Api

__all__ = [
    "ENDPOINTS",
    "LARGEST_FILE",
    "MOST_REQUESTS",
    "AnswerLine",
    "BatchState",
    "answer_line",
    "batch_state",
    "custom_id_in",
    "request_line",
]

MOST_REQUESTS = 50_000
"""How many requests one batch may have."""

LARGEST_FILE = 200_000_000
"""How many bytes the file of one batch may have."""

ENDPOINTS: Mapping[Api, str] = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}

_ENDED = {"completed", "failed", "expired", "cancelled"}
_OK = 200
_BEGINNING = 4096


@dataclass(frozen=True, slots=True)
class BatchState:
    """A batch, as its provider describes it.

    Attributes:
        id: Its id.
        status: `validating`, `in_progress`, `finalizing`, `cancelling`; or how it ended: `completed`, `failed`,
            `expired`, `cancelled`. Other servers may have other words.
        total: How many requests it has, as far as the provider has counted.
        completed: How many are answered.
        failed: How many have failed.
        input_file_id: Where its requests are.
        output_file_id: Where the answers are, if there are any.
        error_file_id: Where the failures are, if there are any.
        errors: Why it failed as a whole, a line each.
        metadata: What its maker attached to it.
        created_at: When it was made, in seconds since 1970.
    """

    id: str
    status: str
    total: int = 0
    completed: int = 0
    failed: int = 0
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will change."""
        return self.status in _ENDED

    @property
    def files(self) -> tuple[str, ...]:
        """The files of answers and failures that there are."""
        return tuple(each for each in (self.output_file_id, self.error_file_id) if each)


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One line of an output file or an error file.

    Attributes:
        custom_id: Which request it answers.
        status: The HTTP status of the answer; `None` if the request was not executed.
        request_id: What the provider calls the request.
        body: The body of the answer, or of the refusal.
        code: Why the request was not executed, in the provider's word, such as `batch_expired`.
        message: The same, as a sentence.
    """

    custom_id: str
    status: int | None = None
    request_id: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    code: str | None = None
    message: str | None = None

    @property
    def is_answer(self) -> bool:
        """Whether it holds an answer."""
        return self.status == _OK


def request_line(custom_id: str, api: Api, body: Mapping[str, Any]) -> bytes:
    r"""A line of an input file.

    Args:
        custom_id: What the answer is told apart by.
        api: Which API is asked.
        body: The body of the request.

    Example:
        >>> request_line("7", "responses", {"model": "m"})
        b'{"custom_id":"7","method":"POST","url":"/v1/responses","body":{"model":"m"}}\n'
    """
    told = {"custom_id": custom_id, "method": "POST", "url": ENDPOINTS[api], "body": body}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def answer_line(line: bytes) -> AnswerLine | None:
    """Read a line of an output file or an error file; `None` if it is cut, or is something else.

    Args:
        line: It, without its end.
    """
    try:
        told = jiter.from_json(line)
    except ValueError:
        return None
    if not isinstance(told, dict) or not (custom_id := text_or_none(told.get("custom_id"))):
        return None
    response, error = told.get("response"), told.get("error")
    if isinstance(response, dict) and type(response.get("status_code")) is int:
        body = response.get("body")
        return AnswerLine(
            custom_id,
            response["status_code"],
            text_or_none(response.get("request_id")),
            body if isinstance(body, dict) else {"error": {"message": str(body or "")}},
        )
    if isinstance(error, dict):
        code, message = text_or_none(error.get("code")), text_or_none(error.get("message"))
        return AnswerLine(custom_id, code=code or "unknown", message=message)
    return None


def custom_id_in(line: bytes) -> str | None:
    """Which request a damaged line answers, if its beginning still says so.

    Args:
        line: The line.

    Example:
        >>> custom_id_in(b'{"id":"batch_req_1","custom_id":"r7","response":{"status_co')
        'r7'
    """
    try:
        told = jiter.from_json(line[:_BEGINNING], partial_mode=True)
    except ValueError:
        return None
    return text_or_none(told.get("custom_id")) if isinstance(told, dict) else None


def batch_state(told: Any) -> BatchState | None:
    """Read a batch object; `None` if it is something else."""
    if not isinstance(told, dict) or not (batch_id := text_or_none(told.get("id"))):
        return None
    if not (status := text_or_none(told.get("status"))):
        return None
    counts = told.get("request_counts")
    errors, metadata = told.get("errors"), told.get("metadata")
    return BatchState(
        batch_id,
        status,
        total=_count(counts, "total"),
        completed=_count(counts, "completed"),
        failed=_count(counts, "failed"),
        input_file_id=text_or_none(told.get("input_file_id")),
        output_file_id=text_or_none(told.get("output_file_id")),
        error_file_id=text_or_none(told.get("error_file_id")),
        errors=tuple(map(_complaint, objects(errors.get("data")))) if isinstance(errors, dict) else (),
        metadata={str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, dict) else {},
        created_at=float(made) if isinstance(made := told.get("created_at"), int | float) else None,
    )


def _count(counts: Any, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if type(value) is int and value >= 0 else 0


def _complaint(told: Mapping[str, Any]) -> str:
    words = text_or_none(told.get("message")) or text_or_none(told.get("code")) or "no reason given"
    line = told.get("line")
    return f"line {line}: {words}" if type(line) is int else words
