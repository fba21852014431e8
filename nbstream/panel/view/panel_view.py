"""The view of a chat panel: a widget that draws a `PanelState` and hands what the reader does to `PanelActions`.

Pages come and go; the state is here.

To the page, the first two each with the next `number`:

    state      what has changed: `surroundings` by name, `order` (the ids of all turns), `heads` (turns without their
               text), `contents` (text, blocks and thoughts, which are blocks too, of turns; both are null if the page
               has seen them arrive: `stream` then says as which stream, up to which message).
    outline    all of that, without contents, under the number of the message before it.
    contents   turns that the page has asked for, as many as fit into one message.
    stream     a message of the `AnswerFeed` of a turn: turn, stream (its number), label (the model), message.
    reply      to a message with an `id`: what it asked for, as `value`, or the `error` it has met.

From the page: `hello` until it is answered, `resync` when a number is missing, of a turn's stream or of the panel;
`want` with the ids of turns whose contents are missing, the most wanted first; `answer` to a question of a turn's
stream; `do` with an `action` of `PanelActions`, or "diagram", to which Mermaid code without what could load something
is the reply, or "revoke", whose `target` is a tool.
"""

from __future__ import annotations

import itertools
import pathlib
import secrets
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import anywidget
import traitlets

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.page import packed_code, page_code, take_messages_at_once
from nbstream.display.questions import Allowances
from nbstream.errors import words_of
from nbstream.markdown import diagram
from nbstream.panel.view.panel_actions import perform
from nbstream.panel.view.panel_state import PanelState, TurnView
from nbstream.panel.view.settled_turns import SettledTurns
from nbstream.text.place import Place
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.surface import Surface
    from nbstream.panel.view.panel_actions import PanelActions
    from nbstream.request import Images, StreamRequest
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Allowance, Question

__all__ = ["PanelView"]

_STATIC = pathlib.Path(__file__).parent / "static"

# A message is cut before it is so long, or has taken so long to make: the newest turns are shown at once.
_BATCH_CHARACTERS, _BATCH_SECONDS = 150_000, 0.15


class _Stream(NamedTuple):
    """An answer that arrives."""

    number: int
    label: str
    feed: AnswerFeed


