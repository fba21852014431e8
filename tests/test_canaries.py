"""A tour with a canary for a key, from every source of keys: it reaches its server, and is nowhere else afterwards."""

from __future__ import annotations

import base64
import contextlib
import gc
import logging
import os
import pathlib
import urllib.parse
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import nbstream as nbs
from nbstream.cli.commands import main
from nbstream.settings.config import settings
from nbstream.streaming.engine import engine
from nbstream.testing import chat_body, error_body
from nbstream.text.secret import Secret
from tests.reach import holders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.testing import FaultServer

CANARY = Secret("sk-canary-fedcba9876543210")


def shapes() -> Iterator[str]:
    """The key as it is, and as it may be hidden from a search."""
    key = CANARY.reveal()
    yield from (key, key[::-1], urllib.parse.quote(key, safe=""), key.encode().hex())
    yield base64.b64encode(key.encode()).decode()


def by_file(folder: pathlib.Path, address: str) -> None:
    path = folder.parent / f"{folder.name}-key"  # not among what is searched: it is where the key belongs
    path.write_text(CANARY.reveal())
    nbs.configure(base_url=address, key_file=str(path))


def by_function(_: pathlib.Path, address: str) -> None:
    nbs.configure(base_url=address, api_key=lambda: CANARY.reveal())  # noqa: PLW0108


def by_awaited_function(_: pathlib.Path, address: str) -> None:
    async def give() -> tuple[str, float]:
        return CANARY.reveal(), 4e9

    nbs.configure(base_url=address, api_key=give)


def by_setting(_: pathlib.Path, address: str) -> None:
    nbs.configure(base_url=address, api_key=CANARY.reveal())


def by_login(_: pathlib.Path, address: str) -> None:
    from IPython.core.getipython import get_ipython

    nbs.configure(base_url=address)
    shell: Any = get_ipython()
    shell.run_cell("%stream_login", store_history=True).raise_error()


def tour(shell: Any, folder: pathlib.Path, server: FaultServer) -> list[Any]:
    """What people do in a notebook, what goes wrong included; what it leaves in their hands."""
    server.respond(_answer)
    cells = [
        "%%stream -m m -o text -r run\nHi",
        f"%%stream -m m --record {folder}/answer.jsonl\nHi",
        f"%%stream -m m --replay {folder}/answer.jsonl\nHi",
        "%%stream -m m --chat talk\nHi",
        "%config NBStream",
        "%%stream -m m --max-retries 0\nfail",
    ]
    left: list[Any] = [shell.run_cell(cell, store_history=True) for cell in cells]
    with nbs.recordings(folder / "recordings"):
        left.append(nbs.stream("Hi", model="m"))
    chat = nbs.Chat(model="m")
    left.append(chat.stream("Hi", display=False))
    chat.save(folder / "chat.json")
    (folder / "chat.md").write_text(chat.to_markdown())
    panel = nbs.ChatPanel(chat)
    panel.chat.stream("Hi", display=False)
    left += [panel, panel.get_state(), chat]
    with contextlib.suppress(nbs.StreamError):
        nbs.stream("fail", model="m", display=False, max_retries=0)
    main(["doctor"])  # which prints
    panel.close()
    return left


def _answer(received: Any) -> Any:
    from nbstream.testing import Answer

    said = received.json["messages"][-1]["content"] if received.body else ""
    if "fail" in str(said):
        return Answer(error_body(f"no such key: {received.headers['authorization']}"), status=403)
    return chat_body("Hello", usage=(9, 3))


@pytest.mark.parametrize("give", [by_setting, by_file, by_function, by_awaited_function, by_login])
def test_a_tour_leaves_no_key_behind(
    shell: Any,
    loopback: FaultServer,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    give: Callable[[pathlib.Path, str], None],
) -> None:
    engine().last_results.clear()
    folder = tmp_path / "tour"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("getpass.getpass", lambda _: CANARY.reveal())
    with caplog.at_level(logging.DEBUG):
        give(folder, loopback.base_url)
        left = tour(shell, folder, loopback)
    sent = {request.headers.get("authorization") for request in loopback.requests}
    assert sent == {f"Bearer {CANARY.reveal()}"}
    loopback.requests.clear()
    gc.collect()

    printed = capsys.readouterr()
    texts = {"printed": printed.out + printed.err, "logged": caplog.text, "environment": repr(os.environ)}
    home = pathlib.Path(os.environ["HOME"])
    files = [path for root in (folder, home) for path in root.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"answer.jsonl", "chat.json", "chat.md"}
    texts |= {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}
    for where, text in texts.items():
        for shape in shapes():
            assert shape not in text, where
    assert "Hello" in texts["printed"]
    held = holders_of(CANARY.reveal(), left, engine(), settings(), shell.user_ns)
    assert not [each for each in held if "nbstream.testing" not in each]  # the server, which was sent it


def test_a_notebook_that_runs_without_a_front_end_leaves_no_key_behind(
    loopback: FaultServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_text(CANARY.reveal())
    monkeypatch.setenv("OPENAI_BASE_URL", loopback.base_url)
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(path))
    loopback.respond(_answer)
    cells = ["%load_ext nbstream", "%%stream -m m\nHi", "%config NBStream", "import os; print(dict(os.environ))"]
    cells += ["%stream_usage", "import nbstream; vars(nbstream), stream_result, _ih"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    done = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert loopback.requests[0].headers["authorization"] == f"Bearer {CANARY.reveal()}"
    saved = nbformat.writes(done)
    assert "Hello" in saved
    for shape in shapes():
        assert shape not in saved


def test_where_nobody_can_be_asked_for_a_key_a_notebook_fails_clearly(tmp_path: pathlib.Path) -> None:
    cells = ["%load_ext nbstream", "%stream_login"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.raises(CellExecutionError, match="a key cannot be entered here, because nobody can be asked"):
        NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
