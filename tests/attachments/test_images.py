"""Images as they are sent: small enough, upright, and with nothing in them of where they were taken."""

import base64
import contextlib
import io
import random
import sys
import types

import pytest
from PIL import Image, PngImagePlugin

from nbstream.attachments.attached import attached
from nbstream.attachments.images import is_image, made_image
from nbstream.errors import UsageError

ORIENTATION, GPS = 0x0112, 0x8825
TURNED = 6  # the camera was held upright


def encoded(image, kind="PNG", **options):
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def url_of(part):
    return part["image_url"]["url"]


def sent_data(part):
    return base64.b64decode(url_of(part).partition(",")[2])


def sent_image(part):
    return Image.open(io.BytesIO(sent_data(part)))


@pytest.fixture
def photo(tmp_path):
    """A photo of 60 by 40 pixels, held upright: its left half is red as it is stored."""
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 30, 40))
    exif = image.getexif()
    exif[ORIENTATION] = TURNED
    exif.get_ifd(GPS)[1] = "N59.9139-SECRET"
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(image, "JPEG", exif=exif, comment=b"SECRET comment", quality=95))
    assert b"SECRET" in path.read_bytes()
    return path


def test_a_photo_is_sent_upright_and_without_its_place(photo):
    part, notes = made_image(photo)
    assert url_of(part).startswith("data:image/jpeg;base64,")
    assert b"SECRET" not in sent_data(part)
    image = sent_image(part)
    assert (image.size, dict(image.getexif()), notes) == ((40, 60), {}, ())
    red, blue = image.getpixel((20, 5)), image.getpixel((20, 55))
    assert red[0] > 200 > blue[0]
    assert blue[2] > 200 > red[2]


def test_the_text_in_a_png_is_not_sent():
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "SECRET")
    given = encoded(Image.new("RGB", (2, 2)), pnginfo=said)
    assert b"SECRET" in given
    assert b"SECRET" not in sent_data(made_image(given).part)


def test_what_is_given_comes_to_the_same():
    image = Image.new("RGB", (3, 2), "green")
    data = encoded(image)
    assert made_image(image) == made_image(data) == made_image(bytearray(data))
    assert sent_image(made_image(image).part).getpixel((0, 0)) == (0, 128, 0)


def test_a_pil_image_is_not_changed():
    image = Image.new("RGB", (3000, 10))
    image.info["comment"] = "mine"
    made_image(image)
    assert (image.size, image.info) == ((3000, 10), {"comment": "mine"})


def test_a_large_image_is_scaled_down_and_that_is_said(tmp_path):
    path = tmp_path / "wide.png"
    path.write_bytes(encoded(Image.new("L", (4096, 100))))
    part, notes = made_image(str(path))
    assert sent_image(part).size == (2048, 50)
    assert notes == ("wide.png was scaled down from 4096 by 100 to 2048 by 50 pixels",)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "I"])
def test_every_mode_can_be_sent(mode):
    image = sent_image(made_image(Image.new(mode, (2, 2))).part)
    assert image.mode in {"L", "RGB", "RGBA"}


def test_sixteen_bits_become_eight():
    assert sent_image(made_image(Image.new("I;16", (1, 1), 0x8000)).part).getpixel((0, 0)) == 128


def test_transparency_is_kept():
    image = Image.new("P", (1, 1), 0)
    part = made_image(encoded(image, transparency=0)).part
    assert sent_image(part).convert("RGBA").getpixel((0, 0))[3] == 0


def test_a_large_png_becomes_a_jpeg_on_white():
    noise = Image.frombytes("RGB", (1200, 1200), random.Random(1).randbytes(1200 * 1200 * 3))
    noise.putalpha(Image.linear_gradient("L").resize(noise.size))
    part = made_image(noise).part
    assert url_of(part).startswith("data:image/jpeg;")
    assert min(sent_image(part).convert("L").getpixel((x, 0)) for x in range(100)) > 240


def test_of_an_animation_one_frame_is_sent():
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    part, notes = made_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert url_of(part).startswith("data:image/png;")
    assert notes == ("only one frame of the image was sent",)


