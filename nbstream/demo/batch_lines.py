"""The lines of a batch: checked before it begins, and answered one by one. Knows no HTTP, and not when."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbstream.demo.chat_completions import ChatCompletion
from nbstream.demo.errors import ApiError, server_failed
from nbstream.demo.responses import Response
from nbstream.demo.script import Script
from nbstream.demo.wire import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.demo.pace import Pace
    from nbstream.demo.wire import Answer

__all__ = ["ENDPOINTS", "Checked", "answered", "checked", "unanswered"]

ENDPOINTS: Mapping[str, type[Answer]] = {"/v1/chat/completions": ChatCompletion, "/v1/responses": Response}

MOST_LINES = 50_000
MOST_COMPLAINTS = 100

_WHY = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed, because the batch was cancelled."),
}


@dataclass(slots=True)
class Checked:
    """What validation finds.

    Attributes:
        count: How many requests there are.
        first: The body of the first.
        errors: What is wrong, line by line, as `errors.data` of a batch has it.
    """

    count: int = 0
    first: Mapping[str, Any] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


def checked(lines: Iterable[bytes], endpoint: str) -> Checked:
    """Look at every line; the errors come in the order of the lines.

    Args:
        lines: Of the input file.
        endpoint: What all of them must ask for.
    """
    found, seen = Checked(), set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found.count += 1
        told = _parsed(line)
        wrong = _wrong(told, endpoint)
        if wrong is None and told["custom_id"] in seen:
            wrong = ("duplicate_custom_id", "The custom_id for this request is not unique in the file.", "custom_id")
        if wrong is None:
            seen.add(told["custom_id"])
            found.first = found.first or told["body"]
        elif len(found.errors) < MOST_COMPLAINTS:
            found.errors.append(_complaint(*wrong, line=number))
    if not found.count:
        found.errors.append(_complaint("empty_file", "The input file is empty."))
    if found.count > MOST_LINES:
        found.errors.append(_complaint("too_many_tasks", f"The batch has more than {MOST_LINES} requests."))
    return found


def answered(line: bytes, endpoint: str, pace: Pace, *, fails: bool = False) -> tuple[bool, dict[str, Any]]:
    """Answer one line.

    Args:
        line: Of the input file, which has been checked.
        endpoint: What it asks for.
        pace: The server's own, which a batch does not keep.
        fails: Whether the model is to fail.

    Returns:
        Whether it went well, and the line for the output file or the error file.
    """
    told = json.loads(line)
    try:
        if fails:
            raise server_failed()
        status, body = 200, _answer(told["body"], ENDPOINTS[endpoint], pace)
    except ApiError as error:
        status, body = error.status, error.body()
    response = {"status_code": status, "request_id": f"req_demo_{secrets.token_hex(12)}", "body": body}
    return status == 200, _result(told["custom_id"], response, None)


def unanswered(line: bytes, why: str) -> dict[str, Any]:
    """The line of the error file for a request that was not executed.

    Args:
        line: Of the input file.
        why: `"expired"` or `"cancelled"`.
    """
    code, message = _WHY[why]
    return _result(json.loads(line)["custom_id"], None, {"code": code, "message": message})


def _result(custom_id: str, response: object, error: object) -> dict[str, Any]:
    told = {"id": f"batch_req_demo_{secrets.token_hex(12)}", "custom_id": custom_id}
    return {**told, "response": response, "error": error}


def _answer(body: dict[str, Any], shapes: type[Answer], pace: Pace) -> dict[str, Any]:
    order = shapes.read(body, pace)
    if order.stream:
        raise ApiError(400, "'stream' is not supported in a batch.", param="stream", code="unsupported_parameter")
    if order.background:
        raise ApiError(400, "'background' is not supported in a batch.", param="background")
    if order.fault is not None:  # there is no connection to strike, so each of them is a failure
        raise order.fault.refusal() or server_failed()
    return shapes(order, Script.of(order)).whole()


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _wrong(told: Any, endpoint: str) -> tuple[str, str, str | None] | None:
    if not isinstance(told, dict):
        return "invalid_json_line", "This line is not parseable as valid JSON.", None
    if not isinstance(told.get("custom_id"), str) or not told["custom_id"]:
        return "missing_required_parameter", "The custom_id of this request is missing.", "custom_id"
    if told.get("method") != "POST":
        return "invalid_method", "The method of this request is not POST.", "method"
    if told.get("url") != endpoint:
        return "mismatched_endpoint", f"The url of this request is not {endpoint}, the endpoint of the batch.", "url"
    if not isinstance(told.get("body"), dict):
        return "invalid_request", "The body of this request is not an object.", "body"
    return None


def _complaint(code: str, message: str, param: str | None = None, line: int | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param, "line": line}


def as_line(told: Mapping[str, Any]) -> bytes:
    """A line of an output file."""
    return dump(told) + b"\n"