class PanelView(anywidget.AnyWidget):
    """A chat panel's view.

    Its messages go out by `_tell`, so that a subclass may have a `send` of its own.

    Args:
        actions: What the reader can do.
        images: Whether images from other servers in settled turns are links or loaded.
        **widget: What every widget takes, such as `layout`.
    """

    _esm = packed_code(_STATIC / "panel.js")
    _css = page_code(_STATIC / "panel.css")
    key = traitlets.Unicode().tag(sync=True)

    def __init__(self, actions: PanelActions, *, images: Images = "link", **widget: Any) -> None:
        self._actions = actions
        self._state = PanelState()
        self._turns: dict[str, TurnView] = {}
        self._settled = SettledTurns(images)
        self._sent: dict[str, str] = {}  # the version of each turn that pages have been sent
        self._streams: dict[str, _Stream] = {}
        self._allowed = Allowances()
        self._counter = itertools.count(1)
        self._number = 0
        self._ever_seen = False
        # States come from any thread, frames from worker threads, messages of the page from the kernel's.
        self._lock = threading.RLock()
        key = secrets.token_hex(16)  # the page finds the widget by it, and what it has of the widget
        super().__init__(model_id=key, key=key, **widget)
        take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)

    @property
    def shown(self) -> PanelState:
        """What the panel shows."""
        return self._state

    @property
    def on_screen(self) -> bool:
        """Whether some page has reported that it shows this panel."""
        return self._ever_seen

    def show(self, state: PanelState) -> None:
        """Draw the state; only what differs from the one before is sent. From any thread."""
        with self._lock:
            state = replace(state, allowed=tuple(self._allowed.told()))
            old, self._state = self._state, state
            changed = [turn for turn in state.turns if self._turns.get(turn.id) != turn]
            self._turns = {turn.id: turn for turn in state.turns}
            contents = self._new_contents(changed)
            self._forget_gone()
            message = {
                "surroundings": _differences(old.surroundings(), state.surroundings()),
                "heads": [self._head(turn) for turn in changed],
                "contents": contents,
            }
            if [turn.id for turn in old.turns] != list(self._turns):
                message["order"] = list(self._turns)
            if any(message.values()) or "order" in message:
                self._number += 1
                self._tell({"type": "state", "number": self._number, **message})

    def surface(self, turn_id: str) -> Surface:
        """Where to draw the answer of a turn that streams, now or soon to be part of the state.

        Args:
            turn_id: The id that the turn has in the state, also once it has ended.
        """
        return _TurnSurface(lambda request: self._begin(turn_id, request), self._allow, lambda: self.on_screen)

    def _allow(self, allowance: Allowance) -> None:
        with self._lock:
            if self._allowed.add(allowance):
                self.show(self._state)

    def _begin(self, turn_id: str, request: StreamRequest) -> AnswerFeed:
        """Make a stream of its own for a turn; one that it had before is no longer heard."""
        number = next(self._counter)

        def tell(message: dict[str, Any]) -> None:
            stream = self._streams.get(turn_id)
            if stream is not None and stream.number == number:
                about = {"turn": turn_id, "stream": number, "label": stream.label}
                self._tell({"type": "stream", **about, "message": message})

        feed = AnswerFeed(tell, images=request.images, place=Place.PANEL)
        with self._lock:
            self._streams[turn_id] = _Stream(number, request.model, feed)
        feed.send_snapshot()
        return feed

    def _new_contents(self, changed: list[TurnView]) -> list[dict[str, Any]]:
        """What pages certainly lack, or have seen arrive, as far as it fits; they ask for the rest."""
        contents: list[dict[str, Any]] = []
        for turn in changed:
            if turn.live:
                continue
            version, stream = self._settled.version(turn), self._streams.pop(turn.id, None)
            if stream is not None and stream.feed.ended and _shows(stream.feed, turn):
                self._settled.adopt(turn, stream.feed.blocks(), stream.feed.thoughts())
                arrived = {"stream": [stream.number, stream.feed.number]}
                contents.append({**self._settled.content(turn, blocks=False), **arrived})
            elif self._sent.get(turn.id) == version:
                continue
            elif self._ever_seen and len(turn.text) + len(turn.reasoning) + _size(contents) < _BATCH_CHARACTERS // 2:
                contents.append(self._settled.content(turn))
        if not self._ever_seen:
            return []
        self._sent |= {content["id"]: content["version"] for content in contents}
        return contents

    def _forget_gone(self) -> None:
        """Forget turns that can no longer be shown, and what has streamed into them."""
        siblings = (each for turn in self._turns.values() for each in turn.siblings)
        self._settled.forget_all_but({*self._turns, *siblings})
        self._sent = {id_: version for id_, version in self._sent.items() if id_ in self._turns}
        for id_ in [id_ for id_, stream in self._streams.items() if stream.feed.ended and id_ not in self._turns]:
            del self._streams[id_]

    def _head(self, turn: TurnView) -> dict[str, Any]:
        return {**turn.head(), "version": "" if turn.live else self._settled.version(turn)}

    def _on_page_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        match content:
            case {"type": "hello"} | {"type": "resync", "turn": None}:
                self._send_outline()
            case {"type": "resync", "turn": str(turn)}:
                with self._lock:
                    stream = self._streams.get(turn)
                if stream is not None:
                    stream.feed.send_snapshot()
            case {"type": "answer", "turn": str(turn)}:
                with self._lock:
                    stream = self._streams.get(turn)
                if stream is not None:
                    stream.feed.answer(content)
            case {"type": "want", "turns": list(ids)}:
                self._send_contents(ids)
            case {"type": "do", "id": int(number), "action": "diagram", "code": str(code)}:
                self._tell({"type": "reply", "id": number, "value": diagram(code)})
            case {"type": "do", "id": int(number), "action": "revoke", "target": str(tool)}:
                with self._lock:
                    self._allowed.revoke(tool)
                    self.show(self._state)
                self._tell({"type": "reply", "id": number})
            case {"type": "do", "id": int(number)}:
                self._tell({"type": "reply", "id": number, **self._do(content)})
            case _:
                pass  # a page of another version

    def _do(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"value": perform(self._actions, message)}
        except Exception as error:  # noqa: BLE001  whatever an action raises is shown to the reader
            words = words_of(error, Place.PANEL) or type(error).__name__
            return {"error": " ".join(encodable(plain(words)).split())}

    def _send_outline(self) -> None:
        with self._lock:
            self._ever_seen = True
            self._tell(
                {
                    "type": "outline",
                    "number": self._number,
                    "surroundings": self._state.surroundings(),
                    "order": list(self._turns),
                    "heads": [self._head(turn) for turn in self._state.turns],
                }
            )
            streams = list(self._streams.values())
        for stream in streams:
            stream.feed.send_snapshot()

    def _send_contents(self, ids: list[Any]) -> None:
        """Send the first of these turns, at least one."""
        contents: list[dict[str, Any]] = []
        until = time.monotonic() + _BATCH_SECONDS
        with self._lock:
            wanted = [turn for id_ in ids if isinstance(id_, str) and (turn := self._turns.get(id_)) and not turn.live]
            for turn in wanted:
                content = self._settled.content(turn)
                if contents and _size([*contents, content]) > _BATCH_CHARACTERS:
                    break
                contents.append(content)
                if time.monotonic() > until:
                    break
            self._tell({"type": "contents", "contents": contents})

    def _tell(self, message: dict[str, Any]) -> None:
        super().send(message)


