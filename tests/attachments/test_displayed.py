"""Images that cells have displayed, attached by the number of the cell; and how much goes with a question at most."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.displaypub import DisplayPublisher

import nbstream as nbs
from nbstream.attachments.attached import attached
from nbstream.attachments.displayed import DisplayedImages, images_of_cell
from nbstream.attachments.files import made_file
from nbstream.attachments.images import made_image
from nbstream.errors import UsageError
from nbstream.media import MediaPart
from nbstream.testing import responses_body
from tests.pictures import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.testing import FaultServer

RED, BLUE = drawn(), drawn(colour="blue")


class HookedPublisher(DisplayPublisher):
    """A publisher whose messages pass hooks, as ipykernel's do."""

    def register_hook(self, hook: Any) -> None:
        self.hooks = [*getattr(self, "hooks", []), hook]

    def unregister_hook(self, hook: Any) -> None:
        self.hooks.remove(hook)

    def publish(self, data: Any, metadata: Any = None, **_: Any) -> None:  # type: ignore[override]
        for hook in self.hooks:
            hook({"content": {"data": data, "metadata": metadata}})


@pytest.fixture
def watched(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell in which what is displayed is noted."""
    monkeypatch.setattr(shell, "display_pub", HookedPublisher())
    DisplayedImages.noted.clear()
    DisplayedImages.watch(shell)
    yield shell
    DisplayedImages.noted.clear()
    DisplayedImages.leave(shell)
    assert shell.display_pub.hooks == []


def sent(*images: Any) -> list[bytes]:
    parts = attached("What is it?", image=list(images)).prompt
    assert isinstance(parts, list)
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


def test_what_a_cell_displays_is_attached_by_its_number(watched: Any) -> None:
    DisplayedImages.watch(watched)  # once is enough
    watched.user_ns |= {"red": RED, "blue": BLUE}
    number = watched.execution_count
    shown = "display(Image(red), 'text', Image(blue))"
    watched.run_cell(f"from IPython.display import Image, display; {shown}", store_history=True)
    watched.run_cell("1 + 1", store_history=True)
    watched.run_cell("Image(blue)", store_history=True)
    assert images_of_cell(number) == [RED, BLUE]
    assert images_of_cell(number + 2) == [BLUE]
    assert len(sent(number)) == 2
    assert sent(number + 2) == sent(BLUE)
    with pytest.raises(UsageError, match=rf"no image is known of cell {number + 1}; .* since %load_ext nbstream"):
        images_of_cell(number + 1)


@pytest.mark.parametrize(
    "data",
    [{"image/png": "no base64!"}, {"image/png": base64.b64encode(b"<svg/>").decode()}, {"image/svg+xml": "<svg/>"}],
)
def test_what_is_no_image_is_not_noted(watched: Any, data: dict[str, str]) -> None:
    watched.user_ns["data"] = data
    watched.run_cell("from IPython.display import display; display(data, raw=True)", store_history=True)
    assert list(DisplayedImages.noted) == []


def test_an_image_of_an_answer_is_attached() -> None:
    assert sent(MediaPart("image", RED)) == sent(RED)
    with pytest.raises(UsageError, match="an image is a path, bytes, a PIL image, a matplotlib figure, the number of"):
        sent(MediaPart("image", url="https://a.example/i.png"))


def test_too_many_images_and_too_large_ones_together_are_refused() -> None:
    assert len(sent(*[RED] * 50)) == 50
    with pytest.raises(UsageError, match="51 images are too many; up to 50 can go with a question"):
        sent(*[RED] * 51)
    pdf = b"%PDF-" + bytes(20_000_000)
    with pytest.raises(UsageError, match="too large: 53 MB; all that goes with a question can be up to 45 MB together"):
        attached("Read", file=[pdf, pdf])


@pytest.mark.sdk
def test_an_uploaded_image_goes_by_its_id(loopback: FaultServer) -> None:
    part = {"type": "input_image", "file_id": "file-abc123XYZ", "detail": "auto"}
    assert made_image("file-abc123XYZ").part == part
    loopback.send(responses_body("A cat."))
    chat = nbs.Chat(model="m", api="responses", base_url=loopback.base_url)
    chat.stream("What is it?", image="file-abc123XYZ", display=False)
    asked = loopback.requests[0].json["input"][0]["content"]
    assert asked == [{"type": "input_text", "text": "What is it?"}, part]
    assert "What is it?" in chat.to_markdown()
    assert len(nbs.ChatPanel(chat).chat.turns) == 2
    with pytest.raises(UsageError, match=r'the id of an image is for the Responses API; .* api="responses"'):
        nbs.stream("What is it?", image="file-abc123XYZ", model="m", api="chat", base_url=loopback.base_url)


def test_an_uploaded_file_goes_by_its_id() -> None:
    assert made_file("file-abc123XYZ").part == {"type": "file", "file": {"file_id": "file-abc123XYZ"}}
    with pytest.raises(UsageError, match=r"there is no file file-a\.txt"):
        made_file("file-a.txt")
