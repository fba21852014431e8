"""Questions whether a call may run, with real clicks and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Locator, expect

from nbstream.testing import chat_body
from tests.browser.test_panel_accessibility import violations

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
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
STOPPED = """
server.send(called(("population", {"country": "Peru"})))
stopped = nbs.stream("And in Peru?", tools=[population])
"""
BESIDE = f"""
server = FaultServer()
server.__enter__()
nbs.configure(base_url=server.base_url)
{ASK}"""
PANEL = """
for country, said in {"Iceland": "Few people.", "Malta": "More.", "Fiji": "Fewer."}.items():
    server.send(called(("population", {"country": country})))
    server.send(chat_body(said))
panel = nbs.ChatPanel(tools=[population])
panel
"""


def test_calls_in_a_cell(open_notebook: OpenNotebook) -> None:
    runs = "ran, [(part.run.state, part.run.output) for part in result.tool_runs]"
    notebook = open_notebook(
        "lab", PREPARATION, ASK, runs, STOPPED, "stopped.state, stopped.tool_runs[0].run.state, ran", shared=True
    )
    page = notebook.page
    notebook.run(1)
    notebook.start(2)
    cards = notebook.view(2).locator(".nbs-question")
    expect(cards).to_have_count(2)
    first, second = cards.nth(0), cards.nth(1)
    assert violations(page, ".nbs-view") == [], "while calls wait"
    second.get_by_role("button", name="Say why").click()
    expect(second.get_by_role("textbox", name="Reason for denying")).to_be_focused()
    page.keyboard.press("Escape")
    expect(second.get_by_role("textbox")).to_have_count(0)
    expect(second.get_by_role("button", name="Say why")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("too old: i, a and b")  # of which some are keys of the notebook
    assert violations(page, ".nbs-view") == [], "while a reason is written"
    page.keyboard.press("Enter")
    expect(cards).to_have_count(1)
    expect(first).to_be_focused()  # and none of its buttons: the same key must not allow it
    for each in (first.locator("pre"), *(first.get_by_role("button", name=name) for name in ("Allow", "Edit"))):
        page.keyboard.press("Tab")
        expect(each.first).to_be_focused()
    page.keyboard.press("Enter")
    editor = first.get_by_role("textbox", name="Arguments of population")
    expect(editor).to_be_focused()
    editor.fill('{"country": 1}')
    page.keyboard.press("Escape")  # keeps what was written
    expect(first.get_by_role("button", name="Undo edit")).to_be_focused()
    first.get_by_role("button", name="Allow", exact=True).click()
    expect(first.get_by_role("alert")).to_contain_text("country: Input should be a valid string")
    assert violations(page, ".nbs-view") == [], "when the arguments do not fit"
    first.get_by_role("button", name="Undo edit").click()
    expect(first.locator("pre")).to_contain_text("Norway")
    first.get_by_role("button", name="Edit").click()
    editor.fill('{"country": "Sweden"}')
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    notebook.wait_for_end(2)
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text(
        "([('Sweden', 2020)], [('completed', 'Sweden 2020: 5 million'), ('denied',"
    )
    expect(notebook.output(3)).to_contain_text("The reason: too old: i, a and b")

    notebook.start(4)
    view = notebook.view(4)
    expect(view.locator(".nbs-question")).to_have_count(1)
    view.get_by_role("button", name="Stop").click()
    notebook.wait_for_end(4)
    expect(notebook.output(4).locator(".nbs-question")).to_have_count(0)
    notebook.run(5)
    expect(notebook.output(5)).to_contain_text("cancelled")
    expect(notebook.output(5)).to_contain_text("'denied', [('Sweden', 2020)]")


def test_calls_in_a_panel_and_on_a_page_that_is_reloaded(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("lab", PREPARATION, PANEL, "panel", BESIDE, "ran")
    page = notebook.page
    for cell in (1, 2, 3):
        notebook.run(cell)
    here, there = (notebook.cells.nth(cell).locator(".nbs-panel") for cell in (2, 3))

    def ask(words: str) -> None:
        here.get_by_role("textbox", name="Message").fill(words)
        here.get_by_role("button", name="Send", exact=True).click()

    ask("How many live in Iceland?")
    for panel in (here, there):
        expect(panel.locator(".nbs-question")).to_contain_text("Iceland")
    assert violations(page, ".nbs-panel") == [], "while a call waits"
    here.locator(".nbs-question").get_by_role("button", name="Edit", exact=True).click()
    here.get_by_role("textbox", name="Arguments of population").fill('{"country": "Iceland", "year": 1990}')
    here.get_by_role("button", name="Always allow").click()
    for panel in (here, there):
        expect(panel).to_contain_text("Few people.")
        expect(panel.locator(".nbs-question")).to_have_count(0)
        expect(panel.locator(".nbs-allowance")).to_have_text("population · Allowed for this notebook · Revoke")
    ask("And in Malta?")
    expect(here).to_contain_text("More.")
    assert violations(page, ".nbs-panel") == [], "when a tool is allowed for good"
    here.get_by_role("button", name="Revoke").click()
    for panel in (here, there):
        expect(panel.locator(".nbs-allowance")).to_have_count(0)
    expect(here.get_by_role("textbox", name="Message")).to_be_focused()

    ask("And in Fiji?")
    expect(here.locator(".nbs-question")).to_contain_text("Fiji")
    notebook.start(4)
    expect(notebook.view(4).locator(".nbs-question")).to_have_count(2)
    notebook.save()
    notebook.load()
    cards = notebook.view(4).locator(".nbs-question")
    expect(cards).to_have_count(2)
    for panel in (here, there):
        expect(panel.locator(".nbs-question")).to_contain_text("Fiji")
    there.get_by_role("button", name="Deny").click()
    expect(here.locator(".nbs-question")).to_have_count(0)
    expect(here).to_contain_text("Fewer.")
    cards.nth(1).get_by_role("button", name="Always allow").click()
    expect(cards).to_have_count(1)
    expect(notebook.view(4).locator(".nbs-allowance")).to_contain_text("population")
    cards.get_by_role("button", name="Allow", exact=True).click()
    expect(notebook.view(4)).to_contain_text("Denmark has more.")
    notebook.view(4).get_by_role("button", name="Revoke").click()
    expect(notebook.view(4).locator(".nbs-allowance")).to_have_count(0)
    notebook.run(5)
    expect(notebook.output(5)).to_contain_text(
        "[('Iceland', 1990), ('Malta', 2020), ('Denmark', 2021), ('Norway', 2020)]"
    )


DRAWING = """
import threading

