"""What a live view tells the page about pauses, reasoning, beginnings again and ends, message by message."""

import threading

import pytest

from nbstream.display.live_view import LiveView
from nbstream.errors import StalledError
from nbstream.markdown import render
from nbstream.result import Retry, StreamResult, StreamState, Timing, Usage
from nbstream.tools.approval import Allowance
from nbstream.tools.tool import Tool
from tests import comms
from tests.slots import Slots

SOME = StreamState.STREAMING
PAUSE = Retry("rate limited", 2.0, attempt=2, attempts=3)
FACTS = {"reason": "rate limited", "attempt": 2, "attempts": 3}


class Page:
    """What has been sent to the page, and the hands of the kernel's clock."""

    def __init__(self, ends):
        self.now = 100.0
        self.stopped = 0
        self.view = LiveView("m", self._stop, now=lambda: self.now)
        self.take_all = ends.take
        self.take = lambda: [message for message in ends.take() if not message.get("unasked")]
        self.says = lambda **message: ends.says(message)

    def _stop(self):
        self.stopped += 1


@pytest.fixture
def page(monkeypatch):
    page = Page(comms.Page(monkeypatch))
    yield page
    page.view.close()


def test_what_is_allowed_for_good_can_be_revoked_also_below_the_static_answer(page):
    tool = Tool(abs_of)
    tool.always = True
    page.says(type="hello", view="v")
    page.view.allowed(Allowance(tool))
    page.view.allowed(Allowance(tool))
    snapshot, told = page.take()
    assert (snapshot["allowed"], told["allowed"], told["questions"]) == ([], ["abs_of"], [])
    page.view.end(StreamResult("Hi", StreamState.COMPLETED))
    page.says(type="gone", view="v")
    page.take()
    page.says(type="revoke", tool="abs_of")
    assert page.take()[-1]["allowed"] == []
    assert not tool.always


def abs_of(number: int) -> int:
    return abs(number)


def test_a_page_that_is_not_heard_is_sent_all_now_and_then(page):
    sent = []
    for number in range(9):
        page.view.draw(StreamResult("x" * number, SOME))
        sent.append([message["type"] for message in page.take_all() if message["type"] == "snapshot"])
        page.now += 1
    assert [number for number, types in enumerate(sent) if types] == [1, 3, 7]
    page.says(type="hello", view="v")
    [answer] = page.take()
    assert "unasked" not in answer
    page.now += 100
    page.view.draw(StreamResult("the end", SOME))
    assert [message["type"] for message in page.take()] == ["patch"]


def test_a_pause_is_told_once_and_its_end_too(page):
    for retry in (None, PAUSE, PAUSE, None, None):
        page.view.draw(StreamResult(retry=retry))
    assert page.take() == [
        {"type": "retry", "number": 1, "retry": {**FACTS, "left": 2.0}},
        {"type": "retry", "number": 2, "retry": None},
    ]


def test_a_view_that_joins_late_learns_what_is_left_of_the_pause(page):
    page.view.draw(StreamResult(retry=PAUSE))
    page.take()
    lefts = []
    for moment in (100.5, 101.5, 103.0):
        page.now = moment
        page.says(type="hello", view="v")
        page.says(type="resync")
        greeted, asked = page.take()
        assert greeted == asked
        assert (greeted["type"], greeted["number"]) == ("snapshot", 1)
        lefts.append(greeted["retry"].pop("left"))
        assert greeted["retry"] == FACTS
    assert lefts == [1.5, 0.5, 0.0]


def test_content_ends_the_pause(page):
    page.view.draw(StreamResult(retry=PAUSE))
    page.view.draw(StreamResult("Hi", SOME))
    paused, over, patch = page.take()
    assert (paused["type"], over["retry"], patch["type"]) == ("retry", None, "patch")
    assert [message["number"] for message in (paused, over, patch)] == [1, 2, 3]
    page.says(type="resync")
    (snapshot,) = page.take()
    assert snapshot["retry"] is None


@pytest.mark.parametrize("kept", [PAUSE, None])
def test_the_end_of_the_stream_ends_the_pause(page, kept):
    page.view.draw(StreamResult(retry=PAUSE))
    stopped = StreamResult(state=StreamState.CANCELLED, retry=kept)
    page.view.draw(stopped)
    page.view.end(stopped)
    assert page.take()[-1] == {
        "type": "end",
        "number": 3,
        "state": "cancelled",
        "mark": {"word": "Stopped", "sentence": "You stopped the stream before the answer began."},
        "facts": [],
    }
    page.says(type="hello", view="v")
    (snapshot,) = page.take()
    assert snapshot["retry"] is None
    assert snapshot["mark"]["word"] == "Stopped"


def test_text_of_an_answer_that_is_gone_on_with_is_not_taken_for_its_beginning(page):
    page.view.draw(StreamResult("Half an", retry=PAUSE))
    paused, old = page.take()
    assert paused["retry"] == {**FACTS, "left": 2.0}
    assert old["state"] == "pending"
    page.view.draw(StreamResult("Half an answer", SOME))
    over, new = page.take()
    assert over["retry"] is None
    assert "state" not in new


