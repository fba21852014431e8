"""One stream on several surfaces."""

import pytest

from nbstream.display.fan_out import FanOut, fan_out
from nbstream.display.surface import Attentive, NullSurface
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
    fan = fan_out(surfaces)
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
    fan = fan_out([RecordingSurface(), terminal])
    assert isinstance(fan, Attentive)
    fan.attend(True)
    fan.attend(False)
    assert terminal.waits == [True, False]


def test_where_nothing_is_drawn_nothing_is_prepared():
    assert isinstance(fan_out([NullSurface(), NullSurface()]), NullSurface)
