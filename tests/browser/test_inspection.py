"""`%stream_inspect` in JupyterLab: folded, searchable, by keyboard too, and nothing of what it shows acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nbstream.testing import FaultServer, chat_body
from tests.browser.canary import Canary
from tests.payloads import FOR_A_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.real_jupyter import Jupyter, OpenNotebook

ROOT = ".nbs-inspection"


@pytest.fixture
def canary(page: Page) -> Iterator[Canary]:
    with FaultServer() as server:
        yield Canary(page, server)


def test_no_payload_acts_and_all_is_found(
    open_notebook: OpenNotebook, jupyter: Jupyter, canary: Canary, loopback: FaultServer
) -> None:
    page = canary.page
    own = tuple(f"{jupyter.url}{path}/" for path in ("static", "api", "lab", "kernelspecs", "lsp"))
    armed = [payload.armed(canary.address) for payload in FOR_A_PAGE]
    loopback.send(chat_body(*armed, "needle"))
    options = f"model='m', base_url={loopback.base_url!r}, display=False, api='chat'"
    ask = f"import nbstream as nbs\nr = nbs.stream('\\n'.join({armed!r}), {options})"
    notebook = open_notebook("lab", ask, "%stream_inspect --events 5000")
    canary.begin()
    notebook.run(1)
    notebook.run(2)
    root = notebook.output(2).locator(ROOT)
    expect(root.get_by_role("search")).to_be_visible()
    folded = root.get_by_text("TextDelta 'needle'")
    expect(folded).to_be_hidden()

    field = root.get_by_label("Search the steps")
    field.click()
    page.keyboard.type("NEEDLE")
    expect(folded).to_be_visible()
    expect(root.get_by_role("status")).to_contain_text("1 of ")
    expect(root.get_by_text("Started model=")).to_be_hidden()
    field.fill("")
    expect(root.get_by_text("The stream is completed (stop)")).to_be_visible()

    root.get_by_role("button", name="Unfold all").click()
    assert [*canary.poke(f"{ROOT} > ol"), *canary.misdeeds(own)] == []
    root.get_by_role("button", name="Fold all", exact=True).click()
    expect(folded).to_be_hidden()
    violations = Axe().run(page, context=ROOT).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []

    notebook.save()
    canary.forget()
    notebook.load()  # what was made here is trusted, so the search is there again
    expect(notebook.output(2).get_by_role("search")).to_be_visible()
    canary.remember()
    assert [*canary.poke(f"{ROOT} > ol"), *canary.misdeeds(own)] == []
