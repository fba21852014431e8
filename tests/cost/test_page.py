"""What an answer sends over the websocket of a real JupyterLab, whose frames are due by real time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.cost.answer import FRAMES_A_SECOND
from tests.websocket import Listener, Received

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from tests.real_jupyter import OpenNotebook

A_MESSAGE = 900  # bytes around what a message says: three headers
FEW = 20  # messages about the execution, the output and the widget's beginning and end
CODE = 60_000  # bytes of the widget's code and styles, and of the static answer in both its formats


def test_a_live_answer_over_the_websocket(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    listener = Listener()
    cell = f"%%stream --base-url {upstream.base_url} -m demo -o answer\nWrite 440 words"
    notebook = open_notebook("lab", cell, before_opening=listener.listen)
    received = listener.received = Received()
    began = time.monotonic()
    notebook.run(1)
    expect(notebook.view(1)).to_have_count(0)
    seconds = time.monotonic() - began
    size = int(notebook.value("len(answer)", 2))

    updates = received.messages["comm_msg"]
    print(f"\n{size:,} characters in {seconds:.1f} s: {received.size:,} bytes in {received.messages}, of which")
    print(f"{received.parts['comm_msg content']:,} are said to the view")
    assert updates <= FRAMES_A_SECOND * seconds + FEW
    assert sum(received.messages.values()) <= updates + 2 * FEW
    assert (received.messages["display_data"], received.messages["update_display_data"]) == (1, 1)
    drawn, kept = 2.5 * size, 6 * size  # what is kept in the notebook until the end
    assert received.parts["comm_msg content"] <= drawn + kept + 200 * updates
    assert received.size <= drawn + kept + (200 + A_MESSAGE) * (updates + FEW) + CODE
