"""The images and sounds of an answer as they are drawn and saved: what, how large, and in which order."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import pytest
from PIL import Image

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.bundle import answer_bundle, answer_outputs, partial_markdown
from nbstream.display.pictures import ON_PAGE, SMALL, remark_of, small_copy
from nbstream.display.segments import Segment, segments_of
from nbstream.media import MediaPart
from nbstream.parts import TextPart, ToolCallPart, ToolRun
from nbstream.result import StreamResult, StreamState, Usage
from tests.pictures import drawn

SMALL_PNG = drawn()
URL = f"data:image/png;base64,{base64.b64encode(SMALL_PNG).decode()}"


def answer(*parts: Any, state: StreamState = StreamState.COMPLETED) -> StreamResult:
    return StreamResult(parts=parts, state=state, finish_reason="stop", model="m", usage=Usage(1, 2, 3))


def opened(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))


def test_an_image_is_an_output_of_its_own_in_its_place() -> None:
    sound = MediaPart("audio", bytes(8))
    result = answer(TextPart("One **cat**:"), MediaPart("image", SMALL_PNG), TextPart("and its purr:"), sound)
    outputs = answer_outputs(result, footer="short")
    assert [sorted(data) for data, _ in outputs] == [
        ["text/markdown", "text/plain"],
        ["image/png", "text/plain"],
        ["text/markdown", "text/plain"],
        ["text/html", "text/plain"],
        ["text/markdown", "text/plain"],
    ]
    assert outputs[0][0] == {"text/markdown": "One **cat**:", "text/plain": "One **cat**:"}
    assert outputs[1][0] == {
        "image/png": base64.b64encode(SMALL_PNG).decode(),
        "text/plain": "[Image: 0.1 kB]",
    }
    assert outputs[4][0]["text/markdown"].endswith("m · 2 tokens</small>\n")
    assert [list(metadata) for _, metadata in outputs] == [["nbstream"], [], [], [], []]


def test_an_answer_without_images_is_the_one_output_that_it_was() -> None:
    result = answer(TextPart("Hi"))
    assert answer_outputs(result, footer="short") == [answer_bundle(result, footer="short")]


@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
def test_what_is_saved_is_of_a_kind_that_all_readers_of_notebooks_know(kind: str) -> None:
    [(data, _)] = answer_outputs(answer(MediaPart("image", drawn(kind=kind))))
    assert data.keys() == {"image/jpeg", "text/plain"}


def test_images_that_jupyter_would_drop_are_saved_smaller_and_that_is_said() -> None:
    large = MediaPart("image", drawn(1100, 900, noise=True))
    outputs = answer_outputs(answer(large, MediaPart("image", SMALL_PNG), large))
    kept = [next(iter(data.items())) for data, _ in outputs if "text/markdown" not in data]
    assert [kind for kind, _ in kept] == ["image/jpeg", "image/png", "image/jpeg"]
    assert sum(len(coded) for _, coded in kept) <= 2_400_000
    told = [data["text/markdown"] for data, _ in outputs if "text/markdown" in data]
    assert len(told) == 2
    assert all("smaller copy, for the notebook; stream\\_result\\.images has the image itself" in each for each in told)


def test_a_page_gets_a_copy_that_is_small_and_as_large_as_the_image_on_it() -> None:
    part = MediaPart("image", drawn(1600, 800, noise=True))
    [segment] = segments_of(answer(part))
    for room in (ON_PAGE, SMALL):
        shown = remark_of(segment, room)
        assert len(shown.source) <= room.characters + 30
        assert shown.size == "1600x800"
        assert max(opened(shown.source).size) <= room.side
    assert small_copy(SMALL_PNG) is None
    assert small_copy(b"x" * 1_000_000) is None


def test_transparency_stays() -> None:
    [segment] = segments_of(answer(MediaPart("image", drawn(1600, 800, mode="RGBA", colour="#ff000010"))))
    assert opened(remark_of(segment).source).mode == "RGBA"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<script>alert(1)</script>",
        SMALL_PNG[:60],
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\x02\0\0\0",
        b"\xff\xd8\xff",
    ],
    ids=["svg", "html", "cut", "bomb", "empty"],
)
def test_what_cannot_be_read_as_an_image_is_told_of_and_not_shown(data: bytes) -> None:
    result = answer(MediaPart("image", data, "image/svg+xml"))
    [segment] = segments_of(result)
    shown = remark_of(segment)
    assert (shown.source, shown.url) == ("", "")
    assert "not shown" in shown.words
    [(saved, _)] = answer_outputs(result)
    assert saved.keys() == {"text/markdown", "text/plain"}
    assert "<" not in saved["text/markdown"]


def test_an_address_is_a_link_and_nothing_is_loaded_from_there() -> None:
    sent: list[dict[str, Any]] = []
    AnswerFeed(sent.append).draw(answer(MediaPart("image", url="https://a.example/i.png")))
    assert sent[0]["blocks"][0][4] == (
        '<p class="nbs-step"><em>Image: <a href="https://a.example/i.png" target="_blank" '
        'rel="noopener noreferrer nofollow">https://a.example/i.png</a></em></p>'
    )
    markdown = answer_bundle(answer(MediaPart("image", url="https://a.example/i.png")))[0]["text/markdown"]
    assert markdown == "*Image:* [https://a\\.example/i\\.png](https://a.example/i.png)"
    for bad in ("javascript:alert(1)", "http://localhost:8888/lab", "data:image/svg+xml,<svg/>"):
        result = answer(MediaPart("image", url=bad))
        assert remark_of(segments_of(result)[0]).source == ""
        assert "](" not in answer_bundle(result)[0]["text/markdown"]


def test_previews_take_each_others_place_and_are_never_saved() -> None:
    sent: list[dict[str, Any]] = []
    feed = AnswerFeed(sent.append)
    previews = [drawn(colour=colour) for colour in ("grey", "pink")]
    streaming = [
        answer(TextPart("A cat:"), MediaPart("image", data, open=True, partial=True), state=StreamState.STREAMING)
        for data in previews
    ]
    final = answer(TextPart("A cat:"), MediaPart("image", SMALL_PNG))
    for snapshot in (*streaming, final):
        feed.draw(snapshot)
    blocks = [each for message in sent for each in message["blocks"] if each[0] == 1]
    assert len(blocks) == 3
    assert re.findall(r'src="([^"]*)"', feed.blocks()[1]) == [URL]
    assert 'width="40" height="30"' in feed.blocks()[1]
    for snapshot in streaming:
        assert "data:" not in partial_markdown(snapshot)
        assert "data:" not in answer_bundle(snapshot, pictures=False)[0]["text/markdown"]
    failed = answer(MediaPart("image", previews[0], partial=True), state=StreamState.FAILED)
    assert "data:" not in str(answer_outputs(failed))
    assert remark_of(segments_of(failed)[0]).words == "Image: only a preview has come, 0.1 kB"


def test_a_sound_is_played_once_it_is_whole_and_where_it_is_not_too_long() -> None:
    def source(part: MediaPart) -> str:
        return remark_of(segments_of(answer(part))[0]).source

    assert source(MediaPart("audio", bytes(8))).startswith("data:audio/wav;base64,")
    assert source(MediaPart("audio", bytes(8), open=True)) == ""
    assert source(MediaPart("audio", bytes(4_000_000))) == ""
    assert [*answer_outputs(answer(MediaPart("audio", bytes(4_000_000))))[0][0]] == ["text/markdown", "text/plain"]


def test_an_export_has_the_images_in_its_markdown() -> None:
    result = answer(TextPart("A cat:"), MediaPart("image", SMALL_PNG))
    assert answer_bundle(result, pictures=True)[0]["text/markdown"] == f"A cat:\n\n![Image: 0\\.1 kB]({URL})"


def test_what_stands_in_a_remark_is_shown_only_if_it_is_what_it_is_taken_for() -> None:
    from nbstream.markdown import Remark, inert, render

    for source in (
        "data:image/svg+xml;base64,AAAA",
        "data:text/html;base64,AAAA",
        'data:image/png;base64,A" onerror="alert(1)',
        "data:image/png,A",
        "https://a.example/i.png",
    ):
        remark = Remark('a "b" <c>', source=source)
        assert "src" not in render(remark)
        assert "](" not in inert(remark)
    remark = Remark('"><script>', source=URL, size='1" onload="x')
    assert render(remark) == f'<p class="nbs-step"><img src="{URL}" alt="&quot;&gt;&lt;script&gt;"></p>'
    assert Segment("line", "x").media is None


def test_an_image_that_a_tool_returned_is_an_output_and_its_copy_names_the_whole() -> None:
    def called(data: bytes) -> ToolCallPart:
        images = (MediaPart("image", data, "image/png"),)
        return ToolCallPart("c", "plot", "{}", run=ToolRun("completed", "An image.", images=images))

    small, large = called(SMALL_PNG), called(drawn(1100, 900, noise=True))
    outputs = [data for data, _ in answer_outputs(answer(small, large, TextPart("See.")))]
    assert [min(data) for data in outputs] == [
        "text/markdown",
        "image/png",
        "text/markdown",
        "image/jpeg",
        "text/markdown",
    ]
    assert outputs[1]["text/plain"] == "[Image from plot: image/png, 0.1 kB]"
    assert "stream\\_result\\.tool\\_runs\\[1\\]\\.run\\.images has the image itself" in outputs[4]["text/markdown"]
