"""Which field a server refuses, in the words that servers use."""

from __future__ import annotations

from typing import Any

import pytest

from nbstream.transport.refusals import mentioned, refused

SENT = ("max_tokens", "stream_options")

# (who says it, the error object, the field)
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    (
        "OpenAI and Azure, a newer model",
        {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "type": "invalid_request_error",
            "param": "max_tokens",
            "code": "unsupported_parameter",
        },
        "max_tokens",
    ),
    (
        "a gateway that keeps only the words",
        {"message": "AzureException - Unsupported parameter: 'max_tokens' is not supported with this model. Use 'x'."},
        "max_tokens",
    ),
    (
        "OpenAI, an unknown field",
        {"message": "Unknown parameter: 'stream_options'.", "param": "stream_options", "code": "unknown_parameter"},
        "stream_options",
    ),
    (
        "OpenAI, before",
        {"message": "Unrecognized request argument supplied: stream_options", "param": None, "code": None},
        "stream_options",
    ),
    (
        "vLLM",
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), "
            "'msg': 'Extra inputs are not permitted', 'input': {}}]",
            "param": None,
            "code": 400,
        },
        "stream_options",
    ),
    (
        "FastAPI",
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Extra inputs not permitted"}]},
        "max_tokens",
    ),
    (
        "FastAPI, before",
        {"detail": [{"loc": ["body", "max_tokens"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
        "max_tokens",
    ),
    (
        "a list within a message",
        {"message": {"detail": [{"loc": ["body", "max_tokens"], "msg": "Unexpected"}]}},
        "max_tokens",
    ),
    ("Go", {"message": 'json: unknown field "stream_options"'}, "stream_options"),
    ("Google", {"message": 'Unknown name "stream_options": Cannot find field.'}, "stream_options"),
    ("JSON Schema", {"message": "Additional properties are not allowed ('max_tokens' was unexpected)"}, "max_tokens"),
    (
        "a part of the field",
        {
            "message": "Unknown parameter: 'stream_options.include_usage'.",
            "param": "stream_options.include_usage",
            "code": "unknown_parameter",
        },
        "stream_options",
    ),
]

VALUES: list[tuple[str, dict[str, Any]]] = [
    (
        "too large",
        {
            "message": "max_tokens is too large: 99999. This model supports at most 4096.",
            "param": "max_tokens",
            "code": "invalid_value",
        },
    ),
    (
        "above the maximum",
        {
            "message": "The parameter `max_tokens` is not valid: integer above maximum value",
            "param": "max_tokens",
            "code": "InvalidParameter",
        },
    ),
    ("in words only", {"message": "Unsupported value: 'max_tokens' does not support 0 with this model."}),
    ("by code only", {"message": "max_tokens: 0 is not supported", "param": "max_tokens", "code": "unsupported_value"}),
    ("another field", {"message": "Unknown parameter: 'seed'.", "param": "seed", "code": "unknown_parameter"}),
    ("another field, beside ours", {"message": "Unknown parameter: 'seed'. There are: model, messages, max_tokens."}),
    ("another field that begins like ours", {"message": "Unknown parameter: 'max_tokens_per_doc'"}),
    (
        "the prompt that repeats it",
        {"detail": [{"loc": ["body", "model"], "msg": "Unknown model", "input": {"max_tokens": 5}}]},
    ),
    ("nothing", {}),
    ("no words", {"message": None, "detail": 5}),
]


@pytest.mark.parametrize(("error", "field"), [pytest.param(*rest, id=who) for who, *rest in REFUSALS])
def test_a_refused_field_is_found(error: dict[str, Any], field: str) -> None:
    assert refused(error, SENT) == field
    assert mentioned(error, [field]) == field


@pytest.mark.parametrize("error", [pytest.param(error, id=what) for what, error in VALUES])
def test_a_refused_value_is_no_refused_field(error: dict[str, Any]) -> None:
    assert refused(error, SENT) is None


def test_only_fields_that_were_sent_are_looked_for() -> None:
    assert refused(REFUSALS[0][1], ["max_completion_tokens"]) is None


def test_a_mention_needs_no_verdict_but_what_was_sent_is_none() -> None:
    assert mentioned({"message": "stream_options needs version 2024-09-01"}, SENT) == "stream_options"
    assert mentioned({"message": "No.", "param": "stream_options"}, SENT) == "stream_options"
    assert mentioned({"detail": [{"msg": "Bad", "input": {"stream_options": {}}}]}, SENT) is None


def test_a_schema_that_is_wrong_is_no_refusal_of_schemas() -> None:
    message = "Invalid schema for response_format 'answer': 'minLength' is not permitted."
    assert refused({"message": message, "param": "response_format", "code": None}, ["response_format"]) is None
    assert refused({"message": "response_format of type 'json_schema' is not supported"}, ["response_format"])
