"""The content parts that images and files are sent as, and how they are recognised again in a message. Pure.

An image is an `image_url` part, a PDF a `file` part. A text file is a text part of a certain form, which every model
reads. All are in the form of Chat Completions; `transport` puts them into the form of Responses.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "TextFile",
    "embedded_image",
    "image_part",
    "is_words",
    "one_line",
    "pdf_part",
    "text_file_in",
    "text_part",
    "uploaded",
]

_IMAGE = re.compile(r"data:(image/[\w.+-]+);base64,[A-Za-z0-9+/=\s]+\Z")
_UPLOADED = re.compile(r"file[-_][A-Za-z0-9_-]{6,80}")
_REFUSED_IMAGES = {"image/heic": "HEIC", "image/heif": "HEIC", "image/avif": "AVIF"}
_FILE = re.compile(r"File (?P<name>[^\n]*):\n\n(?P<fence>`{3,})\n(?P<text>.*)\n(?P=fence)\Z", re.DOTALL)
_LONGEST_FILE, _LARGEST_IMAGE, _LONGEST_NAME = 1_000_000, 20_000_000, 200


class TextFile(NamedTuple):
    """A text file in a message."""

    name: str
    text: str


def uploaded(given: Any) -> bool:
    """Whether something is the id of a file that the provider has, and no file here.

    Example:
        >>> uploaded("file-abc123"), uploaded("file.png"), uploaded(b"file-abc123")
        (True, False, False)
    """
    return isinstance(given, str) and _UPLOADED.fullmatch(given) is not None and not Path(given).exists()


def one_line(name: str) -> str:
    """A name as it is sent and shown: one line, not too long."""
    return " ".join(name.split())[:_LONGEST_NAME]


def embedded_image(url: str) -> str | None:
    """The media type of an image that is in its address, as a data URL; `None` if it is elsewhere or no image.

    Example:
        >>> embedded_image("data:image/png;base64,iVBORw0KGgo=")
        'image/png'
    """
    within = _IMAGE.match(url)
    return within[1].lower() if within else None


def image_part(url: str, name: str) -> dict[str, Any]:
    """An image that is in its address.

    Args:
        url: A data URL.
        name: What messages call it.

    Raises:
        UsageError: It is no image, of a kind that models do not take, or too large.
    """
    if not (media_type := embedded_image(url)):
        raise UsageError(f"{name} is not an image")
    if kind := _REFUSED_IMAGES.get(media_type):
        raise UsageError(f"{name} is in {kind} format, which models do not accept; convert it to JPEG or PNG")
    if len(url) > _LARGEST_IMAGE:
        raise UsageError(f"{name} is too large; images can be up to {_LARGEST_IMAGE * 3 // 4_000_000} MB")
    return {"type": "image_url", "image_url": {"url": url}}


def text_part(name: str, text: str) -> dict[str, Any]:
    r"""A text file.

    Raises:
        UsageError: It is too long.

    Example:
        >>> text_part("a.txt", "x")["text"]
        'File a.txt:\n\n```\nx\n```'
    """
    if len(text) > _LONGEST_FILE:
        raise UsageError(f"{name} is too long; text files can have up to {_LONGEST_FILE:,} characters")
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return {"type": "text", "text": f"File {name}:\n\n{fence}\n{text}\n{fence}"}


def pdf_part(name: str, data: bytes) -> dict[str, Any]:
    """A PDF, which the server reads.

    Example:
        >>> pdf_part("a.pdf", b"%PDF-1.7")["file"]["filename"]
        'a.pdf'
    """
    url = f"data:application/pdf;base64,{base64.b64encode(data).decode()}"
    return {"type": "file", "file": {"filename": name, "file_data": url}}


def text_file_in(part: Mapping[str, Any]) -> TextFile | None:
    """The text file that a part is, if it is one."""
    if part.get("type") == "text" and (file := _FILE.match(str(part.get("text")))):
        return TextFile(file["name"], file["text"])
    return None


def is_words(part: Mapping[str, Any]) -> bool:
    """Whether a part is what somebody wrote, and no file."""
    return part.get("type") == "text" and isinstance(part.get("text"), str) and text_file_in(part) is None
