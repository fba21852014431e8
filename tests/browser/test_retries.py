"""What people see when a stream meets trouble: pauses that count down, answers that begin again, marks and notes."""

from __future__ import annotations

import itertools
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_body, chat_chunk, error_body, whole_chat

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE_MS = 120_000
PAUSING = re.compile(r"rate limited, retrying in (\d+) s · attempt 2 of 3")

# Notes each text of the line that says what is waited for.
OBSERVE = """(number) => {
  const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[number];
  window.lines_seen = [];
  const look = () => {
    const line = cell.querySelector(".nbs-status")?.textContent;
    if (line && window.lines_seen.at(-1) !== line) window.lines_seen.push(line);
  };
  new MutationObserver(look).observe(cell, { subtree: true, childList: true, characterData: true });
}"""


def stream_cell(server: FaultServer) -> str:
    return f"%%stream --base-url {server.base_url} -m m\nHello"


def refuse(server: FaultServer, seconds: int) -> None:
    """Script the refusal of a request that asks to wait so long."""
    server.send(
        error_body("Slow down", "rate_limit_exceeded"),
        status=429,
        headers={"content-type": "application/json", "retry-after": str(seconds)},
    )


def stop_by_button(notebook: Notebook) -> None:
    notebook.view(1).get_by_role("button", name="Stop").click()


def stop_by_interrupt(notebook: Notebook) -> None:
    for key in ("Escape", "i", "i"):
        notebook.page.keyboard.press(key)


@pytest.mark.parametrize("front_end", ["lab"])
def test_a_pause_counts_down_and_the_answer_follows(
    open_notebook: OpenNotebook, loopback: FaultServer, front_end: str
) -> None:
    refuse(loopback, 4)
    loopback.send(chat_body("Here it is."))
    notebook = open_notebook(front_end, stream_cell(loopback), again=True)
    notebook.page.evaluate(OBSERVE, 1)
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text(PAUSING, timeout=PATIENCE_MS)
    assert notebook.view(1).get_by_role("button", name="Stop").is_enabled()
    announced = notebook.page.locator(".nbs-announcer").last  # of this answer; others are on the page some time longer
    expect(announced).to_have_text(PAUSING)
    said = announced.inner_text()

    expect(notebook.output(1)).to_contain_text("Here it is.", timeout=PATIENCE_MS)
    notebook.wait_for_end(1)
    assert len(loopback.requests) == 2
    seen: list[str] = notebook.page.evaluate("window.lines_seen")
    counted = [int(match[1]) for line in seen if (match := PAUSING.fullmatch(line))]
    assert all(earlier > later for earlier, later in itertools.pairwise(counted))
    assert len(counted) >= 3
    assert f"retrying in {counted[0]} s" in said, "a screen reader hears of the pause once, not of each second"
    shown = notebook.output(1).inner_text().strip()
    assert re.fullmatch(r"Here it is\.\s+m", shown)
    assert notebook.value("stream_result.state, stream_result.attempts", 2) == "completed 2"


@pytest.mark.parametrize("stop", [stop_by_button, stop_by_interrupt])
def test_a_pause_can_be_stopped_at_once(open_notebook: OpenNotebook, loopback: FaultServer, stop) -> None:
    refuse(loopback, 55)
    loopback.send(chat_body("Never asked for"))
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text(PAUSING, timeout=PATIENCE_MS)
    stopped_at = time.monotonic()
    stop(notebook)
    notebook.wait_for_end(1)
    assert time.monotonic() - stopped_at < 45, "the pause takes 55 s"
    expect(notebook.output(1)).to_contain_text("Stopped. You stopped the stream before the answer began.")
    expect(notebook.view(1)).to_have_count(0)
    assert notebook.value("stream_result.state, 'stream_text' in globals()", 2) == "cancelled False"
    assert len(loopback.requests) == 1


