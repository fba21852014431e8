"""What there is to see of an answer, in order; the same on every surface."""

import io
import random
import re
from typing import Any

import pytest

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.answer_renderer import AnswerRenderer, render_segments
from nbstream.display.bundle import answer_bundle
from nbstream.display.marks import mark_of
from nbstream.display.segments import Segment, kept_of, line_of, segments_of
from nbstream.display.terminal import TerminalSurface
from nbstream.result import (
    ActivityPart,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    StreamResult,
    StreamState,
    TextPart,
    ToolCallPart,
    ToolRun,
)
from tests.pictures import drawn


def answer(*parts, state=StreamState.COMPLETED):
    return StreamResult(parts=parts, state=state, finish_reason="stop" if state is StreamState.COMPLETED else None)


def text(words, **more):
    return Segment("text", words, **more)


def line(words, **more):
    return Segment("line", words, **more)


CALL = ToolCallPart("c1", "look_up", "{}")
CALLED = line("Tool call: look_up")


@pytest.mark.parametrize(
    ("parts", "segments"),
    [
        ((), ()),
        ((TextPart("Hi"),), (text("Hi"),)),
        ((TextPart("Hi", open=True),), (text("Hi", open=True),)),
        ((TextPart("One "), ReasoningPart("Hm"), TextPart("two")), (text("One two"),)),
        ((TextPart("One"), TextPart("Two", new_paragraph=True)), (text("One\n\nTwo"),)),
        ((TextPart("One"), CALL, TextPart("Two", new_paragraph=True)), (text("One"), CALLED, text("Two"))),
        ((CALL, CALL), (CALLED, CALLED)),
        ((RefusalPart("No."),), (text("No."),)),
        ((RefusalPart("No."), TextPart("Yes.")), (text("Yes."),)),
        ((RefusalPart("No."), TextPart("")), (text("No."),)),
        ((ReasoningPart("Hm"),), ()),
        (
            (TextPart("a"), ActivityPart("web_search_call", "searching", open=True)),
            (text("a"), line("Web search: searching", open=True)),
        ),
    ],
    ids=str,
)
def test_segments(parts, segments):
    assert segments_of(answer(*parts)) == segments


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (CALL, "Tool call: look_up"),
        (ToolCallPart(None, "", ""), "Tool call: a tool without a name"),
        (ActivityPart("web_search_call", "in_progress"), "Web search"),
        (ActivityPart("web_search_call", "failed"), "Web search: failed"),
        (ActivityPart("web_search_call", item={"action": {"query": "tides"}}), "Web search: tides"),
        (
            ActivityPart("web_search_call", item={"action": {"url": "https://a.example"}}),
            "Web search: https://a.example",
        ),
        (ActivityPart("file_search_call", item={"queries": ["a", "b"]}), "File search: a, b"),
        (ActivityPart("code_interpreter_call", "interpreting", "x = 1"), "Code interpreter"),
        (ActivityPart("mcp_call", "failed", item={"server_label": "git", "name": "log"}), "MCP call: git.log (failed)"),
        (ActivityPart("mcp_list_tools", item={"server_label": "git"}), "MCP tool list: git"),
        (ActivityPart("shell_call", item={"action": {"commands": ["ls", "pwd"]}}), "Shell: ls, pwd"),
        (ActivityPart("local_shell_call", item={"action": {"command": ["ls", "-l"]}}), "Shell: ls -l"),
        (
            ActivityPart("computer_call", item={"action": {"type": "double_click", "x": 1}}),
            "Computer use: double click",
        ),
        (ActivityPart("image_generation_call", item={"revised_prompt": "A cat"}), "Image generation: A cat"),
        (ActivityPart("time_travel_call"), "Time travel"),
        (ActivityPart("?", item={"query": 7, "action": [7], "name": None}), "?"),
        (MediaPart("image", bytes(1_500_000), "image/png"), "Image: image/png, 1.5 MB"),
        (MediaPart("image", url="https://a.example/i.png"), "Image: https://a.example/i.png"),
        (MediaPart("audio"), "Audio"),
        (ToolCallPart("1", "a\n\x1b[31mb\u202e", ""), "Tool call: a \u241b[31mb\u202e"),
        (ToolCallPart("1", "x" * 500, ""), f"Tool call: {'x' * 108}…"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_line_says_what_happened(part, words):
    assert line_of(part) == words


def test_what_has_been_drawn_stands_while_only_its_end_grows():
    drawn = (text("One"), CALLED, text("Tw"))
    assert kept_of(drawn, (text("One"), CALLED, text("Two"), CALLED)) == 3
    assert kept_of(drawn, (text("One"), line("Tool call: look_up_more"), text("Tw"))) == 3
    assert kept_of(drawn, (text("One!"), CALLED, text("Tw"))) == 0
    assert kept_of(drawn, (text("One"), CALLED, text("Other"))) == 2
    assert kept_of(drawn, (text("One"), text("Tw"))) == 1
    assert kept_of(drawn, ()) == 0


def placed(page, patches):
    """The slots of a page after whole-slot patches; the tests' blocks are short enough for that."""
    for patch in patches:
        assert not patch.depth
        page.extend([""] * (patch.block + 1 - len(page)))
        page[patch.block] = patch.commit + patch.tail
    return page


@pytest.mark.parametrize(
    ("kind", "status", "item", "words"),
    [
        ("web_search_call", "searching", {"action": {"query": "tides"}}, "Web search: tides"),
        ("file_search_call", "searching", {"queries": ["tides"]}, "File search: tides"),
        ("code_interpreter_call", "interpreting", {}, "Code interpreter"),
        ("image_generation_call", "generating", {"revised_prompt": "A tide"}, "Image generation: A tide"),
        ("mcp_call", "in_progress", {"server_label": "sea", "name": "tide"}, "MCP call: sea.tide"),
        ("local_shell_call", "in_progress", {"action": {"command": ["ls"]}}, "Shell: ls"),
        ("shell_call", "in_progress", {"action": {"commands": ["ls"]}}, "Shell: ls"),
        ("computer_call", "in_progress", {"action": {"type": "click"}}, "Computer use: click"),
    ],
)
def test_a_built_in_call_is_one_line_whose_state_changes_in_place(
    kind: str, status: str, item: dict[str, Any], words: str
) -> None:
    states = ("in_progress", status, "completed")
    parts = [ActivityPart(kind, state, item=item, open=state != "completed") for state in states]
    feed = AnswerFeed(lambda _: None)
    shown = []
    for part in parts:
        feed.draw(StreamResult(parts=(part, TextPart("So"))))
        shown.append(feed.blocks()[0])
    assert len(feed.blocks()) == 2
    said = [re.sub("<[^>]*>", "", block) for block in shown]
    tell = "{} ({})" if ":" in words else "{}: {}"
    assert said == [*(tell.format(words, state.replace("_", " ")) for state in states[:2]), words]
    failed = ActivityPart(kind, "failed", item=item)
    assert line_of(failed) == tell.format(words, "failed")


PARTS = (
    TextPart("First *one* and\n\nthen ```\ncode"),
    CALL,
    ReasoningPart("Hm"),
    TextPart("Second **part**"),
    ActivityPart("web_search_call", "completed", item={"query": "<b>"}),
    MediaPart("video", b"1234", "video/mp4"),
    TextPart("End"),
)


def beginnings(parts, seed):
    """The answer as it grows, in pieces cut at random."""
    generator = random.Random(seed)
    for number, part in enumerate(parts):
        if isinstance(part, TextPart | ReasoningPart):
            cuts = sorted(generator.choices(range(len(part.text)), k=2))
            for cut in cuts:
                yield *parts[:number], type(part)(part.text[:cut], open=True)
        elif isinstance(part, ActivityPart):
            yield *parts[:number], ActivityPart(part.kind, "searching", open=True)
        yield parts[: number + 1]


@pytest.mark.parametrize("seed", range(20))
def test_blocks_that_grow_are_the_blocks_of_the_whole(seed):
    renderer = AnswerRenderer()
    page: list[str] = []
    for parts in beginnings(PARTS, seed):
        placed(page, renderer.draw(segments_of(answer(*parts, state=StreamState.STREAMING))))
        assert page == renderer.snapshot()
    placed(page, renderer.draw(segments_of(answer(*PARTS)), final=True))
    assert page == renderer.snapshot() == render_segments(segments_of(answer(*PARTS)))


def test_an_earlier_text_that_grows_after_all_is_drawn_again():
    renderer = AnswerRenderer()
    page: list[str] = []
    placed(page, renderer.draw([text("One"), CALLED, text("Two")]))
    placed(page, renderer.draw([text("One more"), CALLED, text("Two")]))
    assert page == ["<p>One more</p>", '<p class="nbs-step"><em>Tool call: look_up</em></p>', "<p>Two</p>"]
    placed(page, renderer.draw([text("Other")]))
    assert page == ["<p>Other</p>", "", ""]


def test_references_and_notes_hold_across_a_call():
    parts = TextPart("See [the docs][1] and [^n]."), CALL, TextPart("[1]: http://a.example\n[^n]: A note.")
    data, _ = answer_bundle(answer(*parts))
    assert data["text/markdown"] == (
        "See [the docs](http://a.example) and <sup>1</sup>.\n\n*Tool call: look\\_up*\n\n___\n\n1. A note."
    )
    for seed in range(10):
        renderer = AnswerRenderer()
        page: list[str] = []
        for grown in beginnings(parts, seed):
            placed(page, renderer.draw(segments_of(answer(*grown, state=StreamState.STREAMING))))
        placed(page, renderer.draw(segments_of(answer(*parts)), final=True))
        for patches in renderer.rest():
            placed(page, patches)
        assert page == render_segments(segments_of(answer(*parts)))
        assert 'href="http://a.example"' in page[0]
        assert "<sup>1</sup>" in page[0]
        assert "A note." in page[-1]


def test_an_answer_that_has_ended_may_change_once_more():
    renderer = AnswerRenderer()
    page: list[str] = []
    placed(page, renderer.draw([text("One")], final=True))
    assert renderer.draw([text("One")], final=True) == []
    placed(page, renderer.draw([text("One"), CALLED, text("Two")], final=True))
    assert page == render_segments([text("One"), CALLED, text("Two")])


def test_only_the_blocks_that_differ_are_sent_when_an_earlier_text_grows():
    renderer = AnswerRenderer()
    renderer.draw([text("One\n\nTwo"), CALLED, text("Four")])
    patches = renderer.draw([text("One\n\nTwo three"), CALLED, text("Four")])
    assert [patch.block for patch in patches] == [1]


def test_a_line_cannot_be_markup():
    [block] = render_segments([line("<img src=x onerror=alert(1)>")])
    assert block == '<p class="nbs-step"><em>&lt;img src=x onerror=alert(1)&gt;</em></p>'


def test_the_saved_answer_has_its_parts_in_order_and_code_ends_where_it_ends():
    data, metadata = answer_bundle(answer(*PARTS))
    assert data["text/markdown"] == (
        "First *one* and\n\nthen &#96;&#96;&#96;\ncode\n\n"
        "*Tool call: look\\_up*\n\n"
        "Second **part**\n\n"
        "*Web search: \\<b\\>*\n\n"
        "*Video: video/mp4, 0\\.0 kB*\n\n"
        "End"
    )
    assert data["text/plain"].splitlines()[-5:] == ["[Web search: <b>]", "", "[Video: video/mp4, 0.0 kB]", "", "End"]
    assert [part["type"] for part in metadata["nbstream"]["parts"]] == [part.type for part in PARTS]
    fenced, _ = answer_bundle(answer(TextPart("```python\nx = 1"), CALL))
    assert fenced["text/markdown"] == "```python\nx = 1\n```\n\n*Tool call: look\\_up*"


def test_an_image_is_an_answer():
    assert mark_of(answer(MediaPart("image", b"1"))) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_terminal_writes_a_line_once_where_it_belongs(seed):
    out = io.StringIO()
    surface = TerminalSurface(out)
    for parts in beginnings(PARTS, seed):
        surface.draw(answer(*parts, state=StreamState.STREAMING))
    surface.close(answer(*PARTS))
    assert out.getvalue() == (
        "First *one* and\n\nthen ```\ncode\n[Tool call: look_up]\nSecond **part**\n[Web search: <b>]\n"
        "[Video: video/mp4, 0.0 kB]\nEnd\n"
    )


def test_what_a_call_was_given_returned_and_printed_folds_out_of_its_line():
    run = ToolRun("completed", "one\n<b>two</b>", printed="Looking.\x1b[31m")
    called = answer(TextPart("See:"), ToolCallPart("1", "look_up", '{"a": 1}', run=run))
    _, block = render_segments(segments_of(called))
    summary = "Tool call: look_up {&quot;a&quot;: 1} → one &lt;b&gt;two&lt;/b&gt;"
    detail = "Result:\none\n&lt;b&gt;two&lt;/b&gt;\n\nPrinted:\nLooking.␛[31m"
    seen = block.replace('"', "&quot;")
    assert f"<summary><em>{summary}</em></summary><div class=&quot;nbs-detail&quot;>{detail}</div></details>" in seen
    assert "Looking" not in answer_bundle(called)[0]["text/markdown"], "what is saved of a success is quiet"
    [segment] = segments_of(answer(ToolCallPart("1", "look_up", "{}", run=ToolRun("completed", "1"))))
    assert segment.detail == ""


PICTURE = MediaPart("image", drawn(), "image/png")
RETURNED = "Image from plot: image/png, 0.1 kB"


def drawing(output="An image (image/png, 0.1 kB).", *, images=(PICTURE,), name="plot", state="completed"):
    return ToolCallPart("c", name, "{}", run=ToolRun(state, output, images=images))


def test_the_images_that_a_tool_returned_follow_its_line():
    segments = segments_of(answer(drawing(), CALL, TextPart("See.")))
    assert [each.text for each in segments] == [
        "Tool call: plot {} → An image (image/png, 0.1 kB).",
        RETURNED,
        CALLED.text,
        "See.",
    ]
    assert [each.media for each in segments] == [None, PICTURE, None, None]
    _, image, *_ = render_segments(segments)
    assert f'alt="{RETURNED}"' in image
    assert image.startswith('<p class="nbs-step"><img src="data:image/png;base64,')


def test_a_line_tells_of_images_even_if_it_is_cut():
    line = line_of(drawing("Row " * 40, images=(PICTURE, PICTURE)))
    assert line.startswith("Tool call: plot {} → 2 images; Row Row")


def test_a_page_takes_images_of_calls_that_end_in_any_order():
    renderer, page = AnswerRenderer(), list[str]()
    running = drawing("", images=(), state="running")
    for calls in ((running, running), (running, drawing()), (drawing(), drawing())):
        placed(page, renderer.draw(segments_of(answer(*calls, state=StreamState.STREAMING))))
    placed(page, renderer.draw(segments_of(answer(drawing(), drawing())), final=True))
    assert page == render_segments(segments_of(answer(drawing(), drawing())))


def test_a_terminal_tells_of_images_in_words():
    out = io.StringIO()
    surface = TerminalSurface(out)
    running = drawing("", images=(), state="running")
    for calls in ((running, running), (running, drawing()), (drawing(), drawing())):
        surface.draw(answer(*calls, state=StreamState.STREAMING))
    surface.close(answer(drawing(), drawing(), TextPart("See.")))
    done = "[Tool call: plot {} → An image (image/png, 0.1 kB).]\n"
    assert out.getvalue() == f"[Tool call: plot {{}} (running)]\n{done}{done}See.\n"


WHY = "The tool raised DatabaseError: no such table.\n  SELECT *\n  FROM ```nowhere```\n" + "x" * 100


@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_all_of_a_long_error_can_be_read(state):
    called = answer(ToolCallPart("1", "query", "{}", run=ToolRun(state, WHY, "exception")), TextPart("Sorry."))
    line, _ = segments_of(called)
    assert (len(line.text), line.error) == (120, WHY)
    assert "FROM ```nowhere```" in render_segments([line])[0], "folded"
    markdown, words = answer_bundle(called)[0].values()
    assert f"\n\n````\n{WHY}\n````\n\nSorry." in markdown
    assert f"…]\n{WHY}\n\nSorry." in words


def test_an_error_that_its_line_tells_is_told_once():
    [line] = segments_of(answer(ToolCallPart("1", "f", "{}", run=ToolRun("failed", "No.", "exception"))))
    assert (line.text, line.detail, line.error) == ("Tool call: f {} (failed: No.)", "", "")
    long = ToolRun("failed", "x" * 5_000, "exception")
    [line] = segments_of(answer(ToolCallPart("1", "f", "{}", run=long)))
    assert line.error == "x" * 2_000 + "\n[5,000 characters in all]"
