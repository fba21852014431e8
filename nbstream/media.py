"""Images, sounds and files in an answer, as frozen values that notebooks show and that can be saved.

What they are is read from their bytes: what a server says of them may be wrong, and what a page is given must be what
it is taken for.
"""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from nbstream.failures import UsageError
from nbstream.text.plain import encodable, plain

__all__ = ["MediaKind", "MediaPart", "image_type", "playable", "restore"]

MediaKind: TypeAlias = Literal["image", "audio", "video", "file"]

_IMAGES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_SOUNDS = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"ID3[\x02-\x04]"), "audio/mpeg"),
    (re.compile(rb"OggS\0"), "audio/ogg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"....ftyp(?:M4A |mp42|isom|dash)", re.DOTALL), "audio/mp4"),
    (re.compile(rb"\xff[\xf1\xf9]"), "audio/aac"),
)
_MP3_FRAME = re.compile(rb"\xff[\xf2\xf3\xfa\xfb][\x10-\xe7]")
_RAW = re.compile(r"(?:audio/(?:pcm|l16)\b.*)?", re.IGNORECASE)
_ENDINGS = {"image/jpeg": ".jpg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/wav": ".wav"}
# What OpenAI streams: 24,000 samples a second of 16 bits, one channel.
_RATE, _SAMPLE_BYTES = 24_000, 2


def image_type(data: bytes) -> str | None:
    r"""The MIME type of an image that every browser shows and that is nothing but an image; `None` for all else.

    Example:
        >>> image_type(b"\x89PNG\r\n\x1a\n"), image_type(b"<svg onload='alert(1)'/>")
        ('image/png', None)
    """
    return next((kind for begins, kind in _IMAGES if begins.match(data)), None)


def playable(data: bytes, media_type: str | None = None) -> tuple[str, bytes] | None:
    """A sound as browsers play it: its MIME type and its bytes, with a header before bare samples.

    Args:
        data: Its bytes.
        media_type: What the server says it is. Without a word, bytes of no known kind are samples as OpenAI streams
            them.

    Returns:
        `None` if it is nothing that can be played.

    Example:
        >>> kind, data = playable(bytes(4))
        >>> kind, data[:4], len(data)
        ('audio/wav', b'RIFF', 48)
    """
    if kind := next((kind for begins, kind in _SOUNDS if begins.match(data)), None):
        return kind, data
    if _MP3_FRAME.match(data):
        return "audio/mpeg", data
    if not data or not _RAW.fullmatch(media_type or ""):
        return None
    samples = data[: len(data) // _SAMPLE_BYTES * _SAMPLE_BYTES]
    about = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, _RATE * _SAMPLE_BYTES, _SAMPLE_BYTES, 16)
    lengths = [struct.pack("<I", length) for length in (36 + len(samples), len(samples))]
    return "audio/wav", b"".join([b"RIFF", lengths[0], b"WAVE", about, b"data", lengths[1], samples])


def restore(part: Any, state: list[object]) -> None:
    """Set the fields of a frozen value that were pickled; newer ones have their usual values.

    Args:
        part: The value, which is empty.
        state: Its fields as they were pickled.
    """
    known = fields(part)
    newer = (each.default for each in known[len(state) :])
    for each, value in zip(known, [*state, *newer], strict=True):
        object.__setattr__(part, each.name, value)


@dataclass(frozen=True, slots=True)
class MediaPart:
    """An image, sound, video or file in the answer.

    Attributes:
        kind: What it is.
        data: Its bytes, as far as they have come; empty for a medium that is only named by its address.
        media_type: Its MIME type, if the server says.
        url: Its address, if it came as one. Nothing is loaded from there.
        item_id: The id of the output item, if the server names items; of a file that code has made, its own.
        open: Whether more of it may come.
        partial: Whether the bytes are a preview, in whose place the image itself was to come.
        name: What the server calls the file, if it does.

    Example:
        ```python
        result = nbs.stream("Draw a cat", model="gpt-5", tools=[{"type": "image_generation"}])
        result.images[0].save("cat.png")
        ```
    """

    kind: MediaKind
    data: bytes = field(default=b"", repr=False)
    media_type: str | None = None
    url: str | None = None
    item_id: str | None = None
    open: bool = False
    partial: bool = False
    name: str | None = None
    type: ClassVar[str] = "media"

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled; before there were previews it had no `partial` and no `name`."""
        restore(self, state)

    def save(self, path: str | Path) -> Path:
        """Write its bytes to a file.

        Args:
            path: Where. A name without an ending gets that of what the bytes are.

        Returns:
            The path of the file.

        Raises:
            UsageError: There are no bytes, or the file cannot be written.

        Example:
            ```python
            result.images[0].save("cat")
            ```
        """
        data = self.data
        if not data:
            where = f"; it is at {self.url}" if self.url else ""
            raise UsageError(f"the answer holds no bytes of this {self.kind}{where}")
        kind = image_type(data)
        if kind is None and self.kind == "audio" and (sound := playable(data, self.media_type)):
            kind, data = sound
        target = Path(path).expanduser()
        if not target.suffix and kind:
            target = target.with_name(target.name + _ENDINGS.get(kind, f".{kind.partition('/')[2]}"))
        try:
            target.write_bytes(data)
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error.strerror or error}") from None
        return target

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """What a notebook shows of it: the image, or a player for the sound."""
        words = {"text/plain": plain(encodable(repr(self)))}
        if kind := image_type(self.data):
            return {kind: base64.b64encode(self.data).decode(), **words}
        if self.kind == "audio" and (sound := playable(self.data, self.media_type)):
            url = f"data:{sound[0]};base64,{base64.b64encode(sound[1]).decode()}"
            return {"text/html": f'<audio controls src="{url}"></audio>', **words}
        return words
