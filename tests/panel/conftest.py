"""A panel without a page: a view that remembers its states, and a chat over loopback HTTP."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.conversation.chat import Chat
from nbstream.panel.controller import PanelController
from nbstream.panel.hooks import Hooks
from nbstream.testing import RecordingSurface, chat_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.panel.view.panel_state import PanelState
    from nbstream.testing import FaultServer

PATIENCE = 10.0


class RecordedView:
    """What a view was asked to show."""

    def __init__(self) -> None:
        self.states: list[PanelState] = []
        self.surfaces: list[tuple[str, RecordingSurface]] = []
        self._changed = threading.Condition()

    def show(self, state: PanelState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    def surface(self, turn_id: str) -> RecordingSurface:
        made = RecordingSurface()
        self.surfaces.append((turn_id, made))
        return made

    @property
    def state(self) -> PanelState:
        return self.states[-1]

    def wait(self, seen: Callable[[PanelState], bool]) -> PanelState:
        """The state once it is as wanted."""
        with self._changed:
            assert self._changed.wait_for(lambda: seen(self.states[-1]), PATIENCE), self.states[-1]
            return self.states[-1]

    def idle(self, turns: int) -> PanelState:
        """The state once there are so many turns and nothing streams."""
        return self.wait(lambda state: len(state.turns) == turns and state.running is None)


class Gate(threading.Event):
    """Holds an answer in its middle."""

    def before(self, rest: str) -> tuple[Any, ...]:
        return chat_body("Hel", finish_reason=None, done=False), self, chat_body(rest)


@pytest.fixture
def view() -> RecordedView:
    return RecordedView()


@pytest.fixture
def chat(loopback: FaultServer) -> Chat:
    return Chat(model="m", base_url=loopback.base_url, max_retries=0)


@pytest.fixture
def make_panel(chat: Chat, view: RecordedView) -> Callable[..., PanelController]:
    def make(shown: RecordedView = view, **options: Any) -> PanelController:
        panel = PanelController(chat, **{"namespace": {}, "hooks": Hooks(), **options})
        panel.attach(shown)
        return panel

    return make


@pytest.fixture
def panel(make_panel: Callable[..., PanelController]) -> PanelController:
    return make_panel()


@pytest.fixture
def gate() -> Gate:
    return Gate()