def test_one_of_the_pages_is_asked_to_keep_the_text_that_shows_it_last(page):
    page.view.keep("nobody sees it")
    for view in ("v", "w"):
        page.says(type="hello", view=view)
    page.view.keep("two see it")
    page.says(type="gone", view="w")
    page.view.keep("one sees it")
    kept = [(message["view"], message["markdown"]) for message in page.take() if message["type"] == "keep"]
    assert kept == [("w", "two see it"), ("v", "one sees it")]


def test_what_a_page_is_to_keep_is_sent_once(page):
    page.says(type="hello", view="v")
    for text in ("One 🙂.", "One 🙂 and", "One 🙂 and two"):
        page.view.keep(text)
    page.says(type="resync")  # a message was lost
    page.view.keep("One 🙂 and two")
    kept = [message for message in page.take() if message["type"] == "keep"]
    assert [(each["before"], each["kept"], each["markdown"]) for each in kept] == [
        (0, 0, "One 🙂."),
        (7, 6, " and"),
        (10, 10, " two"),
        (0, 0, "One 🙂 and two"),
    ]


def test_a_cleared_output_ends_a_stream_only_while_its_cell_does_nothing_but_wait(page):
    for view in ("v", "w"):
        page.says(type="hello", view=view)
    page.says(type="gone", view="v", rerun=True)
    assert page.stopped == 0, "the cell's own code may have cleared it"
    page.view.waited_for = True
    page.says(type="gone", view="w", rerun=True)
    assert page.stopped == 1


def test_a_deleted_cell_ends_the_stream_unless_a_page_has_it(page, monkeypatch):
    later = []
    monkeypatch.setattr("nbstream.display.missing_cell._later", lambda _, call: later.append(call))
    page.says(type="deleted")
    assert page.take() == [{"type": "missing"}]
    page.says(type="here")
    later.pop()()
    assert page.stopped == 0
    page.says(type="deleted")
    later.pop()()
    assert page.stopped == 1


def test_stop_is_passed_on_in_the_pause(page):
    page.view.draw(StreamResult(retry=PAUSE))
    page.says(type="stop")
    assert page.stopped == 1


def test_a_failure_ends_with_its_word(page):
    page.view.end(StreamResult("Hi", StreamState.FAILED, error=StalledError("It hung.")))
    (end,) = page.take()
    assert end["mark"] == {"word": "Stalled", "sentence": "It hung."}


def test_the_end_tells_the_facts_and_a_view_that_joins_later_learns_them_too(page):
    timing = Timing(ttft=0.416, total=12.0, tokens_per_second=57.6)
    page.view.end(StreamResult("Hi", StreamState.COMPLETED, "stop", Usage(9, 1, 10), "m-2026", timing=timing))
    (end,) = page.take()
    assert end["facts"] == ["m-2026", "1 token"]
    page.now += 7
    page.says(type="hello", view="v")
    (snapshot,) = page.take()
    assert (snapshot["facts"], snapshot["state"], snapshot["elapsed"]) == (end["facts"], "completed", 7.0)


def test_reasoning_is_sent_piece_by_piece_with_its_time_until_the_answer_begins(page):
    def draw(reasoning, text="", *, after):
        page.now += after
        page.view.draw(StreamResult(text, SOME, reasoning=reasoning))
        return [message for message in page.take() if message["type"] == "reasoning"]

    page.says(type="hello", view="v")
    assert draw("Hm \U0001f914", after=3.0) == [piece(1, 0, "<p>Hm \U0001f914</p>", 0.0)]
    assert draw("Hm \U0001f914 **b**", after=1.5) == [piece(2, 8, " <strong>b</strong></p>", 1.5)]
    assert draw("Hm \U0001f914 **b**", after=0.5) == []
    assert draw("Hm, so", after=0.5) == [piece(3, 5, ", so</p>", 2.5)]
    assert draw("Hm, so", "Yes", after=1.0) == [piece(4, 0, None, 3.5, over=True)]
    assert draw("Hm, so. More", "Yes, and", after=1.0) == [piece(6, 9, ". More</p>", 3.5, over=True)]
    page.says(type="resync")
    (snapshot,) = page.take()
    assert snapshot["reasoning"] == {"blocks": ["<p>Hm, so. More</p>"], "seconds": 3.5, "over": True}


def test_reasoning_is_markdown_of_which_only_what_is_new_is_sent(page):
    text = "**Looking at the data**\n\n" + "".join(f"{n}. Row `{n}` has *no* value.\n" for n in range(1, 300))
    for end in range(40, len(text), 40):
        page.view.draw(StreamResult("", SOME, reasoning=text[:end]))
    page.view.draw(StreamResult("Done", StreamState.COMPLETED, reasoning=text))
    messages = [message for message in page.take() if message["type"] == "reasoning"]
    html = render(text)
    assert "\n".join(shown(messages)) == html
    sent = sum(len(commit) + len(tail) for message in messages for _, _, commit, _, tail in message["blocks"])
    assert sent < 3 * len(html)