class _TurnSurface:
    """Draws one stream in its turn."""

    def __init__(
        self,
        begin: Callable[[StreamRequest], AnswerFeed],
        allowed: Callable[[Allowance], None],
        on_screen: Callable[[], bool],
    ) -> None:
        self._begin = begin
        self.allowed = allowed
        self._on_screen = on_screen
        self._feed: AnswerFeed | None = None

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Begin to draw; the panel has a Stop of its own."""
        del stop
        self._feed = self._begin(request)

    def refresh_by(self, touch: Callable[[], None]) -> None:
        """Have the same answer drawn again when there is more to see of it."""
        if self._feed is not None:
            self._feed.refresh_by(touch)

    def draw(self, snapshot: StreamResult) -> None:
        """Send what is new."""
        if self._feed is not None:
            self._feed.draw(snapshot)

    def ask(self, question: Question) -> bool:
        """Ask in the turn whether a call may run."""
        if self._feed is not None:
            self._feed.ask(question)
        return self._on_screen()

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        if self._feed is not None:
            self._feed.withdraw(question)

    def close(self, result: StreamResult) -> None:
        """Send the rest, and how the answer ended."""
        if self._feed is not None:
            self._feed.draw(result)
            self._feed.end(result)


def _shows(feed: AnswerFeed, turn: TurnView) -> bool:
    """Whether what has arrived is all that the turn holds."""
    return feed.segments == turn.segments and feed.reasoning == turn.reasoning


def _differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in new.items() if old[name] != value}


def _size(contents: list[dict[str, Any]]) -> int:
    """About how long the contents are as a message."""
    html = (content[name] or () for content in contents for name in ("blocks", "thoughts"))
    return sum(map(len, itertools.chain.from_iterable(html))) + sum(
        len(each["text"]) + _urls(each) for each in contents
    )


def _urls(content: dict[str, Any]) -> int:
    return sum(len(attachment["url"]) + len(attachment["text"]) for attachment in content["attachments"])
