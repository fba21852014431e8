"""A kernel that hears no messages of the page while a cell runs: ipykernel 6, which Colab and many notebooks have."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_chunk
from tests.browser.test_tools import PREPARATION

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import Jupyter, OpenNotebook

VERSION = "6.29.5"
# What it needs is here already, because the newer one needs it too.
INSTALL = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", f"ipykernel=={VERSION}"]
CALL = """
server.send(called(("population", {"country": "Norway"})))
server.send(chat_body("Well then."))
answer = nbs.stream("How many?", tools=[population])
print(answer.tool_runs[0].run.output)
"""


@pytest.fixture
def old_kernel(jupyter: Jupyter) -> str:
    """The name of a kernel of this environment but for its ipykernel, which is installed beside it once."""
    folder = pathlib.Path(sys.prefix) / f"ipykernel-{VERSION}"
    if not folder.exists():
        unfinished = folder.with_suffix(f".{os.getpid()}")
        subprocess.run([sys.executable, *INSTALL, "--target", str(unfinished)], check=True)
        unfinished.rename(folder)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "ipykernel 6",
        "language": "python",
        "env": {"PYTHONPATH": path},
    }
    place = jupyter.root.parent / "data" / "kernels" / "old" / "kernel.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(spec))
    return "old"


# A page that gets ready too late for what has come cannot ask this kernel for it, and is sent it with what comes later.
SLOWLY = [piece for _ in range(6) for piece in (4.0, chat_chunk(" more"))]


def test_stop_interrupt_and_a_question(open_notebook: OpenNotebook, loopback: FaultServer, old_kernel: str) -> None:
    ask = f"--base-url {loopback.base_url} -m m\nHi"
    call = f"nbs.stream('Hi', base_url={loopback.base_url!r}, model='m')"
    versions = "import ipykernel, nbstream as nbs\nipykernel.__version__"
    notebook = open_notebook(
        "lab", versions, f"%%stream {ask}", f"result = {call}", PREPARATION + CALL, kernel=old_kernel
    )
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text(VERSION)

    loopback.send(chat_chunk("One"), *SLOWLY, then="hold")
    notebook.start(2)
    expect(notebook.view(2)).to_contain_text("One")
    notebook.view(2).get_by_role("button", name="Stop").click()
    notebook.wait_for_end(2)
    expect(notebook.output(2).locator(".jp-RenderedMarkdown")).to_contain_text("You stopped the answer after")
    expect(notebook.output(2)).not_to_contain_text("KeyboardInterrupt")

    loopback.send(chat_chunk("Two"), *SLOWLY, then="hold")
    notebook.start(3)
    expect(notebook.view(3)).to_contain_text("Two")
    notebook.interrupt()
    notebook.wait_for_end(3)
    expect(notebook.output(3)).to_contain_text("KeyboardInterrupt")
    loopback.wait(left=2)

    notebook.start(4)
    field = notebook.output(4).locator("input.jp-Stdin-input")
    expect(notebook.output(4)).to_contain_text("Allow it?")
    expect(notebook.output(4).locator(".nbs-question")).to_have_count(0)  # the kernel would not hear its answer
    field.fill("no, it is late")
    field.press("Enter")
    notebook.wait_for_end(4)
    expect(notebook.output(4)).to_contain_text("The reason: it is late")
