"""The sources of an answer: the same numbers everywhere, links that lead elsewhere, and words that do nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.bundle import answer_bundle
from nbstream.display.segments import segments_of
from nbstream.display.terminal import TerminalSurface
from nbstream.markdown import inert, render
from nbstream.result import Citation, StreamResult, StreamState, TextPart, ToolCallPart
from nbstream.transport.chat_completions import ChatCompletionsAdapter

A, B = "https://a.example/x", "https://b.example/(y)"


def cited(text: str, *sources: tuple[Any, ...]) -> TextPart:
    """A text with citations, each (address, title, the words that its span ends with)."""
    return TextPart(
        text,
        citations=tuple(
            Citation(
                {"type": "url_citation", "url": url, **({"title": title} if title else {})},
                *((0, text.index(words) + len(words)) if words else ()),
            )
            for url, title, words in sources
        ),
    )


def html_of(*parts: Any) -> str:
    return render("".join(segment.text for segment in segments_of(StreamResult(parts=parts))))


def link(url: str, words: str) -> str:
    return f'<a href="{url}" target="_blank" rel="noopener noreferrer nofollow">{words}</a>'


def test_sources_are_numbered_behind_what_they_are_about() -> None:
    first = cited(
        "High tide is at 6:04. Low is at noon.", (A, "Tides", "6:04."), (B, None, "noon."), (A, None, "noon.")
    )
    second = cited("And it rains.", (B, "Weather", "rains."))
    html = html_of(first, second)
    one, two = link(A, "[1]"), link(B.replace("(", "%28").replace(")", "%29"), "[2]")
    assert f"6:04. {one} Low is at noon. {two} {one}And it rains. {two}" in html
    assert html.index("Sources:") < html.index(link(A, "Tides")) < html.index("Weather")
    assert html.count("<li>") == 2


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("See `a b` there.", "`a", "See <code>a b</code> <a"),
        ("```python\nx = 1\ny = 2\n```\nThat.", "x = 1", "That"),
        ("Wow!", "Wow!", "Wow! <a"),
        ("See [it](https://c.example/d) there.", "c.exa", "it</a> <a"),
        ("One \n\ntwo", "One \n\n", "One <a"),
    ],
)
def test_a_number_breaks_nothing_that_is_whole(text: str, words: str, shown: str) -> None:
    html = html_of(cited(text, (A, None, words)))
    assert shown in html
    assert html.count("[1]") == 1
    assert "[1]" not in html.partition("<pre>")[2].partition("</pre>")[0]


def test_what_a_server_says_of_a_source_does_nothing() -> None:
    hostile = [
        ("javascript:alert(1)", "<img src=x onerror=a> **x** [y](javascript:b)\n# z"),
        ("data:text/html,x", None),
        ("/logout", "Log out"),
        ("ftp://a.example/", "ftp"),
        ("https://a.example/>)\"'<b>`$x$", "`code` $x$ | ~~~"),
    ]
    part = cited("Text", *((url, title, "Text") for url, title in hostile))
    for html in (html_of(part), render(inert("".join(each.text for each in segments_of(StreamResult(parts=(part,))))))):
        assert html.count("<a ") == 2, "the number and the title of the only one that may be a link"
        assert "<img" not in html
        assert "javascript:b" not in html.replace("[y](javascript:b)", "")
        assert "<h1>" not in html
        assert html.count("<li>") == 5


def test_numbers_that_a_text_has_itself_become_links() -> None:
    adapter = ChatCompletionsAdapter()
    lists = {"citations": [A, B], "search_results": [{"title": "Tides", "url": A, "date": "2026-01-01"}]}
    chunk = {"choices": [{"delta": {"content": "High[1][2], `a[1]`, [3], [2](https://c.example)"}}], **lists}
    events = [*(adapter.decode(chunk) or ()), *(adapter.decode({**lists, "choices": []}) or ())]
    assert [getattr(event, "annotation", {}).get("title") for event in events] == [None, "Tides", None]
    text = events[0].text
    html = html_of(TextPart(text, citations=tuple(Citation(each.annotation) for each in events[1:])))
    assert f"High{link(A, '[1]')}<a href" in html
    assert "<code>a[1]</code>, [3], " in html
    assert html.index("Sources:") < html.index(link(A, "Tides")) < html.index(">b.example<")


def test_a_live_view_draws_numbers_and_at_the_end_the_list() -> None:
    sent: list[dict[str, Any]] = []
    feed = AnswerFeed(sent.append)
    text = "High tide is at 6:04."
    for part in (TextPart(text), cited(text, (A, "Tides", "6:04.")), cited(f"{text} Low.", (A, "Tides", "6:04."))):
        feed.draw(StreamResult(parts=(part,), state=StreamState.STREAMING))
    [block] = feed.blocks()
    assert block == f"<p>High tide is at 6:04. {link(A, '[1]')} Low.</p>"
    feed.draw(StreamResult(parts=(part,), state=StreamState.COMPLETED))
    assert link(A, "Tides") in "".join(feed.blocks())


def test_many_sources_are_drawn_again_seldom() -> None:
    sent: list[dict[str, Any]] = []
    feed, parts = AnswerFeed(sent.append), []
    for number in range(300):
        parts.append(cited(f"Sentence {number}.\n\n", (f"https://{number}.example", None, ".")))
        feed.draw(StreamResult(parts=(*parts, TextPart("So")), state=StreamState.STREAMING))
    feed.draw(StreamResult(parts=tuple(parts), state=StreamState.COMPLETED))
    drawn = sum(len(change[2]) + len(change[4]) for message in sent for change in message["blocks"])
    final = feed.blocks()
    assert "[300]" in "".join(final)
    assert drawn < 12 * sum(map(len, final))


def test_saved_words_and_terminals_have_a_list() -> None:
    result = StreamResult(
        parts=(cited("High.", (A, "Tides", "High."), ("x:y", "Moon\x1b[2J", "High.")),),
        state=StreamState.COMPLETED,
        finish_reason="stop",
    )
    data, _ = answer_bundle(result)
    assert data["text/plain"] == f"High.\n\nSource 1: Tides, {A}\nSource 2: Moon␛[2J"
    assert f"]({A})" in data["text/markdown"] or f"](<{A}>)" in data["text/markdown"]
    out = io.StringIO()
    surface = TerminalSurface(out)
    surface.draw(StreamResult(parts=(TextPart("High."),), state=StreamState.STREAMING))
    surface.close(result)
    assert out.getvalue() == f"High.\n[Source 1: Tides, {A}]\n[Source 2: Moon␛[2J]\n"


def test_a_list_does_not_fall_into_code_that_was_cut() -> None:
    part = cited("```python\nx = 1", (A, "Tides", "x = 1"))
    *_, code, line = segments_of(StreamResult(parts=(ToolCallPart("1", "f", "{}"), part)))
    assert (code.kind, line.text) == ("text", f"Source 1: Tides, {A}")