def test_a_figure_is_drawn(monkeypatch):
    class Figure:
        def savefig(self, file, format):  # noqa: A002  matplotlib's word
            file.write(encoded(Image.new("RGBA", (5, 4), "red"), format))

    module = types.ModuleType("matplotlib.figure")
    module.Figure = Figure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", module)
    assert is_image(Figure())
    assert sent_image(made_image(Figure()).part).size == (5, 4)


@pytest.mark.parametrize("url", ["https://example.org/a%20b.png", "HTTP://x/y", "data:image/png;base64,AA=="])
def test_an_address_is_handed_on_as_it_is(url):
    assert made_image(url).part == {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (7, "an image is a path, bytes, .*, not int"),
        ("missing.png", "there is no file missing.png"),
        ("~nobody-at-all/x.png", "~nobody-at-all/x.png cannot be read: "),
        ("a\0b", "a.?b cannot be read|there is no file ab"),
        ("", "an empty name is no file"),
        (".", ". is a folder"),
        (b"", "the image is empty"),
        (b"<svg/>", "the image is not an image that can be read; convert it to PNG or JPEG"),
        (encoded(Image.new("L", (2, 2)), "EPS"), "the image is not an image that can be read"),
        (encoded(Image.effect_noise((99, 99), 50))[:2000], "the image cannot be read as an image"),
        (Image.new("F", (1, 1)), "the image has floating-point pixels"),
        ("ftp://me:pw@x/y.png", "the address of an image begins with http, https or data, not with ftp$"),
        ("http://x/a b.png", "the address of the image has spaces in it; write %20"),
        ("data:text/html;base64,AA==", "the data URL is not an image"),
        ("data:image/heic;base64,AA==", "the data URL is in HEIC format"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_what_cannot_be_sent_is_said_so(given, words):
    with pytest.raises(UsageError, match=f"^{words}") as caught:
        made_image(given)
    assert "\n" not in str(caught.value)


def test_a_damaged_photo_is_sent_or_a_clear_error(photo):
    whole, chance = photo.read_bytes(), random.Random(1)
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(UsageError):
            assert b"SECRET" not in sent_data(made_image(damaged).part)


def test_a_figure_that_cannot_be_drawn_is_said(monkeypatch):
    module = types.ModuleType("matplotlib.figure")
    module.Figure = type("Figure", (), {"savefig": lambda *_, **__: 1 / 0})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", module)
    with pytest.raises(UsageError, match="the figure cannot be drawn: ZeroDivisionError"):
        made_image(module.Figure())


def test_an_image_of_too_many_pixels_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UsageError, match="the image is too large: it has more than 100 pixels"):
        made_image(encoded(Image.new("1", (11, 10))))


# --- with a prompt ----------------------------------------------------------------------------------------------------

PIXEL = Image.new("RGB", (1, 1))
PART = made_image(PIXEL).part
SAID = {"type": "text", "text": "Look"}


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("Look", [SAID, PART]),
        (" ", [PART]),
        ([SAID], [SAID, PART]),
        ([{"role": "user", "content": "Look"}], [{"role": "user", "content": [SAID, PART]}]),
        ([{"role": "system", "content": "S"}, {"role": "user", "content": [SAID]}],
         [{"role": "system", "content": "S"}, {"role": "user", "content": [SAID, PART]}]),
    ],
)  # fmt: skip
def test_it_goes_with_the_question(prompt, asked):
    assert attached(prompt, image=PIXEL).prompt == asked


def test_several_go_together_and_one_warning_says_what_was_done_to_them():
    wide = Image.new("1", (4096, 2))
    asked = attached("Look", image=[wide, PIXEL, wide])
    assert [part["type"] for part in asked.prompt if isinstance(part, dict)] == ["text", *["image_url"] * 3]
    said = "The image was scaled down from 4096 by 2 to 2048 by 1 pixels."
    assert [(each.kind, each.happened) for each in asked.warnings] == [("changed_attachment", f"{said} {said}")]


def test_without_a_question_there_is_nothing_to_attach_to():
    with pytest.raises(UsageError, match="the last message is not the user's"):
        attached([{"role": "assistant", "content": "Hi"}], image=PIXEL)
