"""Notebooks that a program runs: the answer is there as static text, and nothing else is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from traitlets.config import Config

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

PATIENCE = 300


@pytest.fixture
def execute(monkeypatch: pytest.MonkeyPatch, kernel_options: Callable[[], dict[str, str]]) -> Any:
    monkeypatch.setenv("NBSTREAM_DEMO_PACE", "instant")

    def execute_(notebook: Any) -> Any:
        # Patient, or on a busy machine the outputs that come late would be left out.
        patience = {"timeout": PATIENCE, "startup_timeout": PATIENCE, "iopub_timeout": PATIENCE}
        config = Config({"KernelManager": kernel_options(), "NotebookClient": patience})
        return NotebookClient(notebook, kernel_name="python3", config=config).execute()

    return execute_


@pytest.fixture
def kernel_options(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, str]]:
    """How the next kernel is reached: over sockets of its own in the file system.

    Over TCP, the process that starts a kernel looks for free ports, and the kernel takes them seconds later: on a busy
    machine something else may have one of them by then, and the kernel dies.
    """

    def kernel_options() -> dict[str, str]:
        return {} if sys.platform == "win32" else {"transport": "ipc", "ip": str(tmp_path_factory.mktemp("k") / "k")}

    return kernel_options


def notebook_of(*cells: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])


def streamed(notebook: Any) -> list[Any]:
    """The outputs that hold answers."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output for output in outputs if "nbstream" in output.get("metadata", {})]


@pytest.mark.sdk
def test_answer_is_static_text_with_its_facts_and_no_widget_state(execute: Any) -> None:
    draw, attach = "%%stream -m demo --api responses\nDraw hills", "%stream -m demo --image 4 --quiet What is it?"
    notebook = execute(
        notebook_of("%load_ext nbstream", "%%stream -m demo\nhello", draw, "stream_result.images[0]", attach)
    )
    answer, _ = streamed(notebook)
    assert set(answer["data"]) == {"text/markdown", "text/plain"}
    assert "## Hello" in answer["data"]["text/markdown"]
    assert answer["metadata"]["nbstream"]["state"] == "completed"
    assert "widgets" not in notebook.metadata
    drawn = [output["data"] for output in notebook.cells[2].outputs]
    assert [min(data) for data in drawn] == ["text/markdown", "image/png", "text/markdown"]
    assert "Here is the picture" in drawn[2]["text/markdown"]
    assert notebook.cells[3].outputs[0]["data"]["image/png"].strip() == drawn[1]["image/png"].strip()
    assert "completed" in notebook.cells[4].outputs[0]["data"]["text/plain"]
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    assert page.count('src="data:image/png;base64,') == 2


def test_an_inspection_is_static_html(execute: Any) -> None:
    asked, inspected = execute(
        notebook_of("%load_ext nbstream\nr = %stream -m demo --quiet hello", "%stream_inspect --events 10")
    ).cells
    assert asked.outputs == []
    (output,) = inspected.outputs
    assert set(output.data) == {"text/html", "text/plain"}
    for shown in output.data.values():
        assert "The stream is completed (stop)" in shown
        assert "TextDelta" in shown
    assert len(output.data["text/html"]) < 50_000


def test_background_stream_ends_in_its_own_cell(execute: Any) -> None:
    notebook = execute(
        notebook_of("import nbstream as nbs\nh = nbs.start('hello', model='demo')", "print('other')\nawait h;")
    )
    assert "## Hello" in notebook.cells[0].outputs[0]["data"]["text/markdown"]
    assert [output["output_type"] for output in notebook.cells[1].outputs][:1] == ["stream"]


def test_a_map_is_a_summary_of_its_rows_and_no_widget_state(execute: Any) -> None:
    asked = "nbs.map([f'row {number}' for number in range(30)], model='demo', max_tokens=5, api='chat')"
    notebook = execute(notebook_of("import nbstream as nbs", f"values = {asked}.result()", f"job = {asked}.start()"))
    waited, begun = streamed(notebook)
    assert waited["data"]["text/plain"].startswith("Done. 30 rows · 60 tokens in, 150 out · demo\n0  row 0  ")
    assert "**Done.** 30 rows · 30 from the checkpoint" in begun["data"]["text/markdown"]
    for output in (waited, begun):
        assert set(output["data"]) == {"text/markdown", "text/plain"}
    assert "widgets" not in notebook.metadata


