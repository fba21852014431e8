"""What a model is told of the result of an MCP call."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from mcp_types import CallToolResult

from nbstream.tools.mcp_content import content_of

PNG = b"\x89PNG\r\n\x1a\n..."
TWO = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def image(data: bytes, kind: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "data": base64.b64encode(data).decode(), "mimeType": kind}


@pytest.mark.parametrize(
    ("content", "structured", "told", "images"),
    [
        ([text("Sunny")], None, "Sunny", ()),
        ([text("3")], {"result": 3}, "3", ()),
        ([text("Sunny")], {"result": "Sunny"}, "Sunny", ()),
        (TWO, {"result": ["a", "b"]}, "a\nb", ()),
        ([text('{"a": 1}')], {"a": 1}, '{"a": 1}', ()),
        ([text("One row")], {"rows": [{"a": 1}]}, 'One row\n{"rows": [{"a": 1}]}', ()),
        ([], {"a": "ö"}, '{"a": "ö"}', ()),
        ([], None, "", ()),
        ([text("A map"), image(PNG), text("of Oslo")], None, "A map\nof Oslo", (PNG,)),
        ([image(b"<svg>", "image/svg+xml")], None, "[Image that cannot be sent on: image/svg+xml]", ()),
        ([{**image(PNG), "data": "%"}], None, "[Image that cannot be sent on: image/png]", ()),
        (
            [{**image(PNG), "type": "audio", "mimeType": "audio/wav"}],
            None,
            "[Audio that cannot be sent on: audio/wav]",
            (),
        ),
        ([{"type": "resource_link", "name": "n", "uri": "file:///x"}], None, "[A resource: n, file:///x]", ()),
        ([{"type": "resource", "resource": {"uri": "file:///x", "text": "inside"}}], None, "inside", ()),
        (
            [{"type": "resource", "resource": {"uri": "file:///x", "blob": "AA=="}}],
            None,
            "[A resource that is no text: file:///x]",
            (),
        ),
    ],
)
def test_a_result_is_told(content: Any, structured: Any, told: str, images: tuple[bytes, ...]) -> None:
    result = CallToolResult.model_validate({"content": content, "structuredContent": structured})
    assert content_of(result) == (told, images)
