"""How a server is told to hold an answer to a schema: by the schema, by asking for JSON, or by words. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbstream.request import StreamRequest
    from nbstream.settings.capabilities import Capabilities
    from nbstream.structured.schema import AnswerSchema

__all__ = ["answer_format", "response_text", "system_of"]


def answer_format(schema: AnswerSchema, capabilities: Capabilities) -> dict[str, Any] | None:
    """The `response_format` of a Chat Completions request, if there is to be one."""
    match capabilities.answer_format:
        case "json_schema":
            return {"type": "json_schema", "json_schema": _described(schema)}
        case "json_object":
            return {"type": "json_object"}
    return None


def response_text(schema: AnswerSchema, capabilities: Capabilities) -> dict[str, Any] | None:
    """The `text` of a Responses request, if there is to be one."""
    match capabilities.answer_format:
        case "json_schema":
            return {"format": {"type": "json_schema", **_described(schema)}}
        case "json_object":
            return {"format": {"type": "json_object"}}
    return None


def system_of(request: StreamRequest, capabilities: Capabilities) -> str | None:
    """The system prompt, with the schema where the server is not told of it otherwise."""
    if request.schema is None or capabilities.answer_format == "json_schema":
        return request.system
    words = f"Answer with JSON that fits this schema, and nothing else:\n{json.dumps(request.schema.schema)}"
    return f"{request.system}\n\n{words}" if request.system else words


def _described(schema: AnswerSchema) -> dict[str, Any]:
    return {"name": schema.name, "schema": schema.schema, "strict": schema.strict}
