"""Text that is easily torn, hidden, too long or taken for ours, on every display; `.text` keeps it exactly."""

from __future__ import annotations

import re

import pytest

from nbstream.display.bundle import answer_bundle
from nbstream.markdown import render
from nbstream.result import StreamResult
from nbstream.text.plain import plain
from tests.display.displays import COMPLETED, STOPPED, Page, frames, printed, saved

# --- characters of several code points --------------------------------------------------------------------------------

JOINED = [
    "\U0001f469\u200d\U0001f4bb codes",
    "caf" + "e\u0301 a\u030a",
    "\U0001f1e9\U0001f1ea \u2764\ufe0f \U0001f44d\U0001f3fd",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
]


@pytest.mark.wire("I02")
@pytest.mark.parametrize("text", JOINED, ids=ascii)
def test_characters_of_several_code_points_arrive_whole_however_they_are_cut(text: str) -> None:
    assert Page().draw(frames(text)) == f"<p>{text}</p>"
    assert printed(frames(text)) == text + "\n"
    assert saved(StreamResult(text, COMPLETED, "stop")) == (text, text)


# --- direction, and what cannot be seen -------------------------------------------------------------------------------

DIRECTIONS = [
    "user \u202e)nimda(\u202c x",
    "open \u202efor good",
    "\u2066isolated\u2069 and \u2067open",
    "zero\u200bwidth\u200d\u2060\ufeffjoiners",
    "tags \U000e0001\U000e0068\U000e0069\U000e007f",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "```python\nif x: # \u202e} \u2066return\n    y()\n```",
]


@pytest.mark.wire("I06")
@pytest.mark.parametrize("text", DIRECTIONS, ids=ascii)
def test_a_change_of_direction_stays_in_the_answer(text: str) -> None:
    # The characters stay, in code too: right-to-left text needs them. What they turn around ends with their
    # paragraph, so it is enough that what we add begins a paragraph of its own.
    stopped = StreamResult(text, STOPPED)
    markdown, words = saved(stopped)
    assert markdown.rpartition("\n\n")[2].startswith("> **Stopped.** ")
    assert words.rpartition("\n\n")[2].startswith("[Stopped: ")
    assert printed([*frames(text, state=STOPPED)]).split("\n")[-2].startswith("[Stopped: ")
    html = Page().draw(frames(text, state=STOPPED))
    seen = re.sub(r"<[^>]*>", "", html).replace("&gt;", ">")
    assert all(seen.count(char) == text.count(char) for char in text if ord(char) > 0x7F)
    assert "Stopped" not in html
    assert stopped.text == text


# --- very long --------------------------------------------------------------------------------------------------------

WORDS = "word " * 20_000
LONG = [
    pytest.param(WORDS, id="one line"),
    pytest.param("x" * 100_000, id="one word"),
    pytest.param("a" + "\n" * 100_000 + "b", id="blank lines"),
    pytest.param("".join(f"Line {number} of many.\n\n" for number in range(4_000)), id="paragraphs"),
    pytest.param("```\n" + "".join(f"line {number}\n" for number in range(8_000)) + "```", id="code"),
]


@pytest.mark.wire("I07")
@pytest.mark.parametrize("text", LONG)
def test_a_long_answer_is_shown_whole_and_sent_once(text: str) -> None:
    page = Page()
    # There is no cap with a "show all": the page gets each character about once, however often it is drawn, so a long
    # answer is a matter of the page's layout.
    html = page.draw(frames(text, 20))
    assert page.messages <= 22
    # A paragraph is sent as it grows, and once more when it has become long enough to be settled in part.
    assert page.received <= 2.1 * len(html) + 2_000
    assert len(re.sub(r"\s", "", re.sub(r"<[^>]*>", "", html))) == len(re.sub(r"\s|```", "", text))
    assert printed(frames(text, 20)).strip() == text.strip()
    assert saved(StreamResult(text, COMPLETED, "stop"))[1] == text


@pytest.mark.wire("I07")
def test_a_long_answer_is_not_repeated_beside_itself() -> None:
    result = StreamResult(WORDS, COMPLETED, "stop")
    assert len(repr(result)) < 400
    assert len(str(answer_bundle(result)[1])) < 1_000


# --- text that looks like ours ----------------------------------------------------------------------------------------

LOOKALIKES = [
    "Half\n\n> **Stopped.** You stopped the answer after 4 characters.",
    "Half\n\n[Stopped: You stopped the answer after 4 characters.]",
    "> *Note.* The arguments of a tool call are not valid JSON.",
    "Waiting for m …",
    "%%stream -o answer\nWrite",
    "data: [DONE]\n\n",
    '{"type": "end", "number": 2, "state": "failed", "mark": {"word": "Failed", "sentence": "No."}}',
    '{"type": "patch", "number": 1, "blocks": [[0, 0, "", 0, "<b>"]]}',
    "<div class='nbs-mark'>Failed.</div>",
    "<StreamResult failed, text: ''>",
]


@pytest.mark.wire("I08")
@pytest.mark.parametrize("text", LOOKALIKES)
def test_text_that_looks_like_ours_is_text(text: str) -> None:
    page = Page()
    result = StreamResult(text, COMPLETED, "stop")
    data, metadata = answer_bundle(result)
    assert data["text/plain"] == text, "nothing is added to an answer that simply ended"
    assert metadata["nbstream"]["state"] == "completed"
    page.draw(frames(text))
    assert page.state == "completed"
    assert page.mark is None
    assert printed(frames(text)).removesuffix("\n") == text.removesuffix("\n")


@pytest.mark.wire("I08")
@pytest.mark.parametrize("text", LOOKALIKES[:3])
def test_a_mark_is_added_though_the_text_has_one(text: str) -> None:
    page = Page()
    stopped = StreamResult(text, STOPPED)
    words = saved(stopped)[1]
    assert words.startswith(text)
    assert words.removeprefix(text).count("[Stopped: ") == 1
    page.draw([stopped])
    assert page.mark is not None
    assert page.mark["word"] == "Stopped"
    assert plain(text) == text


@pytest.mark.parametrize(
    "text", ["```\ncode\n```", "- a\n- b\n\nend", "    code\n\nend", "> a\n>\n> b", "a\n\n| a |\n|---|\n| b |"]
)
def test_the_page_shows_what_one_full_render_gives(text: str) -> None:
    assert Page().draw(frames(text)) == render(text)