def test_stream_inside_another_magic_works(execute: Any) -> None:
    notebook = execute(
        notebook_of("%load_ext nbstream", "%%capture caught\n%%stream -m demo\nhello", "print(stream_result.state)")
    )
    assert notebook.cells[2].outputs[0]["text"] == "completed\n"


def test_a_failure_that_the_code_catches_is_told_in_the_output(execute: Any) -> None:
    ask = "nbs.stream('hello', model='demo', demo={'fault': '%s'}, max_retries=0)"
    caught = f"try:\n    {ask}\nexcept nbs.StreamError:\n    pass"
    gathered = (
        "import asyncio\n"
        "tasks = [nbs.astream('hello', model='demo', demo={'fault': 'cut'}, max_retries=0) for _ in range(2)]\n"
        "[type(each).__name__ for each in await asyncio.gather(*tasks, return_exceptions=True)]"
    )
    notebook = notebook_of("import nbstream as nbs", caught % "cut", caught % "error", gathered, ask % "cut")
    notebook.cells[-1].metadata["tags"] = ["raises-exception"]
    *cells, raised = [cell.outputs for cell in execute(notebook).cells[1:]]
    words = [
        "\n".join(each["data"]["text/plain"] for each in outputs if "nbstream" in each["metadata"]) for outputs in cells
    ]
    told = r"\[Connection lost: The connection "
    assert [len(re.findall(told, each)) for each in words] == [1, 0, 2]
    assert "[Server error: " in words[1]
    assert "Connection lost: The answer is incomplete." in raised[0]["data"]["text/plain"]
    assert raised[1]["ename"] == "ConnectionLostError"


UNCHECKED = "flags the word"  # in the demo's answer


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_was_not_checked_is_in_no_notebook_and_no_recording(
    execute: Any, api: str, tmp_path: pathlib.Path
) -> None:
    setup = (
        "%load_ext nbstream\nimport nbstream as nbs\n"
        f"nbs.configure(api={api!r}, model='demo', recordings={str(tmp_path)!r})\n"
        "def unkind(text):\n    return 'flags the ' + 'word' in text"
    )
    ask = [f"%%stream --moderate {who}\nSay something unsafe." for who in ("unkind", "openai", "provider")]
    secret = "%%stream\nIs sk-proj-Ab3dEf6hIj9kLm2nOp5q a key?"
    notebook = notebook_of(setup, *ask, "%%stream --moderate unkind\nhello", secret)
    notebook.cells[-1].metadata["tags"] = ["raises-exception"]
    notebook = execute(notebook)
    said = [output["data"]["text/plain"] for output in streamed(notebook)]
    assert UNCHECKED not in nbformat.writes(notebook)
    assert ["[Filtered: Moderation" in each for each in said[:4]] == [True, True, True, False]
    assert "## Hello" in said[3]
    assert "nobody can be asked here whether to send it. Nothing was sent." in str(notebook.cells[-1].outputs)
    recorded = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert [name[:5] for name in recorded] == ["hello"]
    assert UNCHECKED not in "".join(recorded.values())


def test_background_stream_is_not_caught_by_another_cells_capture(execute: Any) -> None:
    notebook = execute(
        notebook_of(
            "import nbstream as nbs\nh = nbs.start('hello', model='demo', demo={'first_token': 0.3})",
            "%%capture caught\nresult = h.result()",
            "len(caught.outputs)",
        )
    )
    assert "## Hello" in notebook.cells[0].outputs[0]["data"]["text/markdown"]
    assert notebook.cells[2].outputs[0]["data"]["text/plain"] == "0"


