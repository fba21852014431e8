"""What people see of a comparison in JupyterLab: columns that grow, one that is stopped, the document, a blind choice.

With the directory `COMPARISON_PICTURES` in the environment it takes pictures on the way.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from nbstream.testing import Answer, chat_body, chat_chunk, error_body
from tests.browser.test_panel_accessibility import violations

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE_MS = 120_000
PICTURES = os.environ.get("COMPARISON_PICTURES")
TEXT = """\
Server-sent events are **lines of text** over one response that stays open:

```python
for line in response:
    print(line[5:])
```

* `data` is the payload
* `id` is where to go on after
"""


@pytest.fixture
def models(loopback: FaultServer) -> str:
    """A server with a model that answers at once, one that holds after some words, and one that fails."""

    def answer(received: Any) -> Any:
        match received.json["model"]:
            case "quick-7b":
                return chat_body(f"# Quick\n\n{TEXT}", usage=(12, 340), model="quick-7b")
            case "broken-1":
                return Answer(error_body("Out of order", "server_error"), status=500)
            case _:
                return Answer(chat_chunk(f"Slow and *steady*. {TEXT}", model="steady-70b"), then="hold")

    loopback.respond(answer)
    return f"--base-url {loopback.base_url} --max-retries 0 --timeout 600"


def picture(notebook: Notebook, name: str) -> None:
    if PICTURES:
        notebook.page.screenshot(path=str(pathlib.Path(PICTURES) / f"{name}.png"))


def in_shade(page: Page, shade: str) -> None:
    page.evaluate('theme => jupyterapp.commands.execute("apputils:change-theme", { theme })', f"JupyterLab {shade}")
    expect(page.locator(f"body[data-jp-theme-light={json.dumps(str(shade == 'Light').lower())}]")).to_be_attached()


def resized(notebook: Notebook, width: int) -> list[tuple[float, float]]:
    """The top and the width of each column in a window so wide."""
    notebook.page.set_viewport_size({"width": width, "height": 900})
    notebook.page.wait_for_timeout(300)
    boxes = [column.bounding_box() for column in notebook.page.locator(".nbs-column").all()]
    return [(box["y"], box["width"]) for box in boxes if box is not None]


def has_begun(view: Locator) -> None:
    columns = view.locator(".nbs-column")
    expect(columns.nth(0)).to_have_attribute("data-state", "completed", timeout=PATIENCE_MS)
    expect(columns.nth(1)).to_contain_text("steady", timeout=PATIENCE_MS)
    expect(columns.nth(2)).to_contain_text("Out of order", timeout=PATIENCE_MS)


def test_columns_grow_beside_each_other_and_end_as_one_document(open_notebook: OpenNotebook, models: str) -> None:
    cell = f"%%stream {models} -m quick-7b -m steady-70b -m broken-1 -o answers\nWhat are server-sent events?"
    notebook = open_notebook("lab", cell)
    page = notebook.page
    page.keyboard.press("Control+b")
    notebook.start(1)
    view = notebook.view(1)
    has_begun(view)
    expect(view.locator(".nbs-column").nth(0)).to_contain_text("complete · 340 tokens · first token after")
    expect(view.locator(".nbs-column").nth(1).locator(".nbs-status")).to_contain_text("streaming ·")
    expect(view.locator(".nbs-column").nth(1).locator(".nbs-status")).to_contain_text("first token after")
    expect(view.get_by_role("button", name="Stop")).to_have_count(2)  # of the one that runs, and of all
    for shade in ("Light", "Dark"):
        in_shade(page, shade)
        for width in (1200, 760, 320):
            columns = resized(notebook, width)
            beside = len({round(top) for top, _ in columns}) == 1
            assert beside == (width == 1200)
            assert all(wide > 150 for _, wide in columns)
            picture(notebook, f"live-{width}-{shade}")
        resized(notebook, 1200)
        assert violations(page, ".nbs-comparison") == []

    view.get_by_role("button", name="Stop steady-70b").click()
    notebook.wait_for_end(1)
    expect(notebook.view(1)).to_have_count(0)
    document = notebook.output(1).locator(".jp-RenderedMarkdown")
    expect(document.locator("tr")).to_have_count(4)
    expect(document.locator("h3")).to_contain_text(["quick-7b", "steady-70b", "broken-1"])
    expect(document).to_contain_text("You stopped the answer after")
    for shade in ("Dark", "Light"):
        in_shade(page, shade)
        picture(notebook, f"ended-{shade}")
    saved = notebook.save()
    [output] = saved["cells"][1]["outputs"]
    assert set(output["data"]) == {"text/markdown", "text/plain"}
    facts = output["metadata"]["nbstream"]["comparison"]
    assert [each["state"] for each in facts] == ["completed", "cancelled", "failed"]
    assert "What are server-sent events?" not in json.dumps(output)
    assert notebook.value("list(answers), [str(r.state) for r in stream_results]", 2) == (
        "['quick-7b'] ['completed', 'cancelled', 'failed']"
    )


def test_a_page_that_is_loaded_in_mid_stream_has_the_grid_again(open_notebook: OpenNotebook, models: str) -> None:
    cell = f"%%stream {models} -m quick-7b -m steady-70b -m broken-1\nWhat are server-sent events?"
    notebook = open_notebook("lab", cell)
    notebook.start(1)
    has_begun(notebook.view(1))
    notebook.save()
    notebook.load()
    view = notebook.view(1)
    has_begun(view)
    expect(view.get_by_role("button", name="Stop all")).to_be_visible(timeout=PATIENCE_MS)
    view.get_by_role("button", name="Stop all").click()
    expect(view.locator(".nbs-column").nth(1)).to_have_attribute("data-state", "cancelled", timeout=PATIENCE_MS)
    expect(view.locator(".nbs-bar")).to_be_hidden()
    expect(view).to_contain_text("stream_results.show()", timeout=PATIENCE_MS)
    picture(notebook, "reloaded")


def test_a_blind_choice_tells_the_names_only_then(open_notebook: OpenNotebook, models: str) -> None:
    cell = f"%%stream {models} -m quick-7b -m broken-1 --blind --diff\nWhat are server-sent events?"
    notebook = open_notebook("lab", cell)
    notebook.run(1)
    output = notebook.output(1)
    choice = output.get_by_role("group", name="Which answer is the best?")
    expect(choice.get_by_role("button")).to_have_text(["A", "B"], timeout=PATIENCE_MS)
    expect(output.locator(".jp-RenderedMarkdown h3")).to_contain_text(["A", "B", "Differences"])
    assert violations(notebook.page, ".nbs-choice") == []
    choice.scroll_into_view_if_needed()
    picture(notebook, "blind")
    state = notebook.page.evaluate("""async () => {
      const cells = document.querySelectorAll(".jp-Notebook .jp-Cell");
      return cells[1].querySelector(".jp-Cell-outputArea").outerHTML;
    }""")
    saved = notebook.save()["cells"][1]["outputs"]
    for told in (state, json.dumps(saved)):
        names = ("quick-7b", "broken-1", "340", "first token")  # whole words, because identifiers are random
        assert [name for name in names if re.search(rf"\b{name}\b", told)] == []

    choice.get_by_role("button", name="Choose A").click()
    expect(output).to_contain_text("You chose", timeout=PATIENCE_MS)
    expect(output.locator(".jp-RenderedMarkdown h3").first).to_contain_text("A: ")
    expect(output).to_contain_text("340")
    picture(notebook, "chosen")
    value = notebook.value("stream_results.choice in ('quick-7b', 'broken-1'), stream_choice is stream_results[0]", 2)
    assert value == "True True"
