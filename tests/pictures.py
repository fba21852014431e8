"""Small images for tests, drawn here."""

from __future__ import annotations

import io
import random

from PIL import Image

__all__ = ["drawn"]


def drawn(
    width: int = 40, height: int = 30, *, kind: str = "PNG", colour: str = "red", noise: bool = False, mode: str = "RGB"
) -> bytes:
    """An image of one colour, or of noise, which nothing makes small."""
    if noise:
        channels = len(mode)
        image = Image.frombytes(mode, (width, height), random.Random(1).randbytes(width * height * channels))
    else:
        image = Image.new(mode, (width, height), colour)
    written = io.BytesIO()
    image.save(written, kind)
    return written.getvalue()
