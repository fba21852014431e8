"""The picture that the demo draws, and two blurred previews of it, as PNG. Pure."""

from __future__ import annotations

import io
import math
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SIZE", "pictures"]

SIZE = (480, 320)
_PREVIEWS = (14, 5)  # how blurred each of them is
_SKY = ((24, 42, 92), (92, 84, 140), (236, 142, 98), (255, 214, 150))
_HILLS = (((58, 62, 104), 0.62, 26, 0.9), ((38, 44, 82), 0.72, 34, 1.7), ((20, 26, 56), 0.84, 22, 2.6))


@cache
def pictures() -> tuple[bytes, ...]:
    """The previews, then the picture: hills before an evening sky."""
    from PIL import ImageFilter

    image = _drawn()
    return tuple(map(_written, [*(image.filter(ImageFilter.GaussianBlur(each)) for each in _PREVIEWS), image]))


def _drawn() -> Image.Image:
    from PIL import Image, ImageDraw

    width, height = SIZE
    image = Image.new("RGB", SIZE)
    pen = ImageDraw.Draw(image)
    for y in range(height):
        at = y / height * (len(_SKY) - 1)
        above, below = _SKY[int(at)], _SKY[min(int(at) + 1, len(_SKY) - 1)]
        mixed = tuple(round(one + (other - one) * (at % 1)) for one, other in zip(above, below, strict=True))
        pen.line((0, y, width, y), fill=mixed)
    pen.ellipse((330, 130, 394, 194), fill=(255, 236, 190))
    for colour, level, size, waves in _HILLS:
        ridge = [
            (x, height * level - size * (math.sin(x / width * waves * math.tau) + 0.4 * math.sin(x / 23 * waves)))
            for x in range(0, width + 4, 4)
        ]
        pen.polygon([(0, height), *ridge, (width, height)], fill=colour)
    return image


def _written(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
