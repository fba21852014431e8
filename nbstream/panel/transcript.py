"""The output that a saved notebook keeps of a panel. Pure, but for remembering what has been rendered.

It is the conversation as HTML and Markdown that do nothing, and the chat itself in the metadata. The HTML is what
notebooks show, because it is drawn at once; the Markdown is for readers without HTML. The page of a panel hides the
HTML of its own transcript while it is there, by the key.

A front end takes in an output that is updated as a whole, shown or not. So the earlier turns are an output of their
own, which changes seldom: a turn costs the page no more at the end of a long conversation than at its beginning.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.conversation.export import to_markdown, to_text
from nbstream.display.answer_renderer import render_segments
from nbstream.display.marks import mark_of
from nbstream.display.pictures import SMALL, small_copy
from nbstream.display.segments import segments_of
from nbstream.markdown import render
from nbstream.panel.attachments import attachments_of, text_of
from nbstream.panel.notebook_file import METADATA_KEY, divided
from nbstream.panel.saved_code import coloured
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.conversation.chat import Chat
    from nbstream.conversation.turn import Turn
    from nbstream.panel.view.panel_state import Attachment
    from nbstream.result import StreamResult

__all__ = ["Kept", "Transcript"]

# Jupyter drops what is sent faster than 1 MB a second, over three seconds; the answer's last words go along.
_MOST_HTML, _MOST_WORDS, _MOST_IN_ALL = 250_000, 100_000, 2_600_000

# Longer images are only named: they are in the metadata as it is.
_LONGEST_IMAGE = 150_000
_SHOWN_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
_HOW_TO_CONTINUE = "<p><em>To continue this conversation, run <code>nbs.ChatPanel.restore()</code>.</em></p>"

# Code, of all that an answer may end with, has no space below it.
_TURN = '<div style="margin: 1em 0">'

# So much HTML is redrawn at the end of each turn.
_MOST_LATE = 24_000

# The front end aligns cells of HTML to the right unless their own style says otherwise. In text, `<` is escaped.
_CELL = re.compile(r'<(t[dh])(?: align="(\w+)")?>')

_TOO_LARGE = "This conversation is too large to be kept in the notebook as a whole; keep it with panel.chat.save(path)."


class _Rendered:
    """A turn in each form, made when it is first wanted: a long conversation is not shown in all of them."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    @functools.cached_property
    def html(self) -> str:
        return _html_of(self.turn)

    @functools.cached_property
    def markdown(self) -> str:
        return to_markdown([self.turn], place=Place.PANEL)

    @functools.cached_property
    def text(self) -> str:
        return to_text([self.turn], place=Place.PANEL)


class Kept(NamedTuple):
    """What is kept of a chat at one moment.

    Attributes:
        earlier: The data of an output for the earlier turns; `None` if there is none.
        before: What goes with it: the earlier turns, to be restored.
        data: That of the output for the others.
        metadata: What goes with it: the chat without the earlier turns.
        warning: What the reader should know; nothing is too large to be sent.
    """

    earlier: dict[str, Any] | None
    before: dict[str, Any]
    data: dict[str, Any]
    metadata: dict[str, Any]
    warning: str


class Transcript:
    """Makes the output after each change, and renders each turn once. Not thread-safe.

    Args:
        key: What marks the HTML as belonging to one panel.
        divided: Whether earlier turns get an output of their own.
    """

    def __init__(self, key: str, *, divided: bool = True) -> None:
        self._key = key
        self._divided = divided
        self._early = 0
        self._early_turns: list[dict[str, Any]] = []
        self._divided_at = ""
        self._kept: dict[str, _Rendered] = {}

    def keep(self, chat: Chat, saved_at: str, panel: Mapping[str, Any] | None = None) -> Kept:
        """The outputs for the chat as it is.

        Args:
            chat: The conversation.
            saved_at: The moment, in a form that sorts.
            panel: What the panel was made with besides, for `restore` to name.
        """
        kept, self._kept = self._kept, {}
        for turn in chat.turns:
            found = kept.get(turn.id)
            self._kept[turn.id] = found if found is not None and found.turn is turn else _Rendered(turn)
        rendered = list(self._kept.values())
        early = self._early = self._divide(rendered) if self._divided else 0
        system = to_markdown([], chat.system)
        first = [system] if system else []
        earlier = None
        if self._divided:
            earlier = {
                "text/html": self._html(rendered[:early]),
                "text/markdown": _markdown(rendered[:early], first) if early else "",
                "text/plain": _words(rendered[:early]) if early else "",
            }
        document = chat.to_dict()
        document["turns"] = [_lightened(turn) for turn in document["turns"]]
        turns, document["turns"] = divided(document["turns"], rendered[early - 1].turn.id if early else None)
        if turns != self._early_turns:
            self._early_turns, self._divided_at = turns, saved_at
        data = {
            "text/html": self._html(rendered[early:], "" if early else "<p><em>An empty chat.</em></p>", last=True),
            "text/markdown": _markdown(rendered[early:], [] if early else first) or "*An empty chat.*",
            "text/plain": _words(rendered[early:]),
        }
        saved = {"chat": document, "saved_at": saved_at, **({"panel": dict(panel)} if panel else {})}
        before: dict[str, Any] = {}
        if turns:
            saved["earlier"] = self._key
            before = {METADATA_KEY: {"earlier": self._key, "turns": turns, "saved_at": self._divided_at}}
        if sum(map(_size, (earlier, before, data, saved))) <= _MOST_IN_ALL:
            return Kept(earlier, before, data, {METADATA_KEY: saved}, "")
        if earlier is not None:
            earlier |= {"text/markdown": "", "text/plain": ""}
        newest = _newest((each.markdown for each in reversed(rendered)), _MOST_HTML)
        data["text/markdown"] = "\n\n".join([f"*{_TOO_LARGE}*", *newest])
        return Kept(earlier, {}, data, {METADATA_KEY: {"saved_at": saved_at}}, _TOO_LARGE)

    def _divide(self, rendered: list[_Rendered]) -> int:
        """How many turns are early: as many as before, while the others are not too long."""
        late = rendered[self._early :]
        if late and len(_newest((each.html for each in reversed(late)), _MOST_LATE)) == len(late):
            return self._early
        return max(0, len(rendered) - 2)

    def _html(self, rendered: list[_Rendered], otherwise: str = "", *, last: bool = False) -> str:
        newest = _newest((each.html for each in reversed(rendered)), _MOST_HTML)
        left_out = len(rendered) - len(newest)
        note = f"<p><em>Earlier turns ({left_out}) are not shown here.</em></p>" if left_out else ""
        within = "".join([note, *newest]) or otherwise
        if last and self._kept:
            within += _HOW_TO_CONTINUE
        return f'<div class="nbs-transcript" data-panel="{html.escape(self._key)}">{within}</div>'


