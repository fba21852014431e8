"""A conversation as Markdown, as words and as a notebook."""

import nbformat
import pytest

from nbstream.conversation.conversation import Conversation
from nbstream.conversation.export import to_markdown, to_notebook, to_text
from nbstream.conversation.turn import Turn
from nbstream.markdown import inert
from tests.conversation.talks import answer, question, said
from tests.each import check_each
from tests.payloads import PAYLOADS, Payload

PIXEL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
TURNS = [
    question("What is `x`?"),
    answer("An **unknown**.\n\n```py\nx = 1", model="m-1"),
    Turn("p", "user", ({"type": "text", "text": "And this?"}, PIXEL)),
    answer("It", "cancelled"),
]


def test_markdown_has_a_heading_for_each_turn_and_says_how_answers_ended():
    assert to_markdown(TURNS, "Be terse.") == (
        "## System\n\nBe terse.\n\n"
        "## User\n\nWhat is `x`?\n\n"
        "## Assistant (m-1)\n\nAn **unknown**.\n\n```py\nx = 1\n```\n\n"
        "## User\n\nAnd this?\n\n*(image)*\n\n"
        "## Assistant\n\nIt\n\n> **Stopped.** You stopped the answer after 2 characters\\."
    )


def test_headings_of_answers_stand_below_those_of_turns():
    turns = [answer("# One\n\n## Two\n\n###### Six\n\n```\n# code\n```\n\n> # quoted", model="org/held-out_v1:free")]
    assert to_markdown(turns, "# Rules") == (
        "## System\n\n### Rules\n\n## Assistant (org/held-out_v1:free)\n\n"
        "### One\n\n#### Two\n\n###### Six\n\n```\n# code\n```\n\n> ### quoted"
    )
    assert to_markdown([answer("x", model="*a* [b](c) https://d.e")]).startswith("## Assistant \\(\\*a")


def test_words():
    assert to_text(TURNS[:3]) == (
        "User:\nWhat is `x`?\n\nAssistant (m-1):\nAn **unknown**.\n\n```py\nx = 1\n\nUser:\nAnd this?\n(image)"
    )


def test_an_empty_conversation_is_empty():
    assert (to_markdown([]), to_text([])) == ("", "")


@pytest.mark.parametrize("kind", sorted({payload.kind for payload in PAYLOADS}))
def test_nothing_that_anybody_says_can_act(kind):
    """All of it goes through the filter, and names in headings mean nothing but themselves."""
    check_each([payload for payload in PAYLOADS if payload.kind == kind], check_that_nothing_acts)


def check_that_nothing_acts(payload: Payload) -> None:
    hostile = payload.text
    turns = [question(hostile), answer(hostile, model=hostile), Turn("x", hostile or "x", hostile)]
    for turn in turns:
        made = to_markdown([turn], hostile).split("\n\n", 1)[1]
        assert inert(hostile, below=2) in made or not inert(hostile).strip()
    heading = to_markdown(turns[1:2]).partition("\n")[0]
    assert "<" not in heading.replace("<span>\\$</span>", "").replace("\\<", "")  # which keeps formulas from being seen
    assert heading.startswith("## Assistant")


# --- as a notebook ----------------------------------------------------------------------------------------------------


def test_a_notebook_shows_the_conversation_and_asks_it_again():
    made = to_notebook(TURNS, "Be terse.", "tutor", {"model": "m", "temperature": 0.5})
    nbformat.validate(made)
    assert [cell.cell_type for cell in made.cells] == ["code"] * 3
    beginning, first, second = made.cells
    assert beginning.source.splitlines() == [
        "%load_ext nbstream",
        "import nbstream as nbs",
        "",
        "tutor = nbs.Chat('Be terse.', model='m', temperature=0.5)",
    ]
    assert first.source == "%%stream --raw --chat tutor\nWhat is `x`?"
    assert first.outputs[0].data["text/markdown"] == "An **unknown**.\n\n```py\nx = 1\n```"
    assert first.outputs[0].metadata["nbstream"]["model"] == "m-1"
    assert second.source == f"tutor.stream([{{'type': 'text', 'text': 'And this?'}}, {PIXEL!r}])"
    assert "Stopped" in second.outputs[0].data["text/markdown"]


def test_what_is_no_question_and_answer_is_text():
    messages = [{"role": "developer", "content": "Be kind."}, {"role": "assistant", "content": "Hello!"}, *said("Q")]
    made = to_notebook(Conversation.from_messages(messages).tree.path())
    nbformat.validate(made)
    assert [(cell.cell_type, cell.source) for cell in made.cells[1:]] == [
        ("markdown", "## Developer\n\nBe kind."),
        ("markdown", "## Assistant\n\nHello!"),
        ("code", "%%stream --raw --chat chat\nQ"),
    ]


@pytest.mark.parametrize("name", [None, "not a name", "x; import os", "", "class"])
def test_a_name_that_is_none_is_not_written_into_code(name):
    assert "\nchat = nbs.Chat()" in to_notebook([question("Q")], name=name).cells[0].source


def test_options_that_cannot_be_written_as_arguments_are_left_out():
    assert "nbs.Chat(seed=7)" in to_notebook([], options={"seed": 7, "x-y": 1, "a=b, c": 2}).cells[0].source
