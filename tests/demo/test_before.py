"""Pictures, thoughts and sources of the demo, on both APIs, as the SDK reads them and as nbstream does."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.demo.picture import pictures
from nbstream.media import image_type
from nbstream.parts import ActivityPart, MediaPart, TextPart

if TYPE_CHECKING:
    from collections.abc import Callable

    import openai

PICTURE = pictures()[-1]

pytestmark = pytest.mark.usefixtures("demo")


def test_each_preview_is_another_image() -> None:
    assert len(set(pictures())) == 3
    assert {image_type(each) for each in pictures()} == {"image/png"}


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_picture_comes_before_the_text_and_its_previews_go(api: Any) -> None:
    result = nbs.stream("Draw me hills", model="demo", api=api, display=False)
    assert [image.data for image in result.images] == [PICTURE]
    kinds: list[Any] = [MediaPart, TextPart] if api == "chat" else [ActivityPart, MediaPart, TextPart]
    assert [type(part) for part in result.parts] == kinds
    assert (result.state, result.finish_reason) == ("completed", "stop")
    assert "Here is the picture" in result.text


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_cites_its_sources(api: Any, *, stream: bool) -> None:
    result = nbs.stream("What is SSE? Answer with sources", model="demo", api=api, stream=stream, display=False)
    [part] = [part for part in result.parts if isinstance(part, TextPart)]
    assert [citation.title for citation in part.citations] == ["HTML Standard", "OpenAI API reference"]
    spans = [part.text[citation.start : citation.end] for citation in part.citations]
    assert spans == [f"[{citation.title}]({citation.url})" for citation in part.citations]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False])
def test_thoughts_come_before_the_text_and_are_counted(api: Any, *, stream: bool) -> None:
    def asked(prompt: str, **options: Any) -> nbs.StreamResult:
        return nbs.stream(prompt, model="demo", api=api, stream=stream, display=False, **options)

    result = asked("Think first: what is nbstream?")
    assert result.reasoning.startswith("**I am a script**")
    assert result.reasoning.count("\n\n") == 2
    assert result.usage is not None
    assert result.usage.reasoning_tokens is not None
    assert 20 < result.usage.reasoning_tokens < result.usage.output_tokens
    assert asked("Hello", reasoning="low").reasoning.count("\n\n") == 0
    assert asked("Hello").reasoning == ""
    cut = asked("Think first", max_tokens=5)
    assert (cut.text, cut.finish_reason) == ("", "length")


def test_the_sdk_reads_all_of_it(client: openai.OpenAI) -> None:
    asked: Any = {"model": "demo", "input": "Draw, and think first"}
    with client.responses.stream(**asked) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds.count("response.image_generation_call.partial_image") == 2
    final = next(event.response for event in events if event.type == "response.completed")
    assert [item.type for item in final.output] == ["image_generation_call", "message"]
    [call] = [item for item in final.output if item.type == "image_generation_call"]
    assert base64.b64decode(call.result or "") == PICTURE
    reasoned = client.responses.create(model="demo", input="Think first")
    assert [item.type for item in reasoned.output] == ["reasoning", "message"]


def test_a_continued_answer_has_no_picture_of_its_own(ask: Callable[..., Any]) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": "Draw"}, {"role": "assistant", "content": "*A"}]}
    assert "images" not in ask("/v1/chat/completions", body).json["choices"][0]["message"]
