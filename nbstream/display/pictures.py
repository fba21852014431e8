"""The images and sounds of an answer as pages and saved notebooks show them: bounded, and what their bytes are.

A page is sent a smaller copy of what is large, because Jupyter drops what is sent faster than 1 MB a second. All copies
are made here, in the kernel, of PNG, JPEG, GIF and WebP only.
"""

from __future__ import annotations

import base64
import functools
import io
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.markdown import Remark
from nbstream.media import image_type, playable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from nbstream.display.segments import Segment
    from nbstream.media import MediaPart

__all__ = ["IN_MARKDOWN", "ON_PAGE", "SMALL", "Kept", "Room", "outputs_of", "remark_of", "small_copy"]


class Room(NamedTuple):
    """How much room there is for one image or sound.

    Attributes:
        side: How many pixels the longer side has at most.
        characters: How long it is at most, in base64.
        everywhere: Whether it is also for what knows no images but PNG and JPEG, such as nbconvert.
    """

    side: int
    characters: int
    everywhere: bool = False


ON_PAGE = Room(1024, 90_000)
"""In a live view and a panel."""

SMALL = Room(512, 40_000)
"""Where a whole conversation is kept."""

IN_MARKDOWN = Room(1280, 400_000, everywhere=True)
"""Within the Markdown of one answer."""

_IN_A_CELL = Room(4096, 2_400_000, everywhere=True)
_MOST_PIXELS = 50_000_000
_SOUND_ON_PAGE = 1_500_000
_STEPS = (1.0, 0.7, 0.5, 0.35, 0.25)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_NO_IMAGE = "not shown: it is no PNG, JPEG, GIF or WebP image"
_KNOWN_EVERYWHERE = {"image/png", "image/jpeg"}


class Kept(NamedTuple):
    """What a notebook keeps of an image or a sound.

    Attributes:
        data: By MIME type.
        smaller: Whether it is a copy with less in it.
    """

    data: dict[str, Any]
    smaller: bool = False


class _Copy(NamedTuple):
    """An image that fits; the size is that of the image that it is a copy of."""

    media_type: str
    coded: str
    width: int
    height: int
    smaller: bool


def remark_of(segment: Segment, room: Room | None = ON_PAGE) -> Remark:
    """A line of an answer as it is drawn: the words, or the image or sound that they tell of.

    Args:
        segment: The line.
        room: How much room there is for what is shown; `None` shows the words.

    Example:
        >>> from nbstream.display.segments import Segment
        >>> remark_of(Segment("line", "Tool call: f"))
        Remark(words='Tool call: f', detail='', url='', source='', size='')
    """
    part = segment.media
    if part is None:
        return Remark(segment.text, detail=segment.detail)
    if part.url is not None and not part.data:
        return Remark(part.kind.capitalize(), url=part.url)
    if part.kind == "image" and part.data and image_type(part.data) is None:
        return Remark(f"{segment.text} ({_NO_IMAGE})")
    if room is None or not part.data:
        return Remark(segment.text)
    if part.kind == "image":
        made = _copy(part.data, room)
        if made is None:
            return Remark(f"{segment.text} (not shown: it cannot be read, or not be made small enough)")
        source = f"data:{made.media_type};base64,{made.coded}"
        return Remark(segment.text, source=source, size=f"{made.width}x{made.height}")
    sound = None if part.open else playable(part.data, part.media_type)
    if sound is None or len(sound[1]) * 4 / 3 > _SOUND_ON_PAGE or room is not ON_PAGE:
        return Remark(segment.text)
    return Remark(segment.text, source=f"data:{sound[0]};base64,{base64.b64encode(sound[1]).decode()}")


def outputs_of(segments: Sequence[Segment]) -> dict[int, Kept]:
    """What a notebook keeps of the images and sounds of an answer, each in an output of its own.

    All of them together are not larger than what Jupyter passes on at once; where they would be, the large ones are
    smaller copies.

    Args:
        segments: The answer.

    Returns:
        What is kept, by the number of its segment.
    """
    wanted = {number: part for number, each in enumerate(segments) if (part := each.media) is not None and part.data}
    if not wanted:
        return {}
    sizes = sorted(len(part.data) * 4 // 3 for part in wanted.values())
    share, left = _IN_A_CELL.characters, _IN_A_CELL.characters
    for rank, size in enumerate(sizes):  # what the small ones leave is for the large ones
        share = left // (len(sizes) - rank)
        if size > share:
            break
        left -= size
    made = ((number, _kept(part, segments[number].text, share)) for number, part in wanted.items())
    return {number: kept for number, kept in made if kept is not None}


def _kept(part: MediaPart, words: str, most: int) -> Kept | None:
    if part.kind == "image":
        copy = _copy(part.data, _IN_A_CELL._replace(characters=most))
        if copy is None:
            return None
        return Kept({copy.media_type: copy.coded, "text/plain": f"[{words}]"}, copy.smaller)
    sound = playable(part.data, part.media_type) if part.kind == "audio" else None
    if sound is None or len(sound[1]) * 4 / 3 > most:
        return None
    url = f"data:{sound[0]};base64,{base64.b64encode(sound[1]).decode()}"
    return Kept({"text/html": f'<audio controls src="{url}"></audio>', "text/plain": f"[{words}]"})


def small_copy(data: bytes) -> tuple[str, bytes] | None:
    """A copy of a large image for where a whole conversation is kept: its MIME type and its bytes.

    Returns:
        `None` if it is small enough, or no image.
    """
    if len(data) * 4 / 3 <= ON_PAGE.characters or (made := _copy(data, ON_PAGE)) is None:
        return None
    return made.media_type, base64.b64decode(made.coded)


@functools.lru_cache(maxsize=16)
def _copy(data: bytes, room: Room) -> _Copy | None:
    """The image itself if it fits, else a smaller copy; `None` if it is none."""
    kind = image_type(data)
    if kind is None:
        return None
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about a file and does not keep it from being read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    return None
                opened.load()
                image = ImageOps.exif_transpose(opened)
        except Exception:  # noqa: BLE001  each of several decoders has errors of its own
            return None
    width, height = image.size
    known, fits = kind in _KNOWN_EVERYWHERE or not room.everywhere, len(data) * 4 / 3 <= room.characters - 4
    if known and fits and max(width, height) <= room.side:
        return _Copy(kind, base64.b64encode(data).decode(), width, height, smaller=False)
    for step in _STEPS:
        side = max(1, int(min(room.side, max(width, height)) * step))
        kind, written = _written(image, side, everywhere=room.everywhere)
        if len(written) * 4 / 3 <= room.characters - 4:
            return _Copy(kind, base64.b64encode(written).decode(), width, height, smaller=step < 1 or not fits)
    return None


def _written(image: Image.Image, side: int, *, everywhere: bool) -> tuple[str, bytes]:
    """A copy whose longer side is not longer than that: with its transparency, if it has any."""
    clear = "transparency" in image.info or image.mode in {"LA", "La", "PA", "RGBA", "RGBa"}
    made = image.convert("RGBA" if clear else "RGB")
    made.thumbnail((side, side))
    made.info = {}
    out = io.BytesIO()
    if not everywhere and _knows_webp():
        made.save(out, "WEBP", quality=80)
        return "image/webp", out.getvalue()
    if clear:
        made.save(out, "PNG")
        return "image/png", out.getvalue()
    made.save(out, "JPEG", quality=85)
    return "image/jpeg", out.getvalue()


@functools.cache
def _knows_webp() -> bool:
    from PIL import features

    return bool(features.check("webp"))
