"""Images as they are sent: upright, not larger than models look at, and without what a camera wrote into them.

An image is decoded and written anew, so that nothing of its metadata is sent, such as where a photo was taken.
Addresses are handed on as they are.
"""

from __future__ import annotations

import base64
import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbstream.attachments.parts import image_part, one_line, uploaded
from nbstream.attachments.reading import Made, read
from nbstream.errors import UsageError
from nbstream.media import MediaPart
from nbstream.text.plain import exception_line, plain

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["is_image", "made_image", "named_image"]

_LONGEST_SIDE = 2048  # what models look at; they scale down what is larger, and bill for it
_LARGEST_PNG = 4_000_000
_LARGEST_READ = 100_000_000
_OF_PHOTOS = {"JPEG", "MPO", "WEBP"}
_PROGRAMS = {"EPS"}  # reading it would run Ghostscript on it
_UNREADABLE = "is not an image that can be read; convert it to PNG or JPEG"
_KINDS = (
    "a path, bytes, a PIL image, a matplotlib figure, the number of a cell that displays one, "
    "or an address (http, https or data)"
)


def is_image(value: Any) -> bool:
    """Whether a value is a PIL image, a matplotlib figure or an image of an answer."""
    if isinstance(value, MediaPart):
        return value.kind == "image" and bool(value.data)
    return _is(value, "PIL.Image", "Image") or _is(value, "matplotlib.figure", "Figure")


def named_image(image: Any, images: list[Any]) -> str:
    """What stands for an image in a text; the same image is attached once.

    Args:
        image: The image.
        images: Those that are attached so far; it is added to them.
    """
    number = next((at for at, each in enumerate(images) if each is image), len(images))
    if number == len(images):
        images.append(image)
    return f"[image {number + 1}]"


def made_image(given: Any) -> Made:
    """The content part of an image.

    Args:
        given: A path, bytes, a PIL image, a matplotlib figure, an image of an answer, an http(s) or data URL, or the id
            of an image that was uploaded to the provider, which only the Responses API takes.

    Raises:
        UsageError: It is nothing of this kind, missing, too large, or cannot be read.

    Example:
        >>> made_image("https://example.org/a.png").part
        {'type': 'image_url', 'image_url': {'url': 'https://example.org/a.png'}}
    """
    if isinstance(given, str) and _is_address(given):
        return Made(_address(given))
    if uploaded(given):
        return Made({"type": "input_image", "file_id": given, "detail": "auto"})
    if _is(given, "PIL.Image", "Image"):
        return _written(given, "the image")
    if _is(given, "matplotlib.figure", "Figure"):
        return _decoded(_drawn(given), "the figure")
    if isinstance(given, bytes | bytearray | memoryview):
        return _decoded(bytes(given), "the image")
    if isinstance(given, MediaPart) and given.data:
        return _decoded(given.data, "the image of the answer")
    if isinstance(given, str | Path):
        name, data = read(given, _LARGEST_READ)
        return _decoded(data, name)
    raise UsageError(f"an image is {_KINDS}, not {type(given).__name__}")


def _is(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a class of a library, which is not imported for that: without it there are no values."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def _is_address(text: str) -> bool:
    return "://" in text or text.lower().startswith("data:")


def _address(url: str) -> dict[str, Any]:
    scheme = url.partition(":")[0].lower()
    if scheme == "data":
        return image_part(url, "the data URL")
    if scheme not in {"http", "https"}:  # the rest of an address may hold a key
        raise UsageError(f"the address of an image begins with http, https or data, not with {one_line(plain(scheme))}")
    if any(character.isspace() for character in url):
        raise UsageError("the address of the image has spaces in it; write %20 for each")
    return {"type": "image_url", "image_url": {"url": url}}


def _drawn(figure: Any) -> bytes:
    drawn = io.BytesIO()
    try:
        figure.savefig(drawn, format="png")
    except Exception as error:
        raise UsageError(f"the figure cannot be drawn: {exception_line(error)}") from error
    return drawn.getvalue()


def _decoded(data: bytes, name: str) -> Made:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about a file and does not keep it from being read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise UsageError(f"{name} is too large: it has more than {Image.MAX_IMAGE_PIXELS:,} pixels") from None
        except UnidentifiedImageError:
            raise UsageError(f"{name} {_UNREADABLE if data else 'is empty'}") from None
        except Exception as error:  # noqa: BLE001  each of many decoders has errors of its own
            raise _damaged(name, error) from None
        if image.format in _PROGRAMS:
            raise UsageError(f"{name} {_UNREADABLE}")
        return _written(image, name)


def _written(image: Image.Image, name: str) -> Made:
    """An image written anew."""
    from PIL import ImageOps

    if image.mode == "F":
        raise UsageError(f"{name} has floating-point pixels; convert it to 8 bits")
    notes = []
    try:
        if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # which is a photo with its preview
            notes.append(f"only one frame of {name} was sent")
        upright = _in_colours(ImageOps.exif_transpose(image))
        before = upright.size
        upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        media_type, data = _encoded(upright, photo=image.format in _OF_PHOTOS)
    except Exception as error:  # noqa: BLE001  each of many decoders has errors of its own
        raise _damaged(name, error) from None
    if upright.size != before:
        (wide, high), (width, height) = before, upright.size
        notes.append(f"{name} was scaled down from {wide} by {high} to {width} by {height} pixels")
    return Made(image_part(f"data:{media_type};base64,{base64.b64encode(data).decode()}", name), tuple(notes))


def _damaged(name: str, error: Exception) -> UsageError:
    return UsageError(f"{name} cannot be read as an image: {exception_line(error)}")


def _in_colours(image: Image.Image) -> Image.Image:
    """An image in a mode that PNG and JPEG have."""
    if "transparency" in image.info or image.mode in {"LA", "La", "PA", "RGBA", "RGBa"}:
        return image.convert("RGBA")
    if image.mode.startswith("I"):  # 16 bits
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")


def _encoded(image: Image.Image, *, photo: bool) -> tuple[str, bytes]:
    """The media type and the bytes: PNG, which loses nothing, but JPEG for photos and where a PNG is large."""
    from PIL import Image

    image.info = {}  # comments and the like would be written again
    if not photo or image.mode == "RGBA":
        if len(data := _saved(image, "PNG")) <= _LARGEST_PNG:
            return "image/png", data
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return "image/jpeg", _saved(image, "JPEG", quality=90)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()