def test_a_page_that_is_reloaded_in_a_pause_counts_on(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    refuse(loopback, 55)
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.start(1)
    expect(notebook.view(1)).to_contain_text(PAUSING, timeout=PATIENCE_MS)
    notebook.save()
    before = PAUSING.search(notebook.view(1).text_content() or "")
    notebook.load()
    expect(notebook.view(1)).to_contain_text(PAUSING, timeout=PATIENCE_MS)
    after = PAUSING.search(notebook.view(1).text_content() or "")
    assert before is not None
    assert after is not None
    assert int(after[1]) < int(before[1])
    stop_by_button(notebook)
    expect(notebook.view(1)).to_contain_text("Stopped. You stopped the stream before", timeout=PATIENCE_MS)
    assert len(loopback.requests) == 1


def test_a_front_end_without_the_live_view_shows_the_pause(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    refuse(loopback, 55)
    growing = "%config NBStream.surface = 'markdown'"
    notebook = open_notebook("lab", growing, stream_cell(loopback), shared=True)
    notebook.run(1)
    notebook.start(2)
    waiting = notebook.output(2).locator(".jp-RenderedMarkdown")
    expect(waiting).to_have_text("Rate limited, retrying in 55 s · attempt 2 of 3", timeout=PATIENCE_MS)
    stop_by_interrupt(notebook)
    notebook.wait_for_end(2)
    expect(notebook.output(2)).to_contain_text("Stopped. You stopped")


def test_text_that_turns_out_to_be_thinking_makes_room_for_the_answer(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    thought, answered = threading.Event(), threading.Event()
    thinking = [chat_chunk("The user greets me.\n\n"), chat_chunk("So I greet back.")]
    loopback.send(*thinking, thought, chat_chunk("\n</think>\n"), answered, chat_chunk("Hello"), chat_body("!"))
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.start(1)
    body = notebook.view(1).locator(".nbs-body")
    expect(body).to_contain_text("So I greet back.", timeout=PATIENCE_MS)
    thought.set()
    expect(body).to_have_text("")
    expect(notebook.view(1)).to_contain_text("Thinking …")
    expect(notebook.view(1)).to_contain_text("m · thinking · ")
    answered.set()
    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_have_text(re.compile(r"\s*Hello!\s+m\s*"))
    assert notebook.value("stream_result.reasoning.split()[-1], stream_text", 2) == "back. Hello!"


@pytest.mark.parametrize("front_end", ["notebook"])
def test_an_answer_that_breaks_off_is_marked_and_kept(
    open_notebook: OpenNotebook, loopback: FaultServer, front_end: str
) -> None:
    loopback.send(chat_chunk("Half an "), chat_chunk("answer"), then="close")
    notebook = open_notebook(front_end, stream_cell(loopback), again=True)
    notebook.run(1)
    output = notebook.output(1)
    expect(output.locator("blockquote strong")).to_have_text("Connection lost.")
    expect(output).to_contain_text("%stream_continue")
    expect(output).to_contain_text("Half an answer")
    expect(output).to_contain_text("ConnectionLostError")
    assert len(loopback.requests) == 1, "what has begun is not asked for again"


def test_an_answer_that_is_gone_on_with_shows_its_pause_below_the_text(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    loopback.send(chat_chunk("Half an "), chat_chunk("answer"), then="close")
    refuse(loopback, 3)
    loopback.send(chat_body(" goes", " on."))
    notebook = open_notebook("lab", stream_cell(loopback), "%stream_continue", again=True)
    notebook.run(1)
    notebook.start(2)
    expect(notebook.view(2)).to_contain_text(PAUSING, timeout=PATIENCE_MS)
    expect(notebook.view(2).locator(".nbs-body")).to_have_text("Half an answer")
    notebook.wait_for_end(2)
    expect(notebook.output(2).locator(".jp-RenderedMarkdown")).to_contain_text("Half an answer goes on.")
    assert notebook.value("stream_result.state, stream_text", 3) == "completed Half an answer goes on."


def test_a_warning_is_a_quiet_note_below_the_answer(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    loopback.send(whole_chat("All at once."), headers={"content-type": "application/json"})
    notebook = open_notebook("lab", stream_cell(loopback), again=True)
    notebook.run(1)
    output = notebook.output(1)
    expect(output).to_contain_text("All at once.")
    expect(output.locator("blockquote em")).to_have_text(["Note."])
    assert notebook.value("[each.kind for each in stream_result.warnings]", 2) == "['whole_answer']"
