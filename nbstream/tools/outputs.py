"""What a function returned, in the words and images that a model is sent."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from nbstream.attachments.images import is_image, made_image
from nbstream.errors import UsageError
from nbstream.media import image_type
from nbstream.parts import MediaPart
from nbstream.text.plain import encodable

__all__ = ["NOTHING", "OutputError", "Returned", "bounded", "output_of", "returned"]

NOTHING = "The tool returned nothing."
_LONGEST = 50_000  # characters
_MOST_ROWS = 50
_MOST_IMAGES = 8
_HEAD = 16  # bytes that tell what an image is
_DRAWN_BY = "_repr_png_", "_repr_jpeg_"


class OutputError(ValueError):
    """A function returned something that cannot be told to a model."""


class Returned(NamedTuple):
    """What a model is sent of a function's value.

    Attributes:
        text: The words.
        images: The images, which come after them.
    """

    text: str
    images: tuple[MediaPart, ...] = ()


def returned(value: Any) -> Returned:
    """The words and images for a value.

    Images are PIL images, matplotlib figures, the bytes of an image, and what draws itself as one in a notebook; each
    alone or in a list with other values. They are upright and bounded, as those that go with a prompt.

    Args:
        value: What a function returned.

    Raises:
        OutputError: It cannot be told to a model.

    Example:
        >>> returned({"city": "Oslo"})
        Returned(text='{"city": "Oslo"}', images=())
    """
    if (drawn := _image(value)) is not None:
        return _with_images([], [drawn])
    if isinstance(value, list | tuple):
        images = [_image(each) for each in value]
        if any(images):
            words = [output_of(each) for each, image in zip(value, images, strict=True) if image is None]
            return _with_images(words, [image for image in images if image is not None])
    return Returned(output_of(value))


def output_of(value: Any) -> str:
    """The words for a value that is no image: text, a table as a summary that says so, anything else as JSON.

    Args:
        value: What a function returned.

    Raises:
        OutputError: It is none of these.

    Example:
        >>> output_of({"city": "Oslo"}), output_of(None)
        ('{"city": "Oslo"}', 'The tool returned nothing.')
    """
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else _table(value) or _json(value)
    return bounded(encodable(text))


def _with_images(words: list[str], made: list[Returned]) -> Returned:
    images = [image for each in made for image in each.images]
    left_out = [f"{len(images) - _MOST_IMAGES} more images were left out."] if len(images) > _MOST_IMAGES else []
    told = [*words, *(each.text for each in made[:_MOST_IMAGES]), *left_out]
    return Returned(bounded("\n".join(told)), tuple(images[:_MOST_IMAGES]))


def _image(value: Any) -> Returned | None:
    """The image that a value is, if it is one."""
    given = value if is_image(value) or _is_encoded(value) else _drawn_by_itself(value)
    if given is None:
        return None
    try:
        made = made_image(given)
    except UsageError as error:
        raise OutputError(f"The tool returned an image that cannot be sent: {error}.") from None
    head, _, data = made.part["image_url"]["url"].partition(";base64,")
    image = MediaPart("image", base64.b64decode(data), head.removeprefix("data:"))
    kilobytes = f"{len(image.data) / 1000:,.1f} kB"
    notes = "".join(f" {note[:1].upper()}{note[1:]}." for note in made.notes)
    return Returned(f"An image ({image.media_type}, {kilobytes}).{notes}", (image,))


def _is_encoded(value: Any) -> bool:
    return isinstance(value, bytes | bytearray) and image_type(bytes(value[:_HEAD])) is not None


def _drawn_by_itself(value: Any) -> bytes | None:
    """The image that a value shows itself as in a notebook."""
    for name in _DRAWN_BY:
        draw = None if isinstance(value, type) else getattr(type(value), name, None)
        if draw is None:
            continue
        try:
            data = draw(value)
            data = data[0] if isinstance(data, tuple) else data
            data = base64.b64decode(data) if isinstance(data, str) else data
        except Exception:  # noqa: BLE001, S112  whatever its own code raises: then it is told in words
            continue
        if isinstance(data, bytes) and _is_encoded(data):
            return data
    return None


def _table(value: Any) -> str | None:
    """A summary of a pandas table or column, without importing pandas."""
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if package != "pandas" or kind not in {"DataFrame", "Series"}:
        return None
    frame = value.to_frame() if kind == "Series" else value
    rows, columns = frame.shape
    types = ", ".join(f"{name} ({dtype})" for name, dtype in zip(frame.columns, frame.dtypes, strict=True))
    shown = f"The first {_MOST_ROWS} of {rows:,} rows" if rows > _MOST_ROWS else f"All {rows:,} rows"
    head: str = frame.head(_MOST_ROWS).to_csv()
    return f"A table of {rows:,} rows and {columns:,} columns: {types}. {shown} as CSV:\n{head}"


def _json(value: Any) -> str:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return json.dumps(to_jsonable_python(value), ensure_ascii=False)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError):
        kind = type(value).__name__
        raise OutputError(f"The tool returned something of type {kind}, which cannot be told to a model.") from None


def bounded(text: str) -> str:
    """As much of a text as a model is sent, which says so if that is not all."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n[Cut: {len(text):,} characters in all.]"
