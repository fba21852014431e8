"""What stays of an answer in JupyterLab: formulas typeset, diagrams drawn, images as the reader wants them."""

from __future__ import annotations

import base64
import re
import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nbstream.testing import FaultServer, chat_body, chat_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Request, Route

    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 120_000
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
IMAGES = "http://images.example/**"
IMAGE = "http://images.example/cat.gif"
PICTURE = f"Look: ![a cat]({IMAGE})\n\nAnd more.\n\n"
DIAGRAMS = r"""
Inline $x^2$, \(\alpha\) and US\$5:

$$
\int_0^1 f(x)\,dx
$$

\[ a_b = \frac{1}{2} \]

```mermaid
---
title: The way
---
flowchart TD
  A[Start] -->|go| B@{ shape: docs, label: "Papers" }
  classDef warm fill:#fdd,stroke:#c00
  class A warm
```

```mermaid
sequenceDiagram
  You->>Model: Hello (again)
```

Done.
"""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def note_requests(page: Page) -> list[Request]:
    """Serve the image, and note who asks for it."""
    asked: list[Request] = []

    def serve(route: Route) -> None:
        asked.append(route.request)
        route.fulfill(body=PIXEL, content_type="image/gif")

    page.route(IMAGES, serve)
    return asked


def cell(server: FaultServer, options: str = "") -> str:
    return f"%%stream --base-url {server.base_url} -m m --api chat {options}\nShow me"


def test_formulas_are_typeset_and_diagrams_drawn(open_notebook: OpenNotebook, server: FaultServer) -> None:
    server.send(chat_body(*re.findall(r"(?s).{1,20}", DIAGRAMS)))
    notebook = open_notebook("lab", cell(server), shared=True)
    notebook.run(1)
    output = notebook.output(1)
    expect(output.locator("mjx-container")).to_have_count(4, timeout=PATIENCE_MS)
    assert output.locator("mjx-container[display=true]").count() == 2
    assert output.locator("mjx-merror").count() == 0
    expect(output.locator("img[src^='data:image/svg+xml']")).to_have_count(2)
    drawn = output.locator("img").evaluate_all("(all) => all.map((image) => decodeURIComponent(image.src))")
    assert all(words in drawn[0] for words in ("The way", "Start", "Papers", "go"))
    assert "Hello (again)" in drawn[1]
    expect(output).to_contain_text("US$5")


def test_remote_images_are_links_that_say_so_unless_allowed(open_notebook: OpenNotebook, server: FaultServer) -> None:
    ways = ("link", "allow")
    notebook = open_notebook("lab", *(cell(server, f"--images {images}") for images in ways), shared=True)
    asked = note_requests(notebook.page)
    for number, images in enumerate(ways, start=1):
        seen = threading.Event()
        server.send(chat_chunk(PICTURE), seen, chat_body("Done."))
        notebook.start(number)
        live, static = (
            notebook.view(number).locator(".nbs-body"),
            notebook.output(number).locator(".jp-RenderedMarkdown"),
        )
        for place in (live, static):
            expect(place).to_contain_text("And more.", timeout=PATIENCE_MS)
            if images == "link":
                expect(place.get_by_role("link", name="image not loaded: a cat")).to_have_attribute("href", IMAGE)
                assert place.locator("img").count() == 0
            else:
                image = place.get_by_role("img", name="a cat")
                expect(image).to_have_js_property("naturalWidth", 1, timeout=PATIENCE_MS)
            if not seen.is_set():
                assert all("referer" not in request.headers for request in asked)
            seen.set()
        notebook.wait_for_end(number)
        assert bool(asked) == (images == "allow")
    notebook.page.unroute(IMAGES)
