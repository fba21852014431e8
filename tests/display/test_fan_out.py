"""One stream on several surfaces."""

import sys

import pytest

from nbstream.display.fan_out import FanOut
from nbstream.display.surface import Attentive
from nbstream.result import StreamResult, StreamState
from nbstream.testing import RecordingSurface

SO_FAR, END = StreamResult("Hel"), StreamResult("Hello", StreamState.COMPLETED)


class Terminal(RecordingSurface):
    """One that wants to know whether the caller waits."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def attend(self, waits):
        self.waits.append(waits)


def stop():
    pass


def test_each_is_opened_drawn_on_and_closed(make_request):
    request = make_request()
    surfaces = [RecordingSurface(), RecordingSurface()]
    fan = FanOut(surfaces)
    fan.open(request, stop)
    fan.draw(SO_FAR)
    fan.close(END)
    for surface in surfaces:
        assert (surface.request, surface.stop, surface.frames, surface.final) == (request, stop, [SO_FAR], END)


@pytest.mark.parametrize("method", ["open", "draw"])
def test_one_that_fails_is_drawn_on_no_more_but_closed(monkeypatch, caplog, make_request, method):
    broken, sound = RecordingSurface(), RecordingSurface()
    monkeypatch.setattr(broken, method, lambda *_: 1 / 0)
    fan, request = FanOut([broken, sound]), make_request()
    fan.open(request, stop)
    fan.draw(SO_FAR)
    monkeypatch.undo()
    fan.draw(SO_FAR)
    fan.close(END)
    assert (broken.frames, broken.final) == ([], END)
    assert (sound.frames, sound.final) == ([SO_FAR, SO_FAR], END)
    assert caplog.text.count("could not draw") == 1


def test_one_that_cannot_be_closed_does_not_keep_the_others_open(monkeypatch, caplog):
    broken, sound = RecordingSurface(), RecordingSurface()
    monkeypatch.setattr(broken, "close", lambda *_: 1 / 0)
    FanOut([broken, sound]).close(END)
    assert sound.final is END
    assert "could not draw" in caplog.text


def test_the_attentive_among_them_are_told_that_the_caller_waits():
    terminal = Terminal()
    fan = FanOut([RecordingSurface(), terminal])
    assert isinstance(fan, Attentive)
    fan.attend(True)
    fan.attend(False)
    assert terminal.waits == [True, False]


def test_one_that_joins_is_drawn_on_from_what_there_is(make_request):
    first, late, last = RecordingSurface(), RecordingSurface(), RecordingSurface()
    fan, request = FanOut([first]), make_request()
    fan.open(request, stop)
    fan.draw(SO_FAR)
    fan.join(late)
    assert (late.request, late.stop, late.frames) == (request, stop, [SO_FAR])
    fan.draw(END)
    fan.close(END)
    fan.join(last)
    assert (late.frames, late.final) == ([SO_FAR, END], END)
    assert last.request is None, "it is too late"


def test_one_that_joins_before_the_beginning_is_opened_once(make_request):
    late = RecordingSurface()
    fan = FanOut([])
    fan.join(late)
    assert late.request is None
    fan.open(make_request(), stop)
    assert (late.stop, late.frames) == (stop, [])


def test_one_that_wants_to_exit_does_not_take_the_others_along(monkeypatch):
    leaving, sound = RecordingSurface(), RecordingSurface()
    monkeypatch.setattr(leaving, "draw", lambda _: sys.exit())
    fan = FanOut([leaving, sound])
    fan.draw(SO_FAR)
    assert sound.frames == [SO_FAR]
