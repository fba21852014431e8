"""What one answer sends to its page, in virtual time: as many messages as frames are due, and each piece once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbstream.display.notebook import NotebookSurface
from nbstream.markdown import render
from nbstream.panel.view.panel_state import PanelState, TurnView
from nbstream.panel.view.panel_view import PanelView
from nbstream.testing import play
from tests.comms import Page
from tests.cost.answer import FRAMES_A_SECOND, PIECES_A_SECOND, pieces_of, scripted, text_of
from tests.cost.on_a_page import OnAPage

A_FRAME = 120  # bytes of a patch or its like, besides what it says


def bytes_of(messages: object) -> int:
    return len(json.dumps(messages, ensure_ascii=False).encode())


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(monkeypatch)


def frames_due(text: str) -> float:
    return FRAMES_A_SECOND * len(pieces_of(text)) / PIECES_A_SECOND


@pytest.mark.parametrize("copies", [2, 8])
def test_a_live_answer_is_sent_once(copies: int, page: Page, outputs: list[dict[str, Any]]) -> None:
    text = text_of(copies)
    render(text)  # the first code of a language gets its colours later
    surface = OnAPage(NotebookSurface("live"), page)
    assert play(scripted(text), surface=surface, max_rate=FRAMES_A_SECOND).text == text

    assert 0.95 * frames_due(text) <= surface.frames <= frames_due(text) + 2
    drawn = page.custom
    patches = [message for message in drawn if message["type"] == "patch"]
    assert len(patches) <= surface.frames + 1
    kept = [message for message in drawn if message["type"] == "keep"]
    drawn = [message for message in drawn if message not in kept]
    assert [message["type"] for message in drawn if message["type"] != "patch"] == ["snapshot", "end"]
    assert len(kept) <= len(text) / len(pieces_of(text)[0]) / PIECES_A_SECOND / 3 + 1, "every few seconds, for the file"
    assert bytes_of(kept) <= 1.2 * len(text) + 2 * A_FRAME * len(kept), "each says what is new since the one before"
    print(f"\n{len(text):,} characters: {len(drawn)} messages, {bytes_of(drawn):,} bytes")
    assert bytes_of(drawn) < 1.6 * len(render(text)) + A_FRAME * len(drawn)
    assert max(map(bytes_of, drawn)) < 1_500

    waiting, static = outputs
    assert bytes_of(waiting) < 500
    assert bytes_of(static) < 3 * len(text), "once as Markdown and once as plain text"


def test_a_view_brings_its_code_and_little_else(page: Page, outputs: list[dict[str, Any]]) -> None:
    text = text_of(2)
    play(scripted(text), surface=OnAPage(NotebookSurface("live"), page), max_rate=FRAMES_A_SECOND)
    opening = [size for (kind, _), size in zip(page.messages, page.sizes, strict=True) if kind == "comm_open"]
    print(f"\na view's code: {sum(opening):,} bytes")
    assert len(opening) == 2, "the widget and its layout"
    assert sum(opening) < 23_100
    assert len(page.messages) == len(opening) + len(page.custom), "nothing is synchronised as state"
    assert outputs


# --- the panel --------------------------------------------------------------------------------------------------------


class Nobody:
    """A panel's reader who does nothing."""


def exchanges(count: int) -> tuple[TurnView, ...]:
    said = [(f"u{n}", "user", "Why?") if n % 2 == 0 else (f"a{n}", "assistant", text_of(2)) for n in range(2 * count)]
    return tuple(TurnView(id_, role, text) for id_, role, text in said)


def sent_for_an_answer(page: Page, before: int) -> list[dict[str, Any]]:
    """What a panel that shows so many exchanges sends for one more."""
    text, earlier = text_of(2), exchanges(before)
    view = PanelView(Nobody())  # type: ignore[arg-type]
    view.show(PanelState(model="m", turns=earlier))
    page.says({"type": "hello"})
    page.says({"type": "want", "turns": [turn.id for turn in earlier]})
    page.messages.clear()
    asked, said = TurnView("u", "user", "Why?"), TurnView("a", "assistant", "", state="pending")
    surface = OnAPage(view.surface("a"), page)
    view.show(PanelState(model="m", turns=(*earlier, asked, said), running="a"))
    play(scripted(text), surface=surface, max_rate=FRAMES_A_SECOND)
    view.show(PanelState(model="m", turns=(*earlier, asked, TurnView("a", "assistant", text))))
    view.close()
    return page.custom


def test_an_answer_in_a_panel_is_sent_once_however_long_the_conversation(page: Page) -> None:
    first, twentieth = sent_for_an_answer(page, 0), sent_for_an_answer(page, 19)
    text = text_of(2)
    print(f"\nin a panel: {bytes_of(first):,} bytes for the first answer, {bytes_of(twentieth):,} for the twentieth")
    # The hello at the opening is answered by an outline: an id and a version for each turn.
    assert bytes_of(twentieth) < bytes_of(first) + 38 * 400
    for sent in (first, twentieth):
        streamed = [message for message in sent if message["type"] == "stream"]
        assert len(streamed) <= frames_due(text) + 6, "the frames, two snapshots at its beginning, and the end"
        assert bytes_of(streamed) < 1.6 * len(render(text)) + 2 * A_FRAME * len(streamed)
