"""Messages with files, there and back again."""

import pytest

from nbstream.conversation.messages import content_from
from nbstream.errors import UsageError
from nbstream.panel.attachments import attachments_of, edited, prompt_from, text_of
from nbstream.panel.view.panel_state import Attachment

IMAGE = Attachment("image", "image/png", "data:image/png;base64,iVBORw0KGgo=")
FILE = Attachment("notes.txt", "text/plain", text="a\n```\nb")


def sent(text, *files):
    return content_from(prompt_from(text, files))


def test_a_message_without_files_is_its_text():
    assert prompt_from("Hi") == "Hi"


def test_an_image_is_a_part_of_its_own():
    assert prompt_from("Look", [IMAGE]) == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": IMAGE.url}},
    ]


@pytest.mark.parametrize(
    "text",
    ["", "a", "```", "x ```` y\n```", "File a:\n\n```\nb\n```", "\n\n", "\U0001f600\r\nline", "`" * 20],
)
def test_a_text_file_comes_back_as_it_was(text):
    file = Attachment("my file (1).txt", text=text)
    content = sent("Look", file, IMAGE)
    assert attachments_of(content) == (file, IMAGE)
    assert text_of(content) == "Look"


def test_files_alone_can_be_sent():
    content = sent("  ", FILE)
    assert (text_of(content), attachments_of(content)) == ("", (FILE,))


def test_an_edited_message_keeps_its_files():
    assert edited(sent("Look", FILE, IMAGE), "Look again") == prompt_from("Look again", [FILE, IMAGE])
    assert edited("Hi", "Ho") == "Ho"
    with pytest.raises(UsageError, match="nothing to send"):
        edited("Hi", " ")


def test_parts_of_other_kinds_are_kept_and_named():
    content = content_from([{"type": "text", "text": "Hear"}, {"type": "input_audio", "input_audio": {"data": "…"}}])
    assert attachments_of(content) == (Attachment("input_audio", "application/octet-stream"),)
    assert edited(content, "Listen")[1] == {"type": "input_audio", "input_audio": {"data": "…"}}


def test_a_pdf_is_shown_by_its_name():
    content = content_from([{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:…"}}])
    assert attachments_of(content) == (Attachment("a.pdf", "application/octet-stream"),)


@pytest.mark.parametrize("url", ["https://example.org/a.png", "data:text/html;base64,PHNjcmlwdD4=", "javascript:x"])
def test_an_image_elsewhere_is_named_and_not_shown(url):
    content = content_from([{"type": "image_url", "image_url": {"url": url}}])
    assert attachments_of(content) == (Attachment(url, "image/*"),)


@pytest.mark.parametrize(
    ("text", "file", "words"),
    [
        (" ", None, "nothing to send"),
        ("Hi", Attachment("a.svg", "image/svg+xml", 'data:image/svg+xml,<svg onload="x">'), "a.svg is not an image"),
        ("Hi", Attachment("a.png", "image/png", "https://example.org/a.png"), "a.png is not an image"),
        ("Hi", Attachment("a.txt", text="x" * 1_000_001), "a.txt is too long"),
    ],
)
def test_what_cannot_be_sent_is_said_so(text, file, words):
    with pytest.raises(UsageError, match=words):
        prompt_from(text, [file] if file else [])


def test_a_name_is_one_line():
    assert attachments_of(sent("Hi", Attachment("a\nb:\n\n```", text="x")))[0].name == "a b: ```"
