"""What a refusal leads to, by value."""

from __future__ import annotations

from typing import Any

import pytest

from nbstream.request import Position
from nbstream.settings.capabilities import Capabilities
from nbstream.transport.adaptation import adaptation

SOME = Capabilities()


def refusal_of(field: str) -> dict[str, Any]:
    return {"message": f"Unknown parameter: '{field}'.", "param": field, "code": "unknown_parameter"}


@pytest.mark.parametrize(
    ("field", "values", "again", "known"),
    [
        ("stream_options", {}, Capabilities(stream_options=False), SOME),
        ("max_tokens", {"max_tokens": 9}, Capabilities(limit_field="max_completion_tokens"), SOME),
        ("max_tokens", {}, None, SOME),
        ("max_tokens", {"max_tokens": 9, "params": {"max_tokens": 5}}, None, SOME),
        ("max_tokens", {"max_tokens": 9, "params": {"max_completion_tokens": 5}}, None, SOME),
        ("stream_options", {"params": {"stream_options": {}}}, None, SOME),
        ("stream_options", {"api": "responses"}, None, SOME),
        ("stream_options", {"position": Position("r", 1, None)}, None, SOME),
        ("response_format", {"params": {"response_format": {}}}, None, Capabilities(schemas=False)),
        ("text.format", {"params": {"text": {"verbosity": "low"}}}, None, Capabilities(schemas=False)),
        ("response_format", {}, None, SOME),
        ("seed", {"params": {"seed": 7}}, None, SOME),
    ],
)
def test_a_field_is_asked_for_otherwise_only_if_nbstream_chose_it(
    make_request, field: str, values: dict[str, Any], again: Capabilities | None, known: Capabilities
) -> None:
    assert adaptation(make_request(**values), SOME, refusal_of(field)) == (again, known)
