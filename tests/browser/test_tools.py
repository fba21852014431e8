"""Questions whether a call may run, with real clicks and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.real_jupyter import OpenNotebook

PREPARATION = """
import json
import nbstream as nbs
from nbstream.testing import FaultServer, chat_body
server = FaultServer()
server.__enter__()
nbs.configure(base_url=server.base_url, model="m")

def called(*calls):
    pieces = [{"index": n, "id": f"c{n}", "function": {"name": name, "arguments": json.dumps(given)}}
              for n, (name, given) in enumerate(calls)]
    chunks = [{"id": "r", "choices": [{"index": 0, "delta": {"content": "Let me look."}}]},
              {"id": "r", "choices": [{"index": 0, "delta": {"tool_calls": pieces}, "finish_reason": "tool_calls"}]}]
    return "".join(f"data: {json.dumps(each)}\\n\\n" for each in chunks) + "data: [DONE]\\n\\n"

ran = []

@nbs.tool
def population(country: str, year: int = 2020) -> str:
    'How many people live in a country.'
    ran.append((country, year))
    print("looking it up")
    return f"{country} {year}: 5 million"
"""
ASK = """
server.send(called(("population", {"country": "Norway"}), ("population", {"country": "Denmark", "year": 2021})))
server.send(chat_body("Denmark has ", "more."))
result = nbs.stream("Where do more people live?", tools=[population])
"""


PANEL = """
server.send(called(("population", {"country": "Iceland"})))
server.send(chat_body("Few ", "people."))
server.send(called(("population", {"country": "Malta"})))
server.send(chat_body("More."))
panel = nbs.ChatPanel(tools=[population])
panel
"""


def test_calls_are_allowed_edited_denied_and_allowed_always(open_notebook: OpenNotebook) -> None:
    runs = "ran, [part.run.state for part in result.tool_runs]"
    notebook = open_notebook("lab", PREPARATION, ASK, runs, PANEL, "ran[1:]")
    notebook.run(1)
    notebook.start(2)
    cards = notebook.page.locator(".nbs-question")
    expect(cards).to_have_count(2, timeout=30000)
    first, second = cards.nth(0), cards.nth(1)
    second.get_by_role("button", name="Deny").click()
    expect(cards).to_have_count(1)
    first.get_by_role("button", name="Edit").click()
    editor = first.get_by_role("textbox")
    editor.fill('{"country": 1}')
    first.get_by_role("button", name="Allow", exact=True).click()
    expect(first).to_contain_text("country: Input should be a valid string")
    editor.fill('{"country": "Sweden"}')
    first.get_by_role("button", name="Allow", exact=True).focus()
    notebook.page.keyboard.press("Enter")
    notebook.wait_for_end(2)
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("([('Sweden', 2020)], ['completed', 'denied'])")

    notebook.run(4)
    panel = notebook.page.locator(".nbs-panel")
    panel.get_by_role("textbox", name="Message").fill("How many live there?")
    panel.get_by_role("button", name="Send", exact=True).click()
    card = panel.locator(".nbs-question")
    expect(card).to_contain_text("Iceland", timeout=30000)
    card.get_by_role("button", name="Always allow").click()
    expect(panel).to_contain_text("Few people.")
    expect(card).to_have_count(0)
    panel.get_by_role("textbox", name="Message").fill("And in Malta?")
    panel.get_by_role("button", name="Send", exact=True).click()
    expect(panel).to_contain_text("More.")
    notebook.run(5)
    expect(notebook.output(5)).to_contain_text("[('Iceland', 2020), ('Malta', 2020)]")
