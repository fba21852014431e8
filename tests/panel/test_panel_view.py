"""What a panel's view tells the page, message by message, and what it makes of the page's messages."""

from dataclasses import replace

import pytest

from nbstream.panel.view.panel_actions import perform
from nbstream.panel.view.panel_state import Attachment, PanelState, TurnView
from nbstream.panel.view.panel_view import PanelView
from nbstream.result import StreamResult, StreamState
from nbstream.tools.approval import Allowance
from nbstream.tools.tool import Tool
from tests import comms
from tests.panel_page import REQUEST, Reader, exchange


class Page:
    """What has been sent to the page."""

    def __init__(self, ends):
        self.reader = Reader()
        self.view = PanelView(self.reader)
        self.take = ends.take
        self._ends = ends

    def says(self, **message):
        self._ends.says(message)
        return self.take()

    def shows(self, *turns, **state):
        self.view.show(PanelState(turns=turns, **state))
        return self.take()


@pytest.fixture
def page(monkeypatch):
    page = Page(comms.Page(monkeypatch))
    yield page
    page.view.close()


def drawn(page, turn_id, *texts):
    surface = page.view.surface(turn_id)
    surface.open(REQUEST, lambda: None)
    for text in texts:
        surface.draw(StreamResult(text, StreamState.STREAMING))
    return surface


def test_only_what_differs_is_sent(page):
    page.says(type="hello")
    asked, said = exchange(1)
    (first,) = page.shows(asked, said, model="m")
    assert first["surroundings"] == {"model": "m"}
    assert first["order"] == ["u1", "a1"]
    assert [content["id"] for content in first["contents"]] == ["u1", "a1"]
    assert page.shows(asked, said, model="m") == []
    (changed,) = page.shows(asked, replace(said, included=False), model="m")
    assert "order" not in changed
    assert [(head["id"], head["included"]) for head in changed["heads"]] == [("a1", False)]
    assert changed["number"] == first["number"] + 1
    assert changed["contents"] == [], "what pages have is not sent again"


@pytest.fixture
def rendered(monkeypatch):
    """The texts of settled turns that were rendered."""
    texts: list[str] = []

    def render(segments, _):
        texts.extend(segment.text for segment in segments)
        return [segment.text for segment in segments]

    monkeypatch.setattr("nbstream.panel.view.settled_turns.render_segments", render)
    return texts


def test_a_turn_is_rendered_once(page, rendered):
    page.says(type="hello")
    for noted in ("", "a", "b"):
        page.shows(*(replace(turn, note=noted) for turn in exchange(1)))
    page.says(type="want", turns=["a1", "u1"])
    assert rendered == ["Question 1", "An **answer**."]
    page.shows(exchange(1)[0], replace(exchange(1)[1], text="Another"))
    assert rendered[2:] == ["Another"]


def test_before_there_is_a_page_nothing_is_rendered(page, rendered):
    page.shows(*exchange(1))
    assert rendered == []
    assert not page.view.on_screen
    (outline,) = page.says(type="hello")
    assert page.view.on_screen
    assert (outline["type"], outline["order"]) == ("outline", ["u1", "a1"])


def test_an_answer_that_has_streamed_is_not_sent_again(page):
    page.says(type="hello")
    asked, said = exchange(1, "Hi *you*")
    surface = drawn(page, "a1", "Hi", "Hi *you*")
    page.shows(asked, replace(said, state="pending", text=""), running="a1")
    surface.close(StreamResult("Hi *you*", StreamState.COMPLETED, "stop"))
    streamed = page.take()
    last = max(message["message"]["number"] for message in streamed)
    (state,) = page.shows(asked, said)
    (content,) = state["contents"]
    assert content["blocks"] is None
    assert content["stream"] == [1, last]
    assert content["text"] == "Hi *you*"
    (wanted,) = page.says(type="want", turns=["a1"])
    assert wanted["contents"][0]["blocks"] == ["<p>Hi <em>you</em></p>"]
    assert wanted["contents"][0]["version"] == content["version"]


def test_an_answer_that_was_changed_after_it_streamed_is_sent_whole(page):
    page.says(type="hello")
    surface = drawn(page, "a1", "Hi")
    page.take()
    (state,) = page.shows(*exchange(1, "Other"))
    assert state["contents"][-1]["blocks"] == ["<p>Other</p>"]
    surface.draw(StreamResult("Hi again", StreamState.STREAMING))
    assert page.take() == [], "who was replaced is not heard"


def test_a_second_stream_of_a_turn_takes_the_place_of_the_first(page):
    first = drawn(page, "a1", "One")
    second = drawn(page, "a1", "Two")
    page.take()
    first.draw(StreamResult("One more", StreamState.STREAMING))
    second.draw(StreamResult("Two more", StreamState.STREAMING))
    (message,) = page.take()
    assert (message["stream"], message["message"]["number"]) == (2, 2)


