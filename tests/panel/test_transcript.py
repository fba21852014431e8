"""The output that a notebook keeps: the conversation, harmless, never too large to be sent."""

import html
import json
import re
from html.parser import HTMLParser

import pytest

from nbstream.conversation.chat import Chat
from nbstream.conversation.conversation import Conversation
from nbstream.conversation.document import Document
from nbstream.conversation.turn import Turn, answer_turn
from nbstream.errors import StreamError
from nbstream.media import MediaPart, image_type
from nbstream.panel.attachments import prompt_from
from nbstream.panel.notebook_file import METADATA_KEY, newest_chat
from nbstream.panel.transcript import Transcript
from nbstream.panel.view.panel_state import Attachment
from nbstream.result import StreamResult, StreamState, TextPart
from nbstream.testing import error_body
from tests.payloads import PAYLOADS
from tests.pictures import drawn

LIMIT = 3_000_000  # what Jupyter lets through in three seconds


def chat_of(*texts, **options):
    roles = ["user", "assistant"] * len(texts)
    return Chat(messages=[{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)], **options)


def bundle(chat):
    _, _, *kept = Transcript("k", divided=False).keep(chat, "2026-01-01")
    return kept


def size(data, metadata):
    return len(json.dumps(data)) + len(json.dumps(metadata))


def test_the_conversation_is_there_in_each_form_and_to_be_restored():
    chat = chat_of("What is **it**?", "It is *this*.", model="m", name="talk")
    data, metadata, warning = bundle(chat)
    assert data["text/html"].startswith(
        '<div class="nbs-transcript" data-panel="k"><div style="margin: 1em 0"><p><strong>You</strong></p>'
    )
    assert "<em>this</em>" in data["text/html"]
    assert "## User\n\nWhat is **it**?\n\n## Assistant\n\nIt is *this*." in data["text/markdown"]
    assert "It is *this*." in data["text/plain"]
    assert Chat.from_dict(json.loads(json.dumps(metadata))[METADATA_KEY]["chat"]).messages == chat.messages
    assert metadata[METADATA_KEY]["saved_at"] == "2026-01-01"
    assert warning == ""


def test_columns_are_aligned_as_they_were_written():
    # A front end aligns cells of HTML to the right.
    data, *_ = bundle(chat_of("Hi", "| a | b |\n|---|--:|\n| `<td>` | d |"))
    cells = re.findall("<t[hd] [^>]*>", data["text/html"])
    sides = [("th", "center"), ("th", "right"), ("td", "left"), ("td", "right")]
    assert cells == [f'<{tag} style="text-align: {side}">' for tag, side in sides]
    assert "&lt;td&gt;" in data["text/html"]


def test_code_has_the_front_ends_colours():
    data, *_ = bundle(chat_of("Hi", "```python\nimport os  # <span class='k'>\n```"))
    assert re.findall(r'<span style="color: var\(--jp-mirror-editor-(\w+)-color\)', data["text/html"]) == [
        "keyword",
        "def",
        "comment",
    ]
    assert '<span class="' not in data["text/html"]


def test_images_are_shown_and_other_files_named_with_how_to_go_on():
    url = "data:image/png;base64,iVBORw0KGgo="
    hostile = 'data:image/png;base64,x" onerror="alert(1)'
    for given, shown in ((url, f'<img src="{url}" alt="image" style'), (hostile, f"<em>{html.escape(hostile)}</em>")):
        parts = [{"type": "image_url", "image_url": {"url": given}}]
        chat = Chat(messages=[{"role": "user", "content": parts}, {"role": "assistant", "content": "Yes"}])
        data, *_ = bundle(chat)
        assert shown in data["text/html"]
        assert data["text/html"].endswith(
            "<p><em>To continue this conversation, run <code>nbs.ChatPanel.restore()</code>.</em></p></div>"
        )


def test_an_empty_chat_says_so():
    data, _, _ = bundle(Chat(model="m"))
    assert data["text/markdown"] == "*An empty chat.*"
    assert "An empty chat." in data["text/html"]
    assert data["text/plain"] == "An empty chat."


def test_keys_are_not_kept():
    words = json.dumps(bundle(chat_of("Hi", model="m", api_key="sk-secret-secret")))
    assert "secret" not in words


_STYLE = (
    r"margin: 1em 0|text-align: (left|center|right)"
    r"|color: var\(--jp-mirror-editor-[a-z0-9-]+\)(; font-(weight: bold|style: italic))?"
)


class Dangers(HTMLParser):
    """Whatever of the HTML could do something, or ask another server."""

    def __init__(self):
        super().__init__()
        self.tags: set[str] = set()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            bad_link = name == "href" and not re.match(
                r"\s*(https?://|mailto:|[^:]*$|[^:]*[/?#])", value or "", re.IGNORECASE
            )
            bad_style = name == "style" and not re.fullmatch(_STYLE, value)
            acts = name.startswith("on") or name in {"src", "srcdoc", "srcset", "action"}
            if bad_link or bad_style or acts:
                self.found.append(f"{tag} {name}={value}")


SAFE_TAGS = set(
    re.findall(
        r"\w+",
        "a blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr input li ol p pre s section small span strong"
        " sup table tbody td th thead tr ul",
    )
)