def test_the_last_cell_keeps_an_answer_that_it_does_not_wait_for(execute: Any) -> None:
    asked = "h = nbs.start('hello', model='demo', demo={'tokens_per_second': 150})"
    [answer] = streamed(execute(notebook_of(f"import nbstream as nbs\n{asked}")))
    assert "## Hello" in answer["data"]["text/markdown"]
    assert answer["metadata"]["nbstream"]["state"] == "completed"


def test_a_cell_in_the_background_keeps_the_whole_answer_however_long_it_takes(
    execute: Any,
) -> None:
    hurry = "import nbstream.display.cell_end\nnbstream.display.cell_end._SECONDS = 0.0\n%load_ext nbstream"
    slow = """--param demo='{"first_token": 0.5}'"""
    cells = [
        f"%%stream --background -m demo -o answer {slow}\nhello",
        "%stream_jobs",
        "print(answer.result().state)",
        '%%stream --background -m demo -o cut --max-retries 0 --param demo=\'{"fault":"cut"}\'\nhello',
    ]
    _, asked, jobs, got, cut = [cell.outputs for cell in execute(notebook_of(hurry, *cells)).cells]
    assert [output["metadata"]["nbstream"]["state"] for output in [*asked, *cut]] == ["completed", "failed"]
    assert "## Hello" in asked[0]["data"]["text/markdown"]
    assert cut[0]["data"]["text/plain"].count("Connection lost") == 1
    assert set(jobs[0]["data"]) == {"text/html", "text/markdown", "text/plain"}
    assert re.search(r"answer\s+hello\s+demo\s+completed", jobs[0]["data"]["text/plain"])
    assert got[0]["text"] == "completed\n"


def test_a_client_that_replaces_no_outputs_is_shown_each_answer_once(
    monkeypatch: pytest.MonkeyPatch, kernel_options: Callable[[], dict[str, str]]
) -> None:
    monkeypatch.setenv("NBSTREAM_DEMO_PACE", "instant")
    kernel = KernelManager(**kernel_options())
    kernel.start_kernel()
    client = kernel.client()
    client.start_channels()
    shown: list[str] = []

    def show(message: dict[str, Any]) -> None:
        if message["msg_type"] == "display_data":
            shown.append(message["content"]["data"]["text/plain"])

    try:
        client.wait_for_ready(timeout=PATIENCE)
        for code in (
            "%load_ext nbstream",
            "%%stream -m demo\nhello",
            "import nbstream as n\nn.stream('hello', model='demo')",
        ):
            client.execute_interactive(code, timeout=PATIENCE, output_hook=show)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert ["## Hello" in words for words in shown] == [True, True]


@pytest.mark.sdk
def test_a_chat_panel_is_a_static_transcript_without_widget_state(execute: Any) -> None:
    notebook = execute(
        notebook_of(
            "import nbstream as nbs\npanel = nbs.ChatPanel(model='demo', bind='reply')\npanel",
            "panel.chat.stream('hello')",
            "panel.send('Count to 3')\npanel.chat.running and panel.chat.running.handle.result()\nreply[-7:]",
        )
    )
    [transcript] = notebook.cells[0].outputs
    assert set(transcript["data"]) == {"text/html", "text/markdown", "text/plain"}
    assert [word in transcript["data"]["text/markdown"] for word in ("## Hello", "Count to 3", "1, 2, 3")] == [True] * 3
    assert len(transcript["metadata"]["nbstream"]["chat"]["turns"]) == 4
    assert notebook.cells[2].outputs[-1]["data"]["text/plain"] == "'1, 2, 3'"
    assert "widgets" not in notebook.metadata