def _lightened(turn: dict[str, Any]) -> dict[str, Any]:
    """The turn of a document with smaller copies of the large images in its answer."""
    answer = turn.get("answer")
    if not isinstance(answer, dict) or not any(part["type"] in {"media", "tool_call"} for part in answer["parts"]):
        return turn
    return {**turn, "answer": {**answer, "parts": list(map(_lightened_part, answer["parts"]))}}


def _lightened_part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "media":
        return _lightened_image(part)
    run = part.get("run", {}) if part["type"] == "tool_call" else {}
    if not run.get("images"):
        return part
    return {**part, "run": {**run, "images": list(map(_lightened_image, run["images"]))}}


def _lightened_image(image: dict[str, Any]) -> dict[str, Any]:
    if (copy := small_copy(base64.b64decode(image.get("data", "")))) is None:
        return image
    return {**image, "media_type": copy[0], "data": base64.b64encode(copy[1]).decode()}


def _markdown(rendered: list[_Rendered], first: list[str]) -> str:
    return "\n\n".join([*first, *(each.markdown for each in rendered)])


def _words(rendered: list[_Rendered]) -> str:
    if not rendered:
        return "An empty chat."
    short = sum(len(each.turn.text) for each in rendered) <= _MOST_WORDS
    return "\n\n".join(each.text for each in rendered) if short else f"A chat of {len(rendered)} turns."


def _html_of(turn: Turn) -> str:
    model = turn.model
    name = {"user": "You", "assistant": "Assistant"}.get(turn.role, turn.role)
    said = f"<p><strong>{html.escape(name)}</strong>{f' <small>{html.escape(str(model))}</small>' if model else ''}</p>"
    attached = "".join(map(_html_of_file, attachments_of(turn.content)))
    shown = render(text_of(turn.content) or turn.refusal) if turn.answer is None else _body_of(turn.answer)
    mark = mark_of(turn.answer, Place.PANEL) if turn.answer is not None else None
    ended = f"<blockquote><strong>{mark.word}.</strong> {html.escape(mark.sentence)}</blockquote>" if mark else ""
    return f"{_TURN}{said}{coloured(_CELL.sub(_aligned, shown))}{attached}{ended}</div>"


def _html_of_file(file: Attachment) -> str:
    name = html.escape(file.name)
    if len(file.url) <= _LONGEST_IMAGE and _SHOWN_IMAGE.fullmatch(file.url):
        return f'<p><img src="{file.url}" alt="{name}" style="max-height: 12em; max-width: 100%"></p>'
    return f"<p><em>{name}</em></p>"


def _aligned(cell: re.Match[str]) -> str:
    side = cell[2] or ("center" if cell[1] == "th" else "left")
    return f'<{cell[1]} style="text-align: {side}">'


def _body_of(answer: StreamResult) -> str:
    return "".join(render_segments(segments_of(answer), room=SMALL))


def _size(value: Any) -> int:
    """How many bytes it is as a message."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _newest(parts: Iterable[str], limit: int) -> list[str]:
    """As many of the parts as fit, which come last first, in their order."""
    kept, size = [], 0
    for part in parts:
        size += len(part)
        if size > limit:
            break
        kept.append(part)
    return kept[::-1]