def test_nothing_in_reasoning_acts(page):
    page.view.draw(
        StreamResult("", SOME, reasoning="<script>alert(1)</script> [x](javascript:alert(1)) ![y](http://z/y)")
    )
    html = "".join(shown(page.take()))
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html


def test_a_view_that_joins_while_the_model_thinks_learns_all_and_since_when(page):
    page.view.draw(StreamResult("", SOME, reasoning="Hm"))
    page.take()
    page.now += 4.0
    page.says(type="hello", view="v")
    (snapshot,) = page.take()
    assert snapshot["reasoning"] == {"blocks": ["<p>Hm</p>"], "seconds": 4.0, "over": False}


def test_the_end_of_the_stream_ends_the_thinking(page):
    page.view.draw(StreamResult("", SOME, reasoning="Hm"))
    page.now += 2.0
    page.view.draw(StreamResult("", StreamState.CANCELLED, reasoning="Hm"))
    assert page.take()[-1] == piece(2, 0, None, 2.0, over=True)


def test_without_reasoning_nothing_is_told_of_it(page):
    page.view.draw(StreamResult("Hi", SOME))
    page.view.draw(StreamResult("Hi", StreamState.COMPLETED))
    page.says(type="resync")
    *drawn, snapshot = page.take()
    assert "reasoning" not in [message["type"] for message in drawn]
    assert snapshot["reasoning"] is None


def piece(number, keep, tail, seconds, *, over=False):
    blocks = [] if tail is None else [[0, 0, "", keep, tail]]
    return {"type": "reasoning", "number": number, "blocks": blocks, "seconds": seconds, "over": over}


def shown(messages):
    """The page's blocks after these messages, put together as the page does."""
    slots, tails = Slots(), dict[int, str]()
    for message in messages:
        for block, depth, commit, keep, tail in message.get("blocks", []):
            tails[block] = tails.get(block, "")[:keep] + tail
            slots.place(block, depth, commit, tails[block])
    return [slot.html for slot in slots.slots if slot.children]


def test_text_that_turns_out_to_be_thinking_leaves_the_page(page):
    page.view.draw(StreamResult("I think.\n\nSo I am.", SOME))
    messages = page.take()
    assert len(shown(messages)) == 2
    page.view.draw(StreamResult("", SOME, reasoning="I think.\n\nSo I am."))
    messages += page.take()
    assert shown(messages) == []
    page.view.draw(StreamResult("Yes.", SOME, reasoning="I think.\n\nSo I am."))
    assert shown(messages + page.take()) == ["<p>Yes.</p>"]


CODE = "Look:\n\n```lua\nx = 1\n```\n\nMore"


def test_colours_come_in_a_frame_of_the_same_text(page, lexer_gate):
    touched = threading.Event()
    page.view.refresh_by(touched.set)
    page.view.draw(StreamResult(CODE, SOME))
    page.view.draw(StreamResult(CODE, SOME))
    [plain] = page.take()
    assert [block for block, *_ in plain["blocks"]] == [0, 1, 2]
    assert "<span" not in str(plain)
    assert not touched.is_set()
    lexer_gate.set()
    assert touched.wait(60)
    touched.clear()
    for _ in range(3):
        page.view.draw(StreamResult(CODE, SOME))
    coloured = render(CODE).split("\n", 1)[1].removesuffix("\n<p>More</p>")
    assert page.take() == [{"type": "patch", "blocks": [[1, 0, "", 0, coloured]], "number": 2}]
    assert coloured.count('<span class="mi">') == 1
    assert not touched.is_set(), "nothing is left to draw"


def test_so_do_those_of_the_reasoning_and_of_open_code(page, lexer_gate):
    touched = threading.Event()
    page.view.refresh_by(touched.set)
    thinking = StreamResult("", SOME, reasoning="Try:\n\n```lua\nx = 1\n")
    page.view.draw(thinking)
    page.take()
    lexer_gate.set()
    assert touched.wait(60)
    page.view.draw(thinking)
    [told] = page.take()
    [[block, depth, commit, _, tail]] = told["blocks"]
    assert (told["type"], block, depth, (commit + tail).count('<span class="mi">')) == ("reasoning", 1, 2, 1)


def test_no_frame_is_asked_for_after_the_end(page, lexer_gate):
    touches = []
    page.view.refresh_by(lambda: touches.append(1))
    page.view.draw(StreamResult("```lua\nx = 1\n```\n", SOME))
    opened = threading.Timer(0.0, lexer_gate.set)
    opened.start()
    page.view.draw(StreamResult("```lua\nx = 1\n```\n", StreamState.COMPLETED))
    opened.join()
    before = len(touches)
    assert before <= 1, "that for which it was waited before"
    page.says(type="hello", view="v")
    assert len(touches) == before
    assert '<span class="mi">' in str(page.take()[-1])
