"""One output of a cell, as a kernel sends it."""

import contextvars
import threading
from types import SimpleNamespace

import pytest
from ipykernel.zmqshell import ZMQDisplayPublisher
from jupyter_client.session import Session

from nbstream.display.output import Output

VIEW = "application/vnd.jupyter.widget-view+json"
MANAGER = {"colab": {"custom_widget_manager": {"url": "https://example.com/manager.js"}}}


@pytest.fixture
def sent(shell, monkeypatch):
    """The messages that a kernel's publisher sends, as pairs of their type and their content."""
    sent = []

    def send(_, __, message, **___):
        sent.append((message["header"]["msg_type"], message["content"]))

    publisher = ZMQDisplayPublisher(parent=shell, session=type("Wire", (Session,), {"send": send})())
    publisher.set_parent({})
    monkeypatch.setattr(shell, "display_pub", publisher)
    return sent


@pytest.fixture
def colab(sent, shell):
    """The kernel marks each view of a widget with its manager, by a hook of the thread of the cells."""
    assert sent == []

    def mark(message):
        if VIEW in message["content"]["data"]:
            message["content"]["metadata"][VIEW] = MANAGER
        return message

    shell.display_pub.register_hook(mark)


def in_a_thread(action, *arguments):
    thread = threading.Thread(target=action, args=arguments)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("colab")
def test_a_widgets_manager_is_named_in_every_update_that_shows_the_widget(sent):
    output = Output()
    output.display({VIEW: {}, "text/plain": "…"})
    in_a_thread(output.update, {VIEW: {}, "text/plain": "a"}, {"nbstream": 1})
    in_a_thread(output.update, {"text/plain": "ab"}, {"nbstream": 2})
    assert [(kind, content["metadata"]) for kind, content in sent] == [
        ("display_data", {VIEW: MANAGER}),
        ("update_display_data", {VIEW: MANAGER, "nbstream": 1}),
        ("update_display_data", {"nbstream": 2}),
    ]
    assert len({content["transient"]["display_id"] for _, content in sent}) == 1


@pytest.mark.parametrize("begin", [lambda output: output.display({"text/plain": "…"}), Output.reserve])
def test_an_update_belongs_to_the_cell_that_asked_where_a_kernel_knows_the_cell_by_its_context(
    shell, monkeypatch, begin
):
    request: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("request")
    kernel = SimpleNamespace(get_parent=lambda: {"header": request.get({})})  # as xeus-python does it
    belonging = []
    publisher = SimpleNamespace(publish=lambda *_, **__: belonging.append(request.get({})))
    monkeypatch.setattr(shell, "kernel", kernel, raising=False)
    monkeypatch.setattr(shell, "display_pub", publisher)
    output = Output()

    def cell():
        request.set({"msg_id": "the cell's"})
        begin(output)

    contextvars.Context().run(cell)
    in_a_thread(output.update, {"text/plain": "a"}, {})
    assert belonging[-1] == {"msg_id": "the cell's"}


def test_where_a_kernel_knows_one_request_no_output_is_made_for_another(shell, monkeypatch):
    publisher = SimpleNamespace(publish=lambda *_, **__: None, parent_header={"msg_id": "the cell's"})
    monkeypatch.setattr(shell, "display_pub", publisher)
    output = Output()
    output.reserve()
    assert output.reaches_cell
    publisher.parent_header = {"msg_id": "of a page that is gone"}
    assert not output.reaches_cell


def test_another_output_belongs_to_the_same_cell_though_the_kernel_has_heard_of_other_things(sent, shell, monkeypatch):
    belonging = []
    publisher = shell.display_pub
    message_of = publisher.session.msg

    def noted(kind, content, parent):
        belonging.append(parent["msg_id"])
        return message_of(kind, content, parent=parent)

    monkeypatch.setattr(publisher.session, "msg", noted)
    publisher.set_parent({"header": {"msg_id": "the cell's"}, "msg_id": "the cell's"})
    output = Output()
    output.display({"text/plain": "…"})
    in_a_thread(publisher.set_parent, {"header": {"msg_id": "of a page that is gone"}})
    other = output.beside()
    in_a_thread(other.update, {"image/png": "AAAA"}, {})
    in_a_thread(other.update, {"image/png": "BBBB"}, {})
    assert belonging == ["the cell's"] * 3
    assert [(kind, content["data"]) for kind, content in sent[1:]] == [
        ("display_data", {"image/png": "AAAA"}),
        ("update_display_data", {"image/png": "BBBB"}),
    ]
    assert len({content["transient"]["display_id"] for _, content in sent}) == 2
