"""What people see of `%%stream` in JupyterLab and Notebook 7: growing, stopping, interrupting, reloading, saving."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, Route, expect

from nbstream.testing import chat_chunk

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from nbstream.testing import FaultServer
    from tests.real_jupyter import Jupyter, Notebook, OpenNotebook

PATIENCE = 60.0
PATIENCE_MS = 1_000 * PATIENCE

# Notes every different text that the answer's area shows, with what shows it.
OBSERVE = """(number) => {
  const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[number];
  window.frames_seen = [];
  const look = () => {
    const view = cell.querySelector(".nbs-body");
    const shown = view ?? cell.querySelector(".jp-RenderedMarkdown");
    const frame = [view ? "live" : "static", shown?.innerText ?? ""];
    if (String(window.frames_seen.at(-1)) !== String(frame)) window.frames_seen.push(frame);
  };
  new MutationObserver(look).observe(cell, { subtree: true, childList: true, characterData: true });
}"""


def frames(notebook: Notebook, kind: str) -> list[str]:
    seen: list[list[str]] = notebook.page.evaluate("window.frames_seen")
    return [text for shown, text in seen if shown == kind and text]


def stream_cell(upstream: DemoServer, prompt: str, options: str = "") -> str:
    return f"%%stream --base-url {upstream.base_url} -m demo {options}\n{prompt}"


def static_output(saved: dict[str, Any], cell: int) -> dict[str, Any]:
    [output] = saved["cells"][cell]["outputs"]
    assert isinstance(output, dict)
    return output


def test_text_grows_in_place_and_ends_as_saved_markdown(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook = open_notebook(front_end, stream_cell(upstream, "What is nbstream?", "-o answer -u cost"), again=True)
    notebook.page.evaluate(OBSERVE, 1)
    notebook.run(1)
    expect(notebook.output(1).locator(".jp-RenderedMarkdown")).to_contain_text("What nbstream is")

    live = frames(notebook, "live")
    assert len(set(live)) >= 3
    assert all(len(later) >= len(earlier) * 0.8 for earlier, later in itertools.pairwise(live))
    expect(notebook.view(1)).to_have_count(0)

    saved = notebook.save()
    output = static_output(saved, 1)
    assert set(output["data"]) == {"text/markdown", "text/plain"}
    assert "## What nbstream is" in "".join(output["data"]["text/markdown"])
    facts = output["metadata"]["nbstream"]
    assert facts["state"] == "completed"
    assert facts["finish_reason"] == "stop"
    assert facts["usage"]["output_tokens"] > 100
    assert facts["request_id"]
    assert 0 < facts["ttft"] < facts["total"]
    assert "widgets" not in saved["metadata"]
    assert upstream.api_key not in notebook.path.read_text()
    assert "What is nbstream?" not in str(saved["cells"][1]["outputs"])
    assert notebook.value("len(answer) > 1000, cost == stream_usage, stream_result.state", 2) == "True True completed"


@pytest.mark.parametrize("front_end", ["lab"])
def test_prompts_are_coloured_as_markdown_once_a_stream_has_run(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook = open_notebook(front_end, stream_cell(upstream, "What is 2 + 2?"), "x is y", shared=True)
    keywords = [notebook.cells.nth(number).locator(".cm-line span").get_by_text("is", exact=True) for number in (1, 2)]
    for keyword in keywords:
        expect(keyword).to_have_count(1)
    notebook.run(1)
    expect(keywords[0]).to_have_count(0)
    expect(keywords[1]).to_have_count(1)

    notebook.cells.nth(2).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Home")
    notebook.page.keyboard.type("%%stream\n")
    expect(keywords[1]).to_have_count(0)
    notebook.page.keyboard.press("Control+Home")
    notebook.page.keyboard.type("# ")
    expect(keywords[1]).to_have_count(1)


def test_stop_button_closes_the_connection_while_the_cell_blocks(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook = open_notebook(front_end, stream_cell(upstream, "Write a long text"), again=True)
    notebook.start(1)
    expect(notebook.view(1).locator(".nbs-block").nth(2)).to_be_visible(timeout=PATIENCE_MS)
    record = upstream.requests[-1]

    notebook.view(1).get_by_role("button", name="Stop").click()
    assert record.ended.wait(PATIENCE)
    assert record.state == "client_closed"

    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_contain_text("You stopped the answer after")
    expect(notebook.view(1)).to_have_count(0)
    assert notebook.value("stream_result.state, len(stream_result.text) > 50, 'stream_text' in globals()", 2) == (
        "cancelled True False"
    )


def test_stop_button_reaches_a_kernel_that_is_blocked_by_python_code(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    call = f"nbs.stream('Write a long text', base_url={upstream.base_url!r}, model='demo')"
    notebook = open_notebook("lab", f"import nbstream as nbs\nresult = {call}", again=True)
    notebook.start(1)
    expect(notebook.view(1).locator(".nbs-block").nth(2)).to_be_visible(timeout=PATIENCE_MS)
    record = upstream.requests[-1]
    notebook.view(1).get_by_role("button", name="Stop").click()
    assert record.ended.wait(PATIENCE)
    assert record.state == "client_closed"
    notebook.wait_for_end(1)
    assert notebook.value("result.state, len(result.text) > 50", 2) == "cancelled True"


# anywidget waits two seconds for the code of a widget. A clock that has run out stands for a page that is busy longer.
IMPATIENT = "AbortSignal.timeout = () => ({ addEventListener: (_, giveUp) => { window.gaveUp = true; giveUp() } })"


def test_a_page_that_is_too_busy_to_load_the_view_in_time_shows_the_answer_and_stops_it(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    notebook = open_notebook(
        "lab",
        f"%%stream --base-url {loopback.base_url} -m m\nHello",
        before_opening=lambda page: page.add_init_script(IMPATIENT),
    )
    loopback.send(chat_chunk("One"), threading.Event())
    notebook.start(1)
    expect(notebook.view(1).locator(".nbs-body")).to_have_text("One")
    assert notebook.page.evaluate("window.gaveUp"), "anywidget has"
    notebook.view(1).get_by_role("button", name="Stop").click()
    expect(notebook.output(1).locator(".jp-RenderedMarkdown")).to_contain_text("Stopped")


def test_in_an_output_widget_the_answer_is_static_in_the_end(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    call = f"nbs.stream('Count to 5', base_url={upstream.base_url!r}, model='demo')"
    taking = "import ipywidgets, nbstream as nbs\ntaken = ipywidgets.Output()\ndisplay(taken)"
    notebook = open_notebook("lab", f"{taking}\nwith taken:\n    {call}", again=True)
    notebook.run(1)
    expect(notebook.output(1).locator(".jp-RenderedMarkdown")).to_contain_text("1, 2, 3, 4, 5")
    expect(notebook.view(1)).to_have_count(0)


def test_kernel_interrupt_closes_the_connection_and_keeps_the_text(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook = open_notebook(front_end, stream_cell(upstream, "Write a long text"), again=True)
    notebook.start(1)
    expect(notebook.view(1).locator(".nbs-block").nth(2)).to_be_visible(timeout=PATIENCE_MS)
    record = upstream.requests[-1]

    notebook.interrupt()
    assert record.ended.wait(PATIENCE)
    assert record.state == "client_closed"

    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_contain_text("You stopped the answer after")
    expect(notebook.output(1)).to_contain_text("KeyboardInterrupt")
    assert notebook.value("stream_result.state, 'stream_text' in globals()", 2) == "cancelled False"


def test_reload_in_mid_stream_shows_the_text_goes_on_and_keeps_the_answer(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook = open_notebook(front_end, stream_cell(upstream, "Write 1000 words"), again=True)
    notebook.start(1)
    expect(notebook.view(1).locator(".nbs-block").nth(2)).to_be_visible(timeout=PATIENCE_MS)
    notebook.save()
    before = notebook.view(1).locator(".nbs-body").inner_text()

    notebook.load()
    body = notebook.view(1).locator(".nbs-body")
    expect(body).to_contain_text(before[: len(before) // 2].splitlines()[0], timeout=PATIENCE_MS)
    after = body.inner_text()
    assert len(after) >= len(before) * 0.8
    assert upstream.requests[-1].state == "open"

    assert upstream.requests[-1].ended.wait(2 * PATIENCE)
    expect(notebook.view(1)).to_have_attribute("data-state", "completed", timeout=PATIENCE_MS)
    expect(notebook.view(1)).to_contain_text("not saved in the notebook", timeout=PATIENCE_MS)
    expect(notebook.view(1)).to_contain_text("stream_result.show()")
    assert len(body.inner_text()) > len(after)
    assert notebook.value("stream_result.state, len(stream_text) > 4000", 2) == "completed True"
    expect(body).to_contain_text("The journey of one token")


def test_front_end_without_widgets_shows_the_text_growing(
    open_notebook: OpenNotebook, upstream: DemoServer, page: Page
) -> None:
    def without_widgets(route: Route) -> None:
        route.abort()

    page.route("**/@jupyter-widgets/**", without_widgets)
    notebook = open_notebook("lab", stream_cell(upstream, "Write 200 words"))
    notebook.page.evaluate(OBSERVE, 1)
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("The journey of one token")
    assert len(set(frames(notebook, "static"))) >= 3
    assert frames(notebook, "live") == []


def test_stop_works_where_widget_messages_do_not_reach_a_busy_kernel(
    open_notebook: OpenNotebook, upstream: DemoServer, jupyter: Jupyter, front_end: str
) -> None:
    kernels = jupyter.root.parent / "settings/@jupyterlab/apputils-extension/kernels-settings.jupyterlab-settings"
    kernels.write_text(json.dumps({"commsOverSubshells": "disabled"}))
    try:
        call = f"nbs.stream('Write 4000 words', base_url={upstream.base_url!r}, model='demo')"
        preparing = "import nbstream as nbs\nnbs.configure(answer_while_busy=False)"  # which would let them through
        cells = f"{preparing}\nresult = {call}", stream_cell(upstream, "Write 4000 words")
        notebook = open_notebook(front_end, *cells)
        notebook.start(1)
        view = notebook.view(1)
        expect(view.locator(".nbs-body").last).to_contain_text("A language model reads", timeout=PATIENCE_MS)
        record = upstream.requests[-1]
        view.get_by_role("button", name="Stop").click()
        assert record.ended.wait(PATIENCE)
        assert record.state == "client_closed"
        notebook.wait_for_end(1)
        expect(notebook.output(1)).to_contain_text("You stopped the answer after", timeout=PATIENCE_MS)
        expect(notebook.output(1)).not_to_contain_text("KeyboardInterrupt")

        notebook.start(2)
        view = notebook.view(2)
        expect(view.locator(".nbs-body").last).to_contain_text("A language model reads", timeout=PATIENCE_MS)
        view.get_by_role("button", name="Stop").click()
        notebook.wait_for_end(2)
        expect(notebook.output(2)).to_contain_text("stream_text is not set because the stream was stopped")
        expect(notebook.output(2)).not_to_contain_text("KeyboardInterrupt")
        assert notebook.value("result.state, stream_result.state", 3) == "cancelled cancelled"

        notebook.start(1)
        expect(notebook.view(1).locator(".nbs-body").last).to_contain_text("A language model", timeout=PATIENCE_MS)
        notebook.interrupt()
        notebook.wait_for_end(1)
        expect(notebook.output(1)).to_contain_text("KeyboardInterrupt")
    finally:
        kernels.unlink()


@pytest.mark.parametrize("front_end", ["notebook"])
def test_hostile_answer_does_not_run(open_notebook: OpenNotebook, upstream: DemoServer, front_end: str) -> None:
    hostile = "<script>window.ran = 1</script> <img src=x onerror='window.ran = 1'> [x](javascript:window.ran=1)"
    notebook = open_notebook(
        front_end, stream_cell(upstream, f"Zebra {hostile}"), again=True
    )  # the demo model repeats it
    notebook.run(1)
    output = notebook.output(1)
    expect(output).to_contain_text("<script>")
    assert output.locator("script, img, a[href^='javascript']").count() == 0
    assert notebook.page.evaluate("window.ran") is None


@pytest.mark.parametrize("front_end", ["notebook"])
def test_failed_stream_is_marked_and_ends_the_cell_with_a_short_error(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    cell = stream_cell(upstream, "Write a long text", """--param demo='{"fault": "cut"}'""")
    notebook = open_notebook(front_end, cell, again=True)
    notebook.run(1)
    output = notebook.output(1)
    expect(output).to_contain_text("Connection lost. The answer is incomplete.")
    assert output.inner_text().count("%stream_continue") == 1
    expect(output).to_contain_text("ConnectionLostError")
    expect(output).to_contain_text("A scripted answer")
    assert len(output.inner_text()) < 1500
    assert "Traceback" not in output.inner_text()
    assert (
        notebook.value("stream_result.state, len(stream_result.text), 'stream_text' in globals()", 2)
        == "failed 149 False"
    )


@pytest.mark.parametrize("front_end", ["lab"])
def test_a_streaming_cell_that_is_run_again_ends_its_own_stream_first(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    call = f"import nbstream as nbs\nh = nbs.start('Write a long text', base_url={upstream.base_url!r}, model='demo')"
    notebook = open_notebook(front_end, stream_cell(upstream, "Write a long text"), call, again=True)
    for cell in (1, 2):
        notebook.start(cell)
        expect(notebook.view(cell).locator(".nbs-block").nth(1)).to_be_visible(timeout=PATIENCE_MS)
        record = upstream.requests[-1]
        notebook.start(cell)
        assert record.ended.wait(PATIENCE)
        assert record.state == "client_closed"
        expect(notebook.view(cell).locator(".nbs-block").nth(1)).to_be_visible(timeout=PATIENCE_MS)
        assert notebook.view(cell).count() == 1
        assert upstream.requests[-1].state == "open"
        if cell == 1:
            notebook.interrupt()
        else:
            notebook.view(cell).get_by_role("button", name="Stop").click()
        expect(notebook.output(cell)).to_contain_text("You stopped the answer after", timeout=PATIENCE_MS)
        expect(notebook.output(cell)).to_contain_text("A scripted answer")
        notebook.wait_for_end(cell)  # a cell that is run before an interrupted one has ended is given up with it


@pytest.mark.parametrize("front_end", ["lab"])
def test_a_kernel_that_dies_leaves_the_partial_answer_on_the_page_and_in_the_file(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook = open_notebook(
        front_end, "import os, signal\nprint(os.getpid())", stream_cell(upstream, "Write 4000 words")
    )
    notebook.run(1)
    pid = int(notebook.output(1).inner_text())
    notebook.start(2)
    expect(notebook.view(2)).to_contain_text("The network carries it", timeout=PATIENCE_MS)
    shown, saved = notebook.save()["cells"][2]["outputs"]
    assert set(shown["data"]) == {"application/vnd.jupyter.widget-view+json"}, "a page that is reloaded shows the view"
    assert "The journey of one token" in "".join(saved["data"]["text/markdown"])
    assert "**Partial.**" in "".join(saved["data"]["text/markdown"])
    expect(notebook.output(2)).not_to_contain_text("Partial.")

    os.kill(pid, signal.SIGKILL)
    view = notebook.view(2)
    expect(view.locator(".nbs-mark")).to_contain_text("Kernel stopped.", timeout=PATIENCE_MS)
    expect(view.get_by_role("button", name="Stop")).to_have_count(0)
    expect(view.get_by_role("button", name="Copy")).to_be_visible()
    expect(view.locator(".nbs-body")).to_contain_text("The network carries it")
    if failures := os.environ.get("TEST_SCREENSHOTS"):
        notebook.page.screenshot(path=f"{failures}/died-{front_end}.png")
    assert set(static_output(notebook.save(), 2)["data"]) == {"text/markdown", "text/plain"}
    notebook.load()
    expect(notebook.output(2)).to_contain_text("Partial.")
    expect(notebook.output(2)).to_contain_text("The journey of one token")


@pytest.mark.parametrize("front_end", ["notebook"])
def test_a_page_that_is_closed_before_the_kernel_dies_leaves_the_partial_answer_in_the_file(
    open_notebook: OpenNotebook, upstream: DemoServer, jupyter: Jupyter, front_end: str
) -> None:
    notebook = open_notebook(
        front_end, "import os, signal\nprint(os.getpid())", stream_cell(upstream, "Write 4000 words")
    )
    notebook.run(1)
    pid = int(notebook.output(1).inner_text())
    notebook.start(2)
    expect(notebook.view(2)).to_contain_text("The network carries it", timeout=PATIENCE_MS)
    notebook.save()
    notebook.page.goto("about:blank")  # nothing is left that could notice
    os.kill(pid, signal.SIGKILL)
    jupyter.end_kernel(notebook.path.name)
    notebook.load()
    expect(notebook.output(2)).to_contain_text("Partial.", timeout=PATIENCE_MS)
    expect(notebook.output(2)).to_contain_text("The journey of one token")


@pytest.mark.parametrize("front_end", ["lab"])
def test_a_page_that_is_loaded_in_mid_stream_shows_the_view_and_not_what_was_saved_beside_it(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    call = f"import nbstream as nbs\nh = nbs.start('Write 4000 words', base_url={upstream.base_url!r}, model='demo')"
    notebook = open_notebook(front_end, call, again=True)
    notebook.run(1)
    expect(notebook.view(1)).to_contain_text("The network carries it", timeout=PATIENCE_MS)
    assert len(notebook.save()["cells"][1]["outputs"]) == 2
    notebook.load()
    expect(notebook.view(1)).to_contain_text("The network carries it", timeout=PATIENCE_MS)
    expect(notebook.output(1)).not_to_contain_text("Partial.")
    assert len(notebook.save()["cells"][1]["outputs"]) == 2, "what is saved is still there for the next page"
    notebook.view(1).get_by_role("button", name="Stop").click()
    expect(notebook.view(1)).to_contain_text("You stopped the answer after", timeout=PATIENCE_MS)


@pytest.mark.parametrize("front_end", ["notebook"])
def test_a_restart_by_another_client_is_noticed_at_once(
    open_notebook: OpenNotebook, upstream: DemoServer, jupyter: Jupyter, front_end: str
) -> None:
    call = f"import nbstream as nbs\nh = nbs.start('Write 4000 words', base_url={upstream.base_url!r}, model='demo')"
    notebook = open_notebook(front_end, call, shared=True)
    notebook.run(1)
    view = notebook.view(1)
    expect(view).to_contain_text("The network carries it", timeout=PATIENCE_MS)
    jupyter.restart_kernel(notebook.path.name)
    expect(view.locator(".nbs-mark")).to_contain_text("Kernel stopped.", timeout=20_000)
    expect(view.get_by_role("button", name="Copy")).to_be_visible()