@nbs.tool(safe=True)
def plot(title: str) -> object:
    'Draw.'
    from PIL import Image
    print(f"drawing {title}")
    return ["The tides of a week, in metres above the mean of the year before.", Image.new("RGB", (240, 120), "teal")]

@nbs.tool(safe=True)
def query(sql: str) -> str:
    'Look it up.'
    raise ValueError("no such table: nowhere\\n  SELECT *\\n" + "more " * 40)

both = called(("plot", {"title": "tides"}), ("query", {"sql": "SELECT * FROM nowhere"}))
said = chat_body("It ", "rises.")
go = threading.Event()
"""
LIVE = """
server.send(both)
server.send(go, said)
handle = nbs.start("Plot.", tools=[plot, query])
"""
WAITED_FOR = """
server.send(both)
server.send(said)
_ = nbs.stream("Plot.", tools=[plot, query])
"""
DRAWING_PANEL = """
server.send(both)
server.send(said)
panel = nbs.ChatPanel(tools=[plot, query])
panel
"""
IMAGE = "Image from plot: image/png"


def test_what_calls_returned_printed_and_raised(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("lab", PREPARATION, DRAWING, LIVE, "go.set()", WAITED_FOR, DRAWING_PANEL)
    page = notebook.page
    for cell in (1, 2):
        notebook.run(cell)
    notebook.start(3)
    body = notebook.view(3).locator(".nbs-body")
    expect(body.get_by_role("img", name=IMAGE)).to_be_visible()
    folds = body.locator("details.nbs-step")
    expect(folds).to_have_count(2)
    expect(folds.nth(0)).to_contain_text("→ an image; The tides of a week")
    expect(folds.nth(0).locator(".nbs-detail")).to_be_hidden()
    folds.nth(0).locator("summary").focus()
    page.keyboard.press("Enter")
    expect(folds.nth(0).locator(".nbs-detail")).to_contain_text("Printed:\ndrawing tides", use_inner_text=True)
    expect(folds.nth(1).locator("summary")).to_contain_text("(failed: The tool raised ValueError: no such table")
    folds.nth(1).locator("summary").click()
    expect(folds.nth(1).locator(".nbs-detail")).to_be_visible()
    expect(folds.nth(1).locator(".nbs-detail")).to_contain_text("more more")
    assert violations(page, ".nbs-view") == [], "with open folds"
    notebook.run(4)
    expect(notebook.output(3).locator(".jp-RenderedMarkdown img")).to_be_visible()

    notebook.run(5)
    output = notebook.output(5)
    expect(output.locator(".jp-RenderedImage img")).to_be_visible()
    expect(output.locator(".jp-RenderedMarkdown pre")).to_contain_text("SELECT *")
    expect(output).to_contain_text("drawing tides")  # where the caller waits, its own output shows what is printed
    kept = [min(each["data"]) for each in notebook.save()["cells"][5]["outputs"] if "data" in each]
    assert kept == ["text/markdown", "image/png", "text/markdown"]

    notebook.run(6)
    panel = notebook.output(6)
    panel.get_by_role("textbox", name="Message").fill("Plot.")
    panel.get_by_role("button", name="Send", exact=True).click()
    answer = panel.locator('article[data-role="assistant"]')
    expect(answer).to_have_attribute("data-state", "completed")
    expect(answer.get_by_role("img", name=IMAGE)).to_be_visible()
    fold = answer.locator("details.nbs-step").first
    fold.locator("summary").click()
    expect(fold.locator(".nbs-detail")).to_contain_text("drawing tides")
    expect(answer.locator("details.nbs-step").nth(1).locator("summary")).to_contain_text("no such table")


# --- MCP servers, and code --------------------------------------------------------------------------------------------

MCP = """
import nbstream as nbs
from typing import Annotated
from mcp.server.mcpserver import Elicit, MCPServer, Resolve
from pydantic import BaseModel

