"""A notebook in JupyterLab that asks through the relay: it is drawn, what is left is said, no frame has the key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from nbstream.testing import chat_body
from tests.real_jupyter import TOKEN, Jupyter, Notebook
from tests.relay.jupyter_relay import KEY, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, WebSocket

    from nbstream.testing import FaultServer


@pytest.fixture
def server(loopback: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("lab")
    quotas = {"*": {"tokens": 30}}
    running = Server(loopback.base_url, home, "jupyterlab", TOKEN, quotas=quotas)
    yield running
    running.kill()


def test_no_frame_of_the_page_has_the_key(server: Server, loopback: FaultServer, page: Page) -> None:
    frames: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        for name in ("framereceived", "framesent"):
            socket.on(name, lambda data: frames.append(data if isinstance(data, bytes) else str(data).encode()))

    page.on("websocket", listen)
    page.on("response", lambda response: frames.append(f"{response.url} {response.headers}".encode()))
    cell = "%%stream -m m --base-url jupyter --max-retries 0\nHi"
    sources = ["%load_ext nbstream", cell, cell, cell, "import os; print(dict(os.environ))"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "python3", "language": "python"}
    nbformat.write(notebook, server.home / "relay.ipynb")
    loopback.respond(lambda _: chat_body("A **whole** answer.", usage=(9, 6)))

    shown = Notebook(page, Jupyter(server.url, server.home), "lab", "relay.ipynb").open()
    for number in (1, 2, 3, 4):
        shown.run(number)
    expect(shown.output(1)).to_contain_text("15 tokens left")
    expect(shown.output(2)).to_contain_text("0 tokens left")
    expect(shown.output(3)).to_contain_text("Your quota on this relay, 30 tokens, is used up")
    expect(shown.output(3)).to_contain_text("Ask whoever runs the relay")
    expect(shown.output(4)).to_contain_text("JPY_PARENT_PID")
    if pictures := os.environ.get("RELAY_PICTURES"):
        page.screenshot(path=f"{pictures}/relay-lab.png")
    saved = str(shown.save())
    assert "A **whole** answer." in saved
    seen = b"".join(frames)
    assert b"whole" in seen
    for secret in (KEY.reveal().encode(), KEY.reveal()[::-1].encode()):
        assert secret not in seen
        assert secret.decode() not in saved
        assert secret.decode() not in page.content()

    page.goto(f"{server.url}nbstream/v1/health?token={TOKEN}")
    expect(page.get_by_role("heading", name="nbstream relay")).to_be_visible()
    expect(page.locator("dl")).to_contain_text("0 tokens")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        if pictures := os.environ.get("RELAY_PICTURES"):
            page.screenshot(path=f"{pictures}/relay-health-{scheme}.png")
