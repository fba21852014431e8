"""The images of an answer as parts of a message, so that what is asked next can be about them. Pure."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from nbstream.media import image_type
from nbstream.parts import MediaPart

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["image_parts"]


def image_parts(answer: StreamResult | None) -> list[dict[str, Any]]:
    """The images that a model can be shown: those of the kinds that models take, and addresses.

    Example:
        >>> from nbstream.result import StreamResult
        >>> image_parts(StreamResult(parts=(MediaPart("image", url="https://a.example/cat.png"),)))
        [{'type': 'image_url', 'image_url': {'url': 'https://a.example/cat.png'}}]
    """
    parts = () if answer is None else answer.parts
    urls = (_url_of(part) for part in parts if isinstance(part, MediaPart) and part.kind == "image")
    return [{"type": "image_url", "image_url": {"url": url}} for url in urls if url]


def _url_of(image: MediaPart) -> str | None:
    if image.data:
        kind = None if image.partial else image_type(image.data)
        return kind and f"data:{kind};base64,{base64.b64encode(image.data).decode()}"
    return image.url if (image.url or "").startswith(("https://", "http://")) else None
