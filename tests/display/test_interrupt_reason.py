"""An interrupt is a Stop if the page has said so on the channel for answers to `input()`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import zmq
from jupyter_client.session import Session

from nbstream.display.interrupt_reason import forget_stops, is_stop

STOP = {"status": "ok", "value": "nbstream: stop"}


@pytest.fixture
def say(monkeypatch):
    """The page's end of the channel."""
    context, session = zmq.Context(), Session(key=b"key")
    kernel, page = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    kernel.bind("inproc://stdin")
    page.connect("inproc://stdin")
    shell = SimpleNamespace(kernel=SimpleNamespace(stdin_socket=kernel, session=session))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    yield lambda content, by=session: by.send(page, "input_reply", content)
    context.destroy(linger=0)


def test_the_page_says_that_an_interrupt_is_a_stop_once(say):
    say({"status": "ok", "value": "an answer that nobody has asked for"})
    say(STOP)
    assert is_stop()
    assert not is_stop()


def test_a_stop_that_came_too_late_for_one_stream_is_none_of_the_next(say):
    say(STOP)
    say({"status": "ok", "value": "an answer that nobody has asked for"})
    say(STOP)
    forget_stops()
    assert not is_stop()


@pytest.mark.parametrize("content", [{"status": "ok"}, {"value": None}])
def test_words_of_another_shape_are_none(say, content):
    say(content)
    assert not is_stop()


def test_an_interrupt_of_which_nothing_is_said_is_none(say):
    assert not is_stop()
    say(STOP, by=Session(key=b"another"))
    assert not is_stop(), "it is not the page that says it"


def test_the_channel_can_be_left_alone(say, monkeypatch):
    monkeypatch.setenv("NBSTREAM_STOP_CHANNEL", "off")
    say(STOP)
    assert not is_stop()


@pytest.mark.parametrize("kernel", [None, SimpleNamespace(), SimpleNamespace(stdin_socket=object(), session=None)])
def test_a_kernel_without_that_channel_says_nothing(monkeypatch, kernel):
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=kernel))
    assert not is_stop()
