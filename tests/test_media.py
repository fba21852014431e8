"""Images and sounds as values: what they are by their bytes, what notebooks show of them, and how they are saved."""

from __future__ import annotations

import base64
import io
import pickle
import wave
from typing import TYPE_CHECKING

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.media import MediaPart, image_type, playable
from nbstream.parts import MediaPart as OfParts
from tests.pictures import drawn

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
NO_IMAGES = [
    b"", b"\x89PNG", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html>", b"BM\0\0", b"%PDF-1.7",
    b"RIFF\0\0\0\0WAVE", b" \x89PNG\r\n\x1a\n",
]  # fmt: skip
SOUNDS = [
    (b"ID3\x04\0", "audio/mpeg"), (b"\xff\xfb\x90\0", "audio/mpeg"), (b"OggS\0", "audio/ogg"), (b"fLaC", "audio/flac"),
    (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"), (b"\0\0\0\x20ftypM4A ", "audio/mp4"), (b"\xff\xf1P", "audio/aac"),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_known_by_its_bytes_whatever_the_server_says(kind: str) -> None:
    data = drawn(kind=kind)
    assert image_type(data) == KINDS[kind]
    bundle = MediaPart("image", data, "text/html")._repr_mimebundle_()
    assert bundle.keys() == {KINDS[kind], "text/plain"}
    assert base64.b64decode(bundle[KINDS[kind]]) == data


@pytest.mark.parametrize("data", NO_IMAGES, ids=repr)
def test_what_is_no_image_is_never_shown_as_one(data: bytes) -> None:
    assert image_type(data) is None
    assert MediaPart("image", data, "image/png")._repr_mimebundle_().keys() == {"text/plain"}


@pytest.mark.parametrize(("data", "kind"), SOUNDS, ids=repr)
def test_a_sound_is_known_by_its_bytes(data: bytes, kind: str) -> None:
    assert playable(data, "text/html") == (kind, data)


def test_bare_samples_are_given_a_header() -> None:
    samples = b"\xff\xff\xfe\xff\0\0\1\0" * 100  # silence nearly, whose first bytes look like others' headers
    for said in (None, "audio/pcm", "audio/L16;rate=24000"):
        sound = playable(samples + b"\0", said)
        assert sound is not None
        with wave.open(io.BytesIO(sound[1])) as heard:
            assert (heard.getframerate(), heard.getnchannels(), heard.getsampwidth()) == (24_000, 1, 2)
            assert heard.readframes(heard.getnframes()) == samples
    assert playable(samples, "audio/basic") is None
    assert playable(b"") is None
    html = MediaPart("audio", samples)._repr_mimebundle_()["text/html"]
    assert html.startswith('<audio controls src="data:audio/wav;base64,UklGR')


def test_a_part_is_saved_under_the_ending_of_what_it_is(tmp_path: Path) -> None:
    data = drawn()
    assert MediaPart("image", data).save(tmp_path / "a") == tmp_path / "a.png"
    assert (tmp_path / "a.png").read_bytes() == data
    assert MediaPart("image", data).save(tmp_path / "b.dat").read_bytes() == data
    assert MediaPart("audio", bytes(4)).save(str(tmp_path / "c")) == tmp_path / "c.wav"
    assert MediaPart("file", b"x").save(tmp_path / "d").read_bytes() == b"x"
    for part, path, words in (
        (MediaPart("image", url="https://a.example/i"), "e", "no bytes of this image; it is at https://a.example/i"),
        (MediaPart("image", data), "no/such/f.png", "cannot be written: No such file"),
    ):
        with pytest.raises(UsageError, match=words):
            part.save(tmp_path / path)


def test_the_images_of_an_answer_are_those_that_have_arrived_whole() -> None:
    whole, part = MediaPart("image", drawn()), MediaPart("image", drawn(), partial=True)
    parts = (whole, part, MediaPart("image", url="https://a.example/i"), MediaPart("audio", b"x"))
    assert nbs.StreamResult(parts=parts).images == (whole,)


def test_parts_that_were_pickled_earlier_can_be_loaded() -> None:
    part = MediaPart("image", b"x", "image/png", None, "g1", open=True, partial=True, name="n")
    assert pickle.loads(pickle.dumps(part)) == part
    made = OfParts("image")
    made.__setstate__(["image", b"x", None, None, "g1", False])
    assert made == MediaPart("image", b"x", item_id="g1")