def dangers_of(html):
    parser = Dangers()
    parser.feed(html)
    parser.close()
    return parser.tags - SAFE_TAGS, parser.found


@pytest.mark.parametrize("kind", sorted({payload.kind for payload in PAYLOADS}))
def test_nothing_hostile_that_was_said_can_do_anything(kind):
    texts = [payload.text for payload in PAYLOADS if payload.kind == kind]
    data, *_ = bundle(chat_of(*(text for text in texts for _ in range(2))))
    assert dangers_of(data["text/html"]) == (set(), [])


HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def test_nothing_hostile_in_names_models_files_and_errors_can_do_anything(loopback):
    refused = {"status": 400, "headers": {"content-type": "application/json"}}
    loopback.send(error_body(HOSTILE), **refused)
    chat = Chat(model=HOSTILE, base_url=loopback.base_url, name=HOSTILE, messages=[{"role": HOSTILE, "content": "x"}])
    with pytest.raises(StreamError):
        chat.stream(prompt_from("Hi", [Attachment(HOSTILE, text=HOSTILE)]), display=False)
    data = Transcript(HOSTILE, divided=False).keep(chat, "").data
    assert data["text/html"].count("alert(1)") >= 4
    assert dangers_of(data["text/html"]) == (set(), [])


def test_each_turn_is_rendered_once(monkeypatch):
    rendered: list[str] = []

    def note(text):
        rendered.append(text)
        return text

    monkeypatch.setattr("nbstream.panel.transcript.render", note)
    transcript, chat = Transcript("k"), chat_of("a", "b")
    transcript.keep(chat, "")
    transcript.keep(chat, "")
    assert sorted(rendered) == ["a", "b"]


def test_a_long_conversation_shows_its_newest_turns():
    chat = chat_of(*[f"turn {number} " + "word " * 700 for number in range(300)])
    data, metadata, warning = bundle(chat)
    assert "Earlier turns (" in data["text/html"]
    assert "turn 299 " in data["text/html"]
    assert "turn 0 " not in data["text/html"]
    assert "turn 0 " in data["text/markdown"]
    assert (warning, "chat" in metadata[METADATA_KEY]) == ("", True)
    assert 1_000_000 < len(data["text/markdown"]) < size(data, metadata) < LIMIT


def test_earlier_turns_are_sent_again_only_now_and_then(tmp_path):
    whole = chat_of(*(f"turn {number} " + "word " * 500 for number in range(40))).to_dict()
    transcript, path = Transcript("k"), tmp_path / "talk.ipynb"
    early, late = [], []
    for number in range(40):
        chat = Chat.from_dict({**whole, "turns": whole["turns"][: number + 1]})
        kept = transcript.keep(chat, f"2026-01-{number:02}")
        assert kept.earlier is not None
        early.append(json.dumps([kept.earlier, kept.before]))
        late.append(json.dumps([kept.data, kept.metadata]))
        for kind in ("text/html", "text/markdown"):
            told = re.findall(r"turn (\d+) ", kept.earlier[kind] + kept.data[kind])
            assert [int(each) for each in told] == list(range(number + 1)), "each turn is in one of them"
        outputs = [{"metadata": kept.metadata}, {"metadata": kept.before}]
        path.write_text(json.dumps({"cells": [{"outputs": outputs}]}))
        assert Chat.from_dict(newest_chat(path)[0]).messages == chat.messages
    assert max(map(len, late[20:])) <= 1.05 * max(map(len, late[:20])) < 120_000, "a turn costs no more later"
    assert len(set(early)) < 6
    chat.delete(chat.turns[2].id)
    kept = transcript.keep(chat, "")
    assert kept.earlier is not None
    assert "turn 0 " in kept.earlier["text/html"] + kept.data["text/html"]


def test_what_is_too_large_for_a_notebook_is_said_so():
    chat = chat_of(*["word " * 20_000 for _ in range(30)])
    data, metadata, warning = bundle(chat)
    assert "panel.chat.save(path)" in warning
    assert "too large" in data["text/markdown"]
    assert "chat" not in metadata[METADATA_KEY]
    assert size(data, metadata) < LIMIT


def test_large_images_are_kept_as_smaller_copies_and_shown():
    picture = MediaPart("image", drawn(1100, 900, noise=True), "image/png")
    talk = Conversation()
    made = StreamResult(parts=(TextPart("Hills:"), picture, picture), state=StreamState.COMPLETED, finish_reason="stop")
    talk.commit(None, [Turn("Q", "user", "Draw"), answer_turn("A", made)])
    chat = Chat.from_dict(Document(talk).to_dict())
    data, metadata, warning = bundle(chat)
    assert warning == ""
    assert size(data, metadata) < 500_000
    assert data["text/html"].count('<img src="data:image/webp;base64,') == 2
    assert "data:" not in data["text/markdown"]
    [kept, _] = Chat.from_dict(metadata[METADATA_KEY]["chat"]).turns[1].result.images
    assert (image_type(kept.data), kept.media_type) == ("image/webp", "image/webp")
    assert chat.turns[1].result.images == (picture, picture)
