"""What the live view of a comparison tells its pages, message by message."""

import threading

import pytest

from nbstream.many.comparison.blind import blinded
from nbstream.many.comparison.view import ComparisonView
from nbstream.markdown.lexers import lexer_of
from nbstream.result import Retry, StreamResult, StreamState, Timing
from tests import comms

SOME, DONE = StreamState.STREAMING, StreamState.COMPLETED


class Page:
    def __init__(self, ends):
        self.stopped: list[int | str] = []
        stops = [lambda number=number: self.stopped.append(number) for number in range(2)]
        self.view = ComparisonView(["a", "b"], lambda: self.stopped.append("all"), stops)
        self.take_all, self.says = ends.take, lambda **message: ends.says(message)

    def take(self):
        return [message for message in self.take_all() if not message.get("message", message).get("unasked")]


@pytest.fixture
def page(monkeypatch):
    page = Page(comms.Page(monkeypatch))
    yield page
    page.view.close()


def text(words, state=SOME, ttft=None, **more):
    return StreamResult(words, state, "stop", model="m", timing=Timing(ttft=ttft), **more)


def test_a_page_that_draws_at_once_knows_the_columns(monkeypatch):
    ends = comms.Page(monkeypatch)
    page = Page(ends)
    assert [data["state"]["names"] for _, data in ends.messages if "names" in data["state"]] == [["a", "b"]]
    assert {kind for kind, _ in ends.messages} == {"comm_open"}
    page.view.close()


def test_each_column_has_its_own_messages_and_the_time_to_its_first_token_once(page):
    page.view.draw(0, text("Hi", ttft=0.25))
    page.view.draw(0, text("Hi you", ttft=0.25))
    page.view.draw(1, text("Ha"))
    told = page.take()
    assert [(each["column"], each.get("first"), each["message"]["number"]) for each in told] == [
        (0, 0.25, 1),
        (0, None, 2),
        (1, None, 1),
    ]
    page.view.end(0, text("Hi you", DONE, ttft=0.25))
    assert page.take()[-1]["message"]["facts"] == ["complete", "first token after 0.25 s"]


def test_a_page_that_comes_late_gets_all_columns(page):
    page.view.draw(0, text("Hi", ttft=0.25))
    page.take()
    page.says(type="hello", view="v")
    snapshots = page.take()
    assert [each["message"]["type"] for each in snapshots] == ["snapshot", "snapshot"]
    assert [each["message"]["blocks"] for each in snapshots] == [["<p>Hi</p>"], []]
    assert snapshots[0]["first"] == 0.25
    page.says(type="column", column=1, message={"type": "resync"})
    assert [each["column"] for each in page.take()] == [1]


def test_one_or_all_are_stopped(page):
    page.says(type="column", column=1, message={"type": "stop"})
    page.says(type="stop")
    for nonsense in (
        {"column": 7, "message": {"type": "stop"}},
        {"column": 0},
        {"column": 0, "message": {"type": "?"}},
    ):
        page.says(type="column", **nonsense)
    assert page.stopped == [1, "all"]
    assert page.take() == [
        {"type": "column", "column": 1, "message": {"type": "stopping"}},
        {"type": "stopping"},
    ]


def test_nothing_is_rendered_or_sent_while_nobody_sees_it(page):
    page.says(type="hello", view="v")
    page.says(type="away", view="v")
    page.take()
    for number in range(50):
        page.view.draw(0, text("word " * number))
    assert page.take() == []
    page.says(type="back", view="v")
    assert "word word" in page.take()[-2]["message"]["blocks"][0]
    page.says(type="gone", view="v")
    page.view.draw(0, text("word " * 60))
    assert page.take() == []
    page.view.end(0, text("word", DONE))
    assert page.take()[-1]["message"]["type"] == "end"


def test_colours_are_asked_for_only_while_somebody_sees_them(page, lexer_gate):
    code, touched = text("```lua\nx = 1\n```\n\nMore"), threading.Event()
    page.view.columns[0].feed.refresh_by(touched.set)
    page.says(type="hello", view="v")
    page.view.draw(0, code)
    lexer_gate.set()
    assert touched.wait(60)
    page.take()
    page.view.draw(0, code)
    assert '<span class="mi">' in str(page.take())
    touched.clear()
    page.says(type="away", view="v")
    page.view.draw(0, text("```lua\nx = 1\n```\n\nMore\n\n```perl\n1\n```\n\nMore"))
    assert lexer_of("perl").result(60) is not None
    assert not touched.is_set()


def test_what_is_blind_tells_no_names(page):
    pause = Retry("rate limited by api.example", 2.0, attempt=2, attempts=3)
    page.view.draw(0, blinded(text("Hi", ttft=0.25, retry=pause)))
    page.view.end(0, blinded(text("Hi", DONE, ttft=0.25)))
    told = str(page.take())
    assert not [word for word in ("'m'", "0.25", "api.example", "first") if word in told]