def test_who_joins_late_gets_the_outline_and_the_streams(page):
    page.shows(*exchange(1))
    drawn(page, "a2", "Half")
    page.take()
    outline, stream = page.says(type="hello")
    assert [head["id"] for head in outline["heads"]] == ["u1", "a1"]
    assert stream["message"]["type"] == "snapshot"
    assert stream["message"]["blocks"] == ["<p>Half</p>"]
    (again,) = page.says(type="resync", turn="a2")
    assert (again["turn"], again["stream"], again["message"]["blocks"]) == ("a2", 1, ["<p>Half</p>"])


def test_contents_come_in_batches_the_most_wanted_first(page):
    turns = [TurnView(f"t{number}", "user", "x" * 60_000) for number in range(5)]
    page.shows(*turns)
    (batch,) = page.says(type="want", turns=["t4", "gone", 7, "t3", "t2", "t1", "t0"])
    assert [content["id"] for content in batch["contents"]] == ["t4"]
    (batch,) = page.says(type="want", turns=[])
    assert batch["contents"] == []


def test_deleted_turns_are_forgotten_but_not_other_versions(page, rendered):
    page.says(type="hello")
    page.shows(*exchange(1), *exchange(2, "Another answer"))
    page.shows(exchange(1)[0], replace(exchange(1)[1], siblings=("a1", "a2")))
    del rendered[:]
    page.shows(*exchange(1), *exchange(2, "Another answer"))
    page.says(type="want", turns=["u1", "a1", "u2", "a2"])
    assert rendered == ["Question 2"]


def test_an_answer_whose_turn_has_gone_is_forgotten_once_it_has_ended(page):
    surface = drawn(page, "a2", "Half")
    page.shows(*exchange(1))
    assert [message["type"] for message in page.says(type="hello")] == ["outline", "stream"]
    surface.close(StreamResult("Half", StreamState.CANCELLED))
    page.shows(exchange(1)[0])
    assert [message["type"] for message in page.says(type="hello")] == ["outline"]


def test_what_an_action_raises_is_a_reply_of_one_line(page):
    page.reader.error = ValueError("no\x1b[31m\nkey")
    assert page.says(type="do", id=3, action="stop") == [{"type": "reply", "id": 3, "error": "no␛[31m key"}]
    page.reader.error = KeyError()
    assert page.says(type="do", id=4, action="stop")[0]["error"] == "KeyError"


@pytest.mark.parametrize(
    ("message", "done"),
    [
        ({"action": "send", "text": "Hi", "attachments": []}, ("send", "Hi", ())),
        (
            {"action": "send", "text": "", "attachments": [{"name": "a", "type": "t", "url": "u", "text": "x"}, 7]},
            ("send", "", (Attachment("a", "t", "u", "x"), Attachment("file"))),
        ),
        ({"action": "edit", "target": "u1", "text": "x"}, ("edit", "u1", "x")),
        ({"action": "retry", "target": "a1"}, ("retry", "a1")),
        ({"action": "stop", "turn": "a1"}, ("stop", "a1")),
        ({"action": "stop"}, ("stop",)),
        ({"action": "include", "target": "a1", "included": True}, ("include", "a1", True)),
        ({"action": "set", "name": "temperature", "value": 0.5}, ("set", "temperature", 0.5)),
        ({"action": "set", "name": "temperature", "value": None}, ("set", "temperature", None)),
        ({"action": "set", "name": "x", "value": [1]}, None),
        ({"action": "edit", "target": "u1"}, None),
        ({"action": "__init__", "target": "u1"}, None),
        ({"action": ["stop"]}, None),
        ({}, None),
    ],
)
def test_messages_become_calls_and_others_nothing(message, done):
    reader = Reader()
    assert perform(reader, message) is None
    assert reader.done == ([] if done is None else [done])


def test_an_export_is_a_value():
    value = perform(Reader(), {"action": "export", "kind": "json"})
    assert value == {"filename": "chat.json", "mime": "text/plain", "text": "All of it."}


def test_what_is_allowed_for_good_stays_in_sight_until_it_is_revoked(page):
    def add(a: int) -> int:
        return a

    tool = Tool(add)
    tool.always = True
    page.says(type="hello")
    drawn(page, "a1").allowed(Allowance(tool))
    assert page.take()[-1]["surroundings"] == {"allowed": ("add",)}
    assert page.shows(*exchange(1), model="m")[-1]["surroundings"] == {"model": "m"}
    (outline,) = page.says(type="hello")
    assert outline["surroundings"]["allowed"] == ("add",)
    *_, reply = page.says(type="do", id=7, action="revoke", target="add")
    assert (reply["type"], reply["id"]) == ("reply", 7)
    assert (page.view.shown.allowed, tool.always) == ((), False)