class Name(BaseModel):
    name: str
    loud: bool = True

town = MCPServer("town")

@town.tool()
def greet(name: Annotated[Name, Resolve(lambda: Elicit("Which name?", Name))]) -> str:
    "Greet somebody."
    return f"Hello {name.name}{'!' * name.loud}"

wiki = {"type": "mcp", "server_label": "wiki", "server_url": "https://wiki.example/mcp"}
asked = "town_greet(), wiki.search(query='tides') and wiki.erase(page='Oban')"
options = {"model": "demo", "api": "responses", "tools": [nbs.mcp(town), wiki]}
"""
CALLS = "r = nbs.stream(asked, **options)"
RUNS = "[part.run.output for part in r.tool_runs], [getattr(part, 'status', '') for part in r.parts], r.text"
INSERT = "%%stream --base-url {server} -m m --insert -o source\nHello"


def greet_search_and_not_erase(answer: Locator) -> None:
    """Answer the three calls, and what one of them asks for, with clicks and keys."""
    page, cards = answer.page, answer.locator(".nbs-question")
    expect(cards).to_have_count(3)
    assert violations(page, f".{answer.get_attribute('class')}".replace(" ", ".")) == []
    greet, search, erase = (cards.filter(has_text=name) for name in ("town_greet", "wiki.search", "wiki.erase"))
    assert [each.inner_text() for each in search.get_by_role("button").all()] == ["Allow", "Deny", "Say why …"]
    expect(search).to_contain_text("The provider calls this tool of an MCP server, and sends it these arguments.")
    greet.get_by_role("button", name="Allow", exact=True).click()
    form = answer.get_by_role("group", name="town_greet asks you something")
    expect(form).to_contain_text("Which name?")
    field = form.get_by_role("textbox", name="Answer to town_greet")
    field.fill("{}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_have_text("'name' is a required property")
    field.fill('{"name": "Ada", "loud": false}')
    form.get_by_role("button", name="Send").click()
    expect(form).to_have_count(0)
    erase.get_by_role("button", name="Say why").click()
    page.keyboard.type("It is ours.")
    page.keyboard.press("Enter")
    expect(erase).to_have_count(0)
    search.get_by_role("button", name="Allow", exact=True).press("Enter")
    expect(answer).to_contain_text("wiki.erase")


def test_calls_of_mcp_servers_and_code_for_a_new_cell(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    for _ in range(3):
        loopback.send(chat_body("Here:\n\n```python\nx = 40 + 2\n```", model="m"))
    insert = INSERT.format(server=loopback.base_url)
    notebook = open_notebook("lab", MCP, CALLS, RUNS, "panel = nbs.ChatPanel(**options)\npanel", insert, insert, insert)
    page = notebook.page
    notebook.run(1)
    notebook.start(2)
    greet_search_and_not_erase(notebook.view(2))
    notebook.wait_for_end(2)
    said = (
        "approval request: wiki.search (allowed)",
        "approval request: wiki.erase (not allowed)",
        "call: wiki.search",
    )
    for words in said:
        expect(notebook.output(2)).to_contain_text(f"MCP {words}")
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("['Hello Ada']")

    notebook.run(4)
    panel = notebook.cells.nth(4).locator(".nbs-panel")
    panel.get_by_role("textbox", name="Message").fill("town_greet(), wiki.search(query='x') and wiki.erase(page='y')")
    panel.get_by_role("button", name="Send", exact=True).click()
    greet_search_and_not_erase(panel)
    expect(panel).to_contain_text("town_greet {}: Hello Ada")
    panel.get_by_role("textbox", name="Message").fill("town_greet() and wiki.search(query='y')")
    panel.get_by_role("button", name="Send", exact=True).click()
    expect(panel.locator(".nbs-question")).to_have_count(2)
    panel.get_by_role("button", name="Stop").click()
    expect(panel.locator(".nbs-question")).to_have_count(0)
    for call in ("town_greet {}", "wiki.search"):
        expect(panel.locator("article").last).to_contain_text(f"{call} (not allowed)")

    notebook.start(5)
    card = notebook.view(5).locator(".nbs-question")
    expect(card).to_contain_text("Insert this code into a new cell below?")
    expect(card).to_contain_text("1 line by m")
    expect(notebook.view(5)).to_contain_text("x = 40 + 2")
    assert violations(page, ".nbs-view") == [], "while a question about code is open"
    card.get_by_role("button", name="Don't insert").click()
    notebook.wait_for_end(5)
    expect(notebook.cells.nth(6)).to_contain_text("%%stream")  # and no new cell
    notebook.start(6)
    notebook.view(6).locator(".nbs-question").wait_for()
    notebook.view(6).get_by_role("button", name="Stop").click()
    notebook.wait_for_end(6)
    expect(notebook.output(6)).not_to_contain_text("You stopped")
    expect(notebook.cells.nth(7)).to_contain_text("%%stream")
    notebook.start(7)
    notebook.view(7).locator(".nbs-question").wait_for()
    notebook.save()
    notebook.load()
    again = notebook.view(7).locator(".nbs-question")
    expect(again).to_contain_text("Insert this code into a new cell below?")
    again.get_by_role("button", name="Don't insert").click()
    expect(again).to_have_count(0)
    assert notebook.value("source", 3).startswith("Here:")
