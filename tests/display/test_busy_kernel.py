"""A real kernel whose cell waits for an answer, asked by a client that names no subshell, as a page does at first."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_client.blocking.client import BlockingKernelClient

pytestmark = pytest.mark.skipif(
    version("ipykernel").startswith("6."), reason="there are no subshells before ipykernel 7"
)

PATIENCE = 120
PREPARATION = """
import threading, ipywidgets, nbstream as nbs
button = ipywidgets.Button()
threads = []
button.on_click(lambda _: threads.append(threading.current_thread() is threading.main_thread()))
nbs.configure(surface="live", model="demo", answer_while_busy=%r)
"""
WAIT = "result = nbs.stream('Write 4000 words')"


class Client:
    """What a page does, without one."""

    def __init__(self, client: BlockingKernelClient, kernel: KernelManager) -> None:
        self._client = client
        self.interrupt = kernel.interrupt_kernel
        self.channels: dict[str, str] = {}  # of the widgets, by the names of their models

    def send(self, kind: str, content: dict[str, Any]) -> str:
        message = self._client.session.msg(kind, content, metadata={"version": "1.0.0"})  # of the channel of states
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def tell(self, channel: str, data: dict[str, Any]) -> str:
        return self.send("comm_msg", {"comm_id": channel, "data": data})

    def run(self, code: str) -> str:
        return self.send("execute_request", {"code": code, "silent": False, "store_history": True})

    def reply(self) -> dict[str, Any]:
        reply: dict[str, Any] = self._client.get_shell_msg(timeout=PATIENCE)
        return reply

    def published(self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        while True:
            message = self._client.get_iopub_msg(timeout=PATIENCE)
            content: dict[str, Any] = message["content"]
            if message["msg_type"] == "comm_open":
                self.channels[content["data"]["state"]["_model_name"]] = content["comm_id"]
            if message["msg_type"] == kind and wanted(content):
                return content


@pytest.fixture
def waiting(tmp_path_factory: pytest.TempPathFactory, answers: bool) -> Iterator[tuple[Client, str]]:  # noqa: FBT001
    """A client of a kernel whose cell waits for an answer, and the request that runs the cell."""
    sockets = {} if sys.platform == "win32" else {"transport": "ipc", "ip": str(tmp_path_factory.mktemp("k") / "k")}
    kernel = KernelManager(**sockets)
    kernel.start_kernel(env={**os.environ, "NBSTREAM_DEMO_PACE": ""})
    started = kernel.client()
    started.start_channels()
    try:
        started.wait_for_ready(timeout=PATIENCE)
        client = Client(started, kernel)
        prepared = client.run(PREPARATION % answers)
        while client.reply()["parent_header"]["msg_id"] != prepared:
            pass  # its client has asked more than once whether it is ready
        cell = client.run(WAIT)
        client.published("comm_open", lambda opened: "label" in opened["data"]["state"])
        client.published("comm_msg")  # the view is told of the answer, so the cell waits
        yield client, cell
    finally:
        started.stop_channels()
        kernel.shutdown_kernel(now=True)


@pytest.mark.parametrize("answers", [True])
def test_a_page_that_comes_while_a_cell_waits_is_told_of_the_widgets_and_heard(waiting: tuple[Client, str]) -> None:
    client, cell = waiting
    view, button = client.channels["AnyModel"], client.channels["ButtonModel"]
    for question in ("kernel_info_request", "comm_info_request"):
        asked = client.send(question, {})
        reply = client.reply()
        assert (reply["parent_header"]["msg_id"], reply["content"]["status"]) == (asked, "ok")
    assert {view, button} <= set(reply["content"]["comms"])
    client.send("comm_open", {"comm_id": "c", "target_name": "jupyter.widget.control", "data": {}})
    client.tell("c", {"method": "request_states"})
    states = client.published("comm_msg", lambda content: content["comm_id"] == "c")["data"]["states"]
    assert {view, button} <= set(states)

    client.tell(button, {"method": "custom", "content": {"event": "click"}})
    client.tell(view, {"method": "custom", "content": {"type": "stop"}})
    ended = client.reply()
    assert (ended["parent_header"]["msg_id"], ended["content"]["status"]) == (cell, "ok")
    client.run("print(threads, result.state)")
    text = client.published("stream", lambda content: "cancelled" in content["text"])["text"]
    assert text == "[True] cancelled\n", "other widgets are answered on the main thread, after the cell"

    asked = client.send("comm_info_request", {})
    while (reply := client.reply())["msg_type"] != "comm_info_reply":
        pass
    assert reply["parent_header"].get("subshell_id") is None, "no cell waits"
    assert reply["parent_header"]["msg_id"] == asked


@pytest.mark.parametrize("answers", [False])
def test_a_setting_turns_it_off(waiting: tuple[Client, str]) -> None:
    client, cell = waiting
    asked = client.send("comm_info_request", {})
    client.interrupt()
    assert [client.reply()["parent_header"]["msg_id"] for _ in range(2)] == [cell, asked]
