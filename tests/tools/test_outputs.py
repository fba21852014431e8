"""What a model is told of a function's value."""

from __future__ import annotations

import base64
import datetime as dt
import io
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from nbstream.tools.outputs import NOTHING, OutputError, output_of, returned


@dataclass
class Place:
    name: str
    lat: float


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("as it is: {1}", "as it is: {1}"),
        (None, NOTHING),
        (3, "3"),
        ({"a": [1, "ü"]}, '{"a": [1, "ü"]}'),
        (Place("Oslo", 59.9), '{"name": "Oslo", "lat": 59.9}'),
        (dt.date(2026, 11, 30), '"2026-11-30"'),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_values_are_told(value: Any, words: str) -> None:
    assert output_of(value) == words


def test_of_a_long_table_the_first_rows_are_told_and_that_there_are_more() -> None:
    told = output_of(pd.DataFrame({"a": range(1000), "b": "x"}))
    assert told.startswith("A table of 1,000 rows and 2 columns: a (int64), b (")
    assert "The first 50 of 1,000 rows as CSV:" in told
    assert "\n49,49,x\n" in told
    assert "\n50,50,x\n" not in told
    assert output_of(pd.Series([1, 2], name="n")).startswith("A table of 2 rows and 1 columns: n (int64). All 2 rows")


def test_a_long_text_is_cut_and_says_so() -> None:
    told = output_of("x" * 60_000)
    assert len(told) < 50_100
    assert told.endswith("[Cut: 60,000 characters in all.]")


def test_what_cannot_be_told_is_an_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (object(), endless):
        with pytest.raises(OutputError, match=r"something of type (object|list), which cannot be told to a model\."):
            output_of(value)


def png() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(written, "PNG")
    return written.getvalue()


class Drawn:
    def _repr_png_(self) -> Any:
        return base64.b64encode(png()).decode(), {"width": 3}


class Broken:
    def _repr_png_(self) -> Any:
        raise RuntimeError("no display")

    def __init__(self) -> None:
        self.__pydantic_serializer__ = None


@pytest.mark.parametrize(
    "value", [Image.new("RGB", (3, 2)), png(), bytearray(png()), Drawn()], ids=lambda value: type(value).__name__
)
def test_images_are_sent_as_images(value: Any) -> None:
    text, [image] = returned(value)
    assert (image.kind, image.media_type, image.data[:4]) == ("image", "image/png", b"\x89PNG")
    assert text == "An image (image/png, 0.1 kB)."


def test_images_among_other_values() -> None:
    text, images = returned(["Two of them:", png(), {"n": 2}, png()])
    assert text.splitlines() == ["Two of them:", '{"n": 2}', *["An image (image/png, 0.1 kB)."] * 2]
    assert len(images) == 2
    text, images = returned([png()] * 10)
    assert (len(images), text.splitlines()[-1]) == (8, "2 more images were left out.")
    assert returned([1, "a"]) == ('[1, "a"]', ())


def test_an_image_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(
        OutputError, match="The tool returned an image that cannot be sent: the image is not an image that can be read"
    ):
        returned(png()[:40])
    with pytest.raises(OutputError, match="returned something of type Broken, which cannot be told to a model"):
        returned(Broken())
