"""What people see when they continue an answer that broke off: the whole answer, whatever the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from tests.real_jupyter import OpenNotebook

QUESTION = "What are server-sent events?"


@pytest.mark.parametrize("options", ["--api chat", "--api responses", "--api responses --param background=true"])
def test_an_answer_that_broke_off_goes_on(open_notebook: OpenNotebook, upstream: DemoServer, options: str) -> None:
    server = f"--base-url {upstream.base_url} -m demo"
    fast = {"first_token": 0.05, "tokens_per_second": 300}
    cut = json.dumps({**fast, "fault": "cut", "times": 1})
    notebook = open_notebook(
        "lab",
        f"%%stream {server} {options} --param demo='{cut}'\n{QUESTION}",
        "%stream_continue -o text",
        f"%%stream {server} {options} --param demo='{json.dumps(fast)}' -o whole\n{QUESTION}",
        again=True,
    )
    notebook.start(1)
    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_contain_text("Connection lost.")
    expect(notebook.output(1)).to_contain_text("%stream_continue")

    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("A good client treats none of these as a complete answer.")
    expect(notebook.output(2)).not_to_contain_text("Connection lost")
    notebook.run(3)
    assert notebook.value("text == whole, len(text) > 1000", 4) == "True True"
    [answer] = notebook.save()["cells"][2]["outputs"]
    assert answer["metadata"]["nbstream"]["state"] == "completed"
