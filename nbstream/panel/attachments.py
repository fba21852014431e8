"""Messages with files: what the reader gives becomes OpenAI content parts, and parts become what is shown. Pure.

An image is an `image_url` part. A text file is a text part in a form that is recognised when the chat is loaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.panel.view.panel_state import Attachment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.conversation.turn import Content

__all__ = ["attachments_of", "edited", "prompt_from", "text_of"]

_IMAGE = re.compile(r"data:(image/[\w.+-]+);base64,[A-Za-z0-9+/=\s]+\Z")
_REFUSED_IMAGES = {"image/heic": "HEIC", "image/heif": "HEIC", "image/avif": "AVIF"}
_FILE = re.compile(r"File (?P<name>[^\n]*):\n\n(?P<fence>`{3,})\n(?P<text>.*)\n(?P=fence)\Z", re.DOTALL)
_LONGEST_FILE, _LARGEST_IMAGE, _LONGEST_NAME = 1_000_000, 20_000_000, 200


def prompt_from(text: str, attachments: Sequence[Attachment] = ()) -> str | list[dict[str, Any]]:
    r"""What to ask.

    Args:
        text: The message.
        attachments: Images and text files that go with it.

    Raises:
        UsageError: There is nothing to send, or a file is too large or of an unsupported kind.

    Example:
        >>> prompt_from("Hi")
        'Hi'
        >>> prompt_from("Hi", [Attachment("a.txt", text="x")])[1]["text"]
        'File a.txt:\n\n```\nx\n```'
    """
    if not text.strip() and not attachments:
        raise UsageError("there is nothing to send")
    if not attachments:
        return text
    asked = [{"type": "text", "text": text}] if text.strip() else []
    return [*asked, *map(_part, attachments)]


def text_of(content: Content) -> str:
    """What the reader wrote, without the files."""
    if not isinstance(content, tuple):
        return content or ""
    return "\n\n".join(part["text"] for part in content if _is_words(part))


def attachments_of(content: Content) -> tuple[Attachment, ...]:
    """The files of a message, as they are shown; a part of an unknown kind is named by its kind."""
    if not isinstance(content, tuple):
        return ()
    return tuple(_attachment(part) for part in content if not _is_words(part))


def edited(content: Content, text: str) -> str | list[dict[str, Any]]:
    """A message with other words and the same files.

    Raises:
        UsageError: There is nothing to send.
    """
    files = [dict(part) for part in content if not _is_words(part)] if isinstance(content, tuple) else []
    if not files:
        return prompt_from(text)
    return [*([{"type": "text", "text": text}] if text.strip() else []), *files]


def _part(file: Attachment) -> dict[str, Any]:
    name = " ".join(file.name.split())[:_LONGEST_NAME] or "file"
    if file.url:
        if not (image := _IMAGE.match(file.url)):
            raise UsageError(f"{name} is not an image")
        if kind := _REFUSED_IMAGES.get(image[1].lower()):
            raise UsageError(f"{name} is an image in {kind}, which models do not take; convert it to JPEG or PNG")
        if len(file.url) > _LARGEST_IMAGE:
            raise UsageError(f"{name} is too large; images can be up to {_LARGEST_IMAGE * 3 // 4_000_000} MB")
        return {"type": "image_url", "image_url": {"url": file.url}}
    if len(file.text) > _LONGEST_FILE:
        raise UsageError(f"{name} is too long; text files can have up to {_LONGEST_FILE:,} characters")
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", file.text))])
    return {"type": "text", "text": f"File {name}:\n\n{fence}\n{file.text}\n{fence}"}


def _is_words(part: Mapping[str, Any]) -> bool:
    text = part.get("text")
    return part.get("type") == "text" and isinstance(text, str) and not _FILE.match(text)


def _attachment(part: Mapping[str, Any]) -> Attachment:
    kind = str(part.get("type"))
    if kind == "text" and (file := _FILE.match(str(part.get("text")))):
        return Attachment(file["name"], text=file["text"])
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if kind == "image_url" and isinstance(url, str):
        # The page loads nothing from elsewhere: only an image that is in the message is shown.
        within = _IMAGE.match(url)
        return Attachment("image", within[1], url) if within else Attachment(url[:_LONGEST_NAME], "image/*")
    return Attachment(kind[:_LONGEST_NAME], "application/octet-stream")