def test_a_chat_panel_in_a_container_is_a_static_transcript_below_it(execute: Any) -> None:
    notebook = execute(
        notebook_of(
            "import ipywidgets as w, nbstream as nbs\npanel = nbs.ChatPanel(model='demo')\nw.VBox([panel])",
            "w.Tab([w.HBox([w.Label('x'), panel, panel])])",
            "panel.chat.stream('Count to 3', display=False)\nbox = w.VBox([])\nbox.children = [panel]\nbox",
            "display(w.Label('x'), w.VBox([panel]))\ndisplay(w.VBox([panel]))\nNone",
            "%%capture\ndisplay(w.VBox([panel]))",
            "print('nothing')",
            "panel.close()\nw.VBox([panel])",
        )
    )
    assert [len(cell.outputs) for cell in notebook.cells] == [2, 2, 2, 4, 0, 1, 1]
    del notebook.cells[3].outputs[:2]
    for cell in notebook.cells[:4]:
        container, transcript = cell.outputs
        assert "application/vnd.jupyter.widget-view+json" in container["data"]
        assert "1, 2, 3" in transcript["data"]["text/markdown"]
        assert len(transcript["metadata"]["nbstream"]["chat"]["turns"]) == 2
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert not any(widget["model_module"] == "anywidget" for widget in state.values())


def test_failed_stream_fails_the_run_with_a_short_error(execute: Any) -> None:
    notebook = notebook_of("%load_ext nbstream", '%%stream -m demo --param demo=\'{"fault":"cut"}\'\nhello', "1")
    for cell in notebook.cells[1:]:
        cell.metadata["tags"] = ["raises-exception"]
    execute(notebook)
    answer, error = notebook.cells[1].outputs
    assert answer["metadata"]["nbstream"]["state"] == "failed"
    assert answer["data"]["text/markdown"].endswith("> **Connection lost.** The answer is incomplete\\.\n")
    assert error["output_type"] == "error"
    assert error["ename"] == "ConnectionLostError"
    assert len(error["traceback"]) == 1


def test_a_chat_goes_on_from_cell_to_cell_and_its_export_asks_the_same(execute: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "exported.ipynb"
    notebook = execute(
        notebook_of(
            "%load_ext nbstream",
            "%%stream --chat tutor -m demo\nhello {{ 1 + 1 }}",
            "%%stream --chat tutor\nWhat is {{ '{{' }} x }}?",
            f"import nbformat\nnbformat.write(tutor.to_notebook(), {str(path)!r})\nlen(tutor.turns)",
        )
    )
    assert notebook.cells[3].outputs[-1]["data"]["text/plain"] == "4"
    exported = nbformat.read(path, as_version=4)
    shown = [output["data"] for output in streamed(exported)]
    assert shown == [output["data"] for output in streamed(notebook)]
    assert r"> What is \{\{ x }}?" in shown[1]["text/markdown"]
    assert [output["data"] for output in streamed(execute(exported))] == shown


def test_nbconvert_to_html_holds_the_answer_as_text(
    tmp_path: pathlib.Path, kernel_options: Callable[[], dict[str, str]]
) -> None:
    source = tmp_path / "answer.ipynb"
    nbformat.write(notebook_of("%load_ext nbstream", "%%stream -m demo\nhello <script>alert(1)</script>"), source)
    options = [f"--KernelManager.{name}={value}" for name, value in kernel_options().items()]
    options += [f"--ExecutePreprocessor.iopub_timeout={PATIENCE}"]
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", str(source), *options],
        env={**os.environ, "NBSTREAM_DEMO_PACE": "instant"},
        check=True,
        capture_output=True,
    )
    page = source.with_suffix(".html").read_text()
    assert "I am the <strong>demo model</strong>" in page
    assert "<script>alert(1)" not in page.split("</head>")[1].split("Hello")[1]


def test_an_answer_that_its_cell_has_drawn_is_not_shown_again_as_its_value(execute: Any) -> None:
    asked = ("%stream Is it?", "nbs.stream('hello')", "chat.stream('hello')", "await nbs.astream('hello')")
    notebook = notebook_of(
        "%load_ext nbstream",
        "import nbstream as nbs\nnbs.configure(model='demo')\nchat = nbs.Chat()",
        *asked,
        "stream_result",
    )
    execute(notebook)
    *drawn, value = notebook.cells[2:]
    for cell in drawn:
        assert [output["output_type"] for output in cell.outputs] == ["display_data"], cell.source
    [shown] = value.outputs
    assert shown["data"]["text/plain"].startswith("<StreamResult completed, demo, ")
    assert set(shown["data"]) == {"text/plain"}
