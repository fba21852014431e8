"""The images of an answer as parts of a message, so that what is asked next can be about them. Pure."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from nbstream.media import image_type
from nbstream.parts import MediaPart

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["image_parts", "images_to_send"]


def images_to_send(answer: StreamResult | None) -> list[MediaPart]:
    """The images of an answer that a model can be shown: those of the kinds that models take, and addresses."""
    parts = () if answer is None else answer.parts
    images = (part for part in parts if isinstance(part, MediaPart) and part.kind == "image" and not part.partial)
    return [each for each in images if (image_type(each.data) if each.data else _is_elsewhere(each))]


def image_parts(answer: StreamResult | None) -> list[dict[str, Any]]:
    """The same as parts of a message.

    Example:
        >>> from nbstream.result import StreamResult
        >>> image_parts(StreamResult(parts=(MediaPart("image", url="https://a.example/cat.png"),)))
        [{'type': 'image_url', 'image_url': {'url': 'https://a.example/cat.png'}}]
    """
    return [{"type": "image_url", "image_url": {"url": _url_of(image)}} for image in images_to_send(answer)]


def _is_elsewhere(image: MediaPart) -> bool:
    return (image.url or "").startswith(("https://", "http://"))


def _url_of(image: MediaPart) -> str | None:
    if not image.data:
        return image.url
    return f"data:{image_type(image.data)};base64,{base64.b64encode(image.data).decode()}"
