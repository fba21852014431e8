"""Messages with files: what the reader gives becomes OpenAI content parts, and parts become what is shown. Pure.

What the parts look like is the matter of `nbstream.attachments`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.attachments.parts import embedded_image, image_part, is_words, one_line, text_file_in, text_part
from nbstream.errors import UsageError
from nbstream.panel.view.panel_state import Attachment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.conversation.turn import Content

__all__ = ["attachments_of", "edited", "prompt_from", "text_of"]


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
    return "\n\n".join(part["text"] for part in content if is_words(part))


def attachments_of(content: Content) -> tuple[Attachment, ...]:
    """The files of a message, as they are shown; a part of an unknown kind is named by its kind."""
    if not isinstance(content, tuple):
        return ()
    return tuple(_attachment(part) for part in content if not is_words(part))


def edited(content: Content, text: str) -> str | list[dict[str, Any]]:
    """A message with other words and the same files.

    Raises:
        UsageError: There is nothing to send.
    """
    files = [dict(part) for part in content if not is_words(part)] if isinstance(content, tuple) else []
    if not files:
        return prompt_from(text)
    return [*([{"type": "text", "text": text}] if text.strip() else []), *files]


def _part(file: Attachment) -> dict[str, Any]:
    name = one_line(file.name) or "file"
    return image_part(file.url, name) if file.url else text_part(name, file.text)


def _attachment(part: Mapping[str, Any]) -> Attachment:
    kind = str(part.get("type"))
    if (text_file := text_file_in(part)) is not None:
        return Attachment(text_file.name, text=text_file.text)
    file = part.get("file")
    if kind == "file" and isinstance(file, dict) and isinstance(name := file.get("filename"), str):
        return Attachment(one_line(name), "application/octet-stream")
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if kind == "image_url" and isinstance(url, str):
        # The page loads nothing from elsewhere: only an image that is in the message is shown.
        within = embedded_image(url)
        return Attachment("image", within, url) if within else Attachment(one_line(url), "image/*")
    return Attachment(one_line(kind), "application/octet-stream")
