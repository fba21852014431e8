"""An error that the cell shows is told there; one that its code has caught is told below the answer."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from IPython.core.events import EventManager

from nbstream.display.raised import Raised
from nbstream.errors import ServerError
from nbstream.result import StreamResult, StreamState

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def end_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | None], None]:
    """End the cell, which has shown this error."""
    shell = SimpleNamespace(events=EventManager(mock.Mock(), {"post_run_cell": None}))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    def end_cell(shown: BaseException | None) -> None:
        monkeypatch.setattr(sys, "last_value", shown, raising=False)
        shell.events.trigger("post_run_cell", None)

    return end_cell


def caused(error: BaseException) -> BaseException:
    other = ValueError("other")
    other.__cause__ = error
    return other


def in_its_place(error: BaseException) -> BaseException:
    other = ValueError("other")
    other.__context__, other.__suppress_context__ = error, True
    return other


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (lambda error: error, False),
        (caused, False),
        (lambda error: ExceptionGroup("several", [ValueError(), error]), False),
        (lambda _: None, True),
        (lambda _: ValueError("of an earlier cell"), True),
        (in_its_place, True),
    ],
    ids=["raised", "the cause", "in a group", "caught", "another", "replaced"],
)
@pytest.mark.parametrize("drawn_first", [True, False], ids=["drawn first", "drawn late"])
def test_an_error_is_told_once(
    end_cell: Callable[[BaseException | None], None],
    shown: Callable[[BaseException], BaseException | None],
    *,
    told: bool,
    drawn_first: bool,
) -> None:
    error = ServerError("It broke.")
    result = StreamResult("Half", StreamState.FAILED, error=error)
    raised = Raised()
    left_to_the_cell: list[bool] = []
    if drawn_first:
        raised.show(result, left_to_the_cell.append)
    end_cell(shown(error))
    if not drawn_first:  # a busy page may draw the end after the cell's
        raised.show(result, left_to_the_cell.append)
    assert left_to_the_cell == ([True] if drawn_first else []) + ([False] if told else [] if drawn_first else [True])


def test_an_answer_without_an_error_is_shown_once(end_cell: Callable[[BaseException | None], None]) -> None:
    raised = Raised()
    shown: list[bool] = []
    raised.show(StreamResult("All", StreamState.COMPLETED, "stop"), shown.append)
    end_cell(None)
    assert shown == [True]
