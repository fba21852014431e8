"""What the patches of a growing answer leave on a real page is what one full render gives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from nbstream.markdown import render

if TYPE_CHECKING:
    from tests.real_jupyter import OpenNotebook

CORPUS = (Path(__file__).parents[1] / "markdown" / "corpus" / "answers.md").read_text(encoding="utf-8")
ANSWERS = re.split(r"^%%% .*\n", CORPUS, flags=re.MULTILINE)[1:]

# Draws each answer in a view of its own, cut at random, and leaves the views as they are.
DRAW = """
import ipywidgets, json, pathlib, random
from IPython.display import display
from nbstream.display.live_view import LiveView
from nbstream.result import StreamResult, StreamState
answers = json.loads(pathlib.Path({path!r}).read_text())
views, chance = [LiveView("m", lambda: None) for _ in answers], random.Random(2)
display(ipywidgets.VBox(views))
"""
STREAM = """
for view, text in zip(views, answers):
    end = 0
    while end < len(text):
        end += chance.choice([1, 3, 10, 80])
        view.draw(StreamResult(text[:end], StreamState.STREAMING))
    view.draw(StreamResult(text, StreamState.COMPLETED, "stop"))
"""
# The page's own parser and writer bring both sides into one form, without the caret and the marks between what is
# committed and the rest.
DIFFERENCES = """(expected) => {
  const form = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const comments = document.createTreeWalker(template.content, NodeFilter.SHOW_COMMENT);
    const found = [];
    while (comments.nextNode()) found.push(comments.currentNode);
    found.forEach((comment) => comment.remove());
    template.content.querySelectorAll("[class]").forEach((node) => {
      node.classList.remove("nbs-caret"); // sits on the last element
      if (!node.className) node.removeAttribute("class");
    });
    template.content.querySelectorAll("[tabindex]").forEach((node) => node.removeAttribute("tabindex"));
    return template.innerHTML;
  };
  const bodies = [...document.querySelectorAll(".jp-Notebook .nbs-body")];
  const shown = bodies.map((body) => [...body.children].map((slot) => form(slot.innerHTML)).join("\\n"));
  if (shown.length !== expected.length) return [`${shown.length} views`];
  return expected.map(form).flatMap((html, index) => (html === shown[index] ? [] : [[html, shown[index]]]));
}"""


def test_pages_show_what_one_full_render_gives(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    notebook = open_notebook("lab", DRAW.format(path=str(tmp_path / "answers.json")), STREAM, shared=True)
    notebook.run(1)
    expect(notebook.page.locator(".nbs-view")).to_have_count(len(ANSWERS))
    notebook.run(2)
    wanted = [render(text) for text in ANSWERS]
    # The last messages may still be on their way.
    differences: Any = None
    for _ in range(50):
        differences = notebook.page.evaluate(DIFFERENCES, wanted)
        if not differences:
            return
        notebook.page.wait_for_timeout(200)
    raise AssertionError(f"wanted and shown: {differences[:3]}")
