"""Hostile answers in a real, trusted notebook: nothing in them runs, navigates, restyles the page or makes a request.

All payloads are streamed at once, half of each before the other half, and looked at while they stream, as the static
Markdown, and in the saved notebook exported to HTML. The same payloads shown raw prove that the watching sees danger.
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import TimeoutError as TimeOver

from nbstream.markdown import render
from nbstream.testing import Answer, FaultServer, Received, chat_body, chat_chunk
from tests.browser.canary import END, Canary, numbers
from tests.payloads import FOR_A_PAGE, Payload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

    from tests.real_jupyter import Jupyter, OpenNotebook

PATIENCE_MS = 120_000
LOOK_MS = 200  # instead of at each frame, which takes a page with so many answers all its time
LIVE, STATIC = ".nbs-body", ".jp-OutputArea-output.jp-RenderedMarkdown"
COUNT = """([selector, mark, count]) => [...document.querySelectorAll(selector)]
  .filter((element) => element.textContent.includes(mark)).length >= count"""
OTHERS = """([selector, mark]) => [...document.querySelectorAll(`${selector}, .jp-OutputArea-output, .jp-InputPrompt`)]
  .filter((element) => !element.textContent.includes(mark))
  .map((element) => `${element.className}: ${element.innerText.slice(0, 200)}`)"""
EXPORTED = "http://exported.example/"


def groups() -> list[list[Payload]]:
    """Payloads that do not touch each other in one answer: a page with a live view for each would be slow."""
    made: list[list[Payload]] = []
    free: list[Payload] = []
    for payload in FOR_A_PAGE:
        is_closed = render(f"{payload.text}\n\nend").endswith("\n<p>end</p>")
        if not is_closed or "]:" in payload.text:
            made.append([payload])
        elif free and len(free) < 8:
            free.append(payload)
        else:
            free = [payload]
            made.append(free)
    return made


class Model:
    """Answers `live N` with group N: half, the rest once `go_on` is set, the end once `end` is; `static N` at once.

    Args:
        canary: What the payloads are armed with.
    """

    def __init__(self, server: FaultServer, canary: Canary) -> None:
        self.go_on, self.end = threading.Event(), threading.Event()
        self.groups = groups()
        self._server = server
        self._canary = canary
        server.respond(self._answer)

    def cell(self, surface: str, count: int) -> str:
        """The code that asks so many questions at once."""
        client = f"base_url={self._server.base_url!r}, api_key='k', model='m', api='chat', timeout=900"
        ask = f"nbs.start(f'{surface} {{n}}', {client})"
        return f"import nbstream as nbs\nnbs.configure(surface={surface!r})\nfor n in range({count}):\n    {ask}"

    def _answer(self, received: Received) -> Answer:
        surface, number = received.json["messages"][-1]["content"].split()
        if surface == "static":
            return Answer(chat_body(self._canary.armed([FOR_A_PAGE[int(number)]])))
        text = self._canary.armed(self.groups[int(number)])
        half = len(text) // 2
        return Answer(chat_chunk(text[:half]), self.go_on, chat_chunk(text[half:]), self.end, chat_body())


@pytest.fixture
def canary(page: Page) -> Iterator[Canary]:
    with FaultServer() as server:
        yield Canary(page, server)


@pytest.fixture
def model(canary: Canary) -> Iterator[Model]:
    with FaultServer() as server:
        model = Model(server, canary)
        yield model
        model.go_on.set()
        model.end.set()


@pytest.fixture(autouse=True)
def _all_outputs_shown(jupyter: Jupyter) -> Iterator[None]:
    """JupyterLab cuts the outputs of a cell at 50 and leaves out what is not in view; here all is to be looked at."""
    settings = jupyter.root.parent / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"maxNumberOutputs": 2000, "windowingMode": "none"}))
    yield
    settings.unlink()


def own_addresses(jupyter: Jupyter) -> tuple[str, ...]:
    """What JupyterLab asks its server for by itself."""
    paths = ("static", "api", "lab/api", "lab/extensions", "kernelspecs", "lsp")
    return tuple(f"{jupyter.url}{path}/" for path in paths)


def wait_for(page: Page, selector: str, mark: str, count: int) -> None:
    try:
        page.wait_for_function(COUNT, arg=[selector, mark, count], timeout=2 * PATIENCE_MS, polling=LOOK_MS)
    except TimeOver:
        shown = page.locator(selector).filter(has_text=mark).count()
        others = page.evaluate(OTHERS, [selector, mark])
        raise AssertionError(f"{shown} of {count} have {mark!r}; of the others: {others[:20]}") from None


def test_no_payload_acts_live_or_static_or_exported(
    open_notebook: OpenNotebook, jupyter: Jupyter, canary: Canary, model: Model
) -> None:
    page, own = canary.page, own_addresses(jupyter)
    lives, statics = len(model.groups), len(FOR_A_PAGE)
    notebook = open_notebook("lab", model.cell("live", lives), model.cell("static", statics))
    canary.begin()
    notebook.start(1)
    wait_for(page, LIVE, "Answer", lives)
    model.go_on.set()
    wait_for(page, LIVE, END, lives)
    assert [*canary.poke(LIVE), *canary.misdeeds(own)] == []

    model.end.set()
    notebook.start(2)
    wait_for(page, STATIC, END, lives + statics)
    wait_for_formulas(page, lives + statics)
    assert [*canary.poke(STATIC), *canary.misdeeds(own)] == []

    notebook.save()
    canary.forget()
    notebook.load()  # what is read from the file is trusted, because it was made here
    wait_for(page, STATIC, END, lives + statics)
    wait_for_formulas(page, lives + statics)
    canary.remember()
    assert [*canary.poke(STATIC), *canary.misdeeds((*own, f"{jupyter.url}lab/tree/{notebook.path.name}"))] == []

    export(canary, HTMLExporter().from_filename(str(notebook.path))[0])
    assert [*exported_findings(canary), *canary.misdeeds(usual_addresses(canary))] == []


def wait_for_formulas(page: Page, count: int) -> None:
    enough = "(n) => document.querySelectorAll('mjx-container').length >= n"
    page.wait_for_function(enough, arg=count, timeout=PATIENCE_MS, polling=LOOK_MS)


def export(canary: Canary, html: str) -> None:
    """Open an exported notebook; scripts and fonts of other servers do not load, but are asked for."""

    def serve(route: Route) -> None:
        if route.request.url == EXPORTED:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif canary.address in route.request.url:
            no_content(route)
        else:
            route.abort()

    canary.page.unroute_all()
    canary.page.route("**/*", serve)
    canary.page.goto("about:blank")  # the page there was may be asking its server for something
    canary.forget()
    canary.page.goto(EXPORTED)
    canary.remember()


def no_content(route: Route) -> None:
    """Answer so that a page which was sent there stays where it is."""
    route.fulfill(status=204)


def exported_findings(canary: Canary) -> list[str]:
    """What is wrong in an exported notebook, but that nbconvert gives each heading its text for an id."""
    found = canary.poke(".jp-RenderedMarkdown")
    return [finding for finding in found if not re.search(r"<h\d id=|name clobbered", finding)]


def usual_addresses(canary: Canary) -> tuple[str, ...]:
    """What the export of a notebook with a formula and a diagram asks for, regardless of the author."""
    visits = list(canary.visits)
    harmless = "$x$\n\n```mermaid\ngraph TD; A-->B\n```"
    export(canary, exported([harmless]))
    usual = tuple(url for _, url in canary.visits)
    canary.visits[:] = visits
    return usual


def exported(texts: list[str]) -> str:
    """The HTML of a notebook whose outputs are these texts as Markdown."""
    outputs = [nbformat.v4.new_output("display_data", {"text/markdown": text}) for text in texts]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
    return str(HTMLExporter().from_notebook_node(notebook)[0])


def test_the_canary_sees_what_raw_answers_do(open_notebook: OpenNotebook, jupyter: Jupyter, canary: Canary) -> None:
    page = canary.page
    texts = [canary.armed([payload]) for payload in FOR_A_PAGE]
    (jupyter.root / "payloads.json").write_text(json.dumps(texts))
    cell = (
        "import json\nfrom IPython.display import Markdown, display\n"
        "for text in json.load(open('payloads.json')):\n    display(Markdown(text))"
    )
    page.route(lambda url: canary.address in url, no_content)
    notebook = open_notebook("lab", cell)
    canary.begin()
    notebook.run(1)
    wait_for(page, STATIC, END, len(texts) // 2)  # others are cut off, in a comment or an attribute
    found = canary.poke(".jp-OutputArea-output")
    print(f"\nraw in JupyterLab: {len(canary.ran)} ran, {len(canary.asked())} asked, {len(numbers(found))} seen")
    assert len(canary.ran) > 50
    assert len(canary.asked()) > 15
    assert len(numbers(found)) > 100
    assert "page: styled" in found

    export(canary, exported([text for text in texts if "attachment:" not in text]))  # nbconvert refuses these
    found = exported_findings(canary)
    print(f"raw in an export: {len(canary.ran)} ran, {len(canary.asked())} asked, {len(numbers(found))} seen")
    assert len(canary.ran) > 50
    assert len(canary.asked()) > 15
    assert len(numbers(found)) > 100
