"""The result of an MCP call, in what a model can be told: text, JSON, images. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.media import image_type
from nbstream.text.plain import encodable

if TYPE_CHECKING:
    import mcp_types

__all__ = ["Content", "content_of"]

_LARGEST_IMAGE = 20_000_000  # bytes


class Content(NamedTuple):
    """What a result holds.

    Attributes:
        text: What it says; what cannot be told is named.
        images: Its images, as the bytes of PNG, JPEG, GIF or WebP files.
    """

    text: str
    images: tuple[bytes, ...] = ()


def content_of(result: mcp_types.CallToolResult) -> Content:
    """What a result holds. Structured content is told unless the text says the same.

    Args:
        result: What the server sent.
    """
    texts: list[str] = []
    images: list[bytes] = []
    for block in result.content:
        if block.type == "image" and (image := _image(block.data)) is not None:
            images.append(image)
        else:
            texts.append(_told(block))
    structured = result.structured_content
    if structured is not None and not _says(texts, structured):
        texts.append(json.dumps(structured, ensure_ascii=False))
    return Content(encodable("\n".join(filter(None, texts))), tuple(images))


def _told(block: mcp_types.ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "resource_link":
            return f"[A resource: {block.name}, {block.uri}]"
        case "resource":
            resource = block.resource
            text = getattr(resource, "text", None)
            return text if isinstance(text, str) else f"[A resource that is no text: {resource.uri}]"
        case kind:
            return f"[{kind.capitalize()} that cannot be sent on: {getattr(block, 'mime_type', '?')}]"


def _image(data: str) -> bytes | None:
    """The image, whatever the server says that it is; nothing if it is of no usual kind."""
    if len(data) > _LARGEST_IMAGE * 4 // 3:
        return None
    try:
        image = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return image if image_type(image) else None


def _says(texts: list[str], structured: Any) -> bool:
    """Whether one of the texts is the structured content, which servers send twice for old clients."""
    said = [structured]
    if isinstance(structured, dict) and structured.keys() == {"result"}:  # as the SDK wraps what is no object
        said.append(structured["result"])
    if len(said) > 1 and isinstance(said[1], list) and len(said[1]) == len(texts):
        return True  # each element is a text
    return any(text == each or _json(text) == each for text in texts for each in said)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING


_NOTHING = object()
