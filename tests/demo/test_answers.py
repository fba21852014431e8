"""Answers: which prompt gets which text, and that the texts keep their promises."""

import re
from importlib.resources import files

import pytest

from nbstream.demo.answers import NOTICE, RULES, compose
from nbstream.demo.request import Message

TEXTS = sorted(text.name.removesuffix(".md") for text in files("nbstream.demo").joinpath("texts").iterdir())

# The magic's options, as the design has them.
OPTIONS = (
    "-m/--model --api -s/--system -o/--out -u/--usage -r/--result --temperature --max-tokens --param --base-url "
    "--timeout --raw --quiet"
)


def answer(prompt):
    return compose([Message("user", prompt)])


def text(name):
    return files("nbstream.demo").joinpath("texts", f"{name}.md").read_text("utf-8").strip()


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("What is nbstream?", "nbstream"),
        ("How does %%stream work?", "magic"),
        ("Which magics are there?", "magic"),
        ("Which variables are set by nbstream?", "variables"),
        ("token usage?", "variables"),
        ("How do I stop %%stream?", "stopping"),
        ("can I interrupt it", "stopping"),
        ("What if a stream fails?", "errors"),
        ("Explain SSE", "streaming"),
        ("explain server-sent events", "streaming"),
        ("Show me a table", "markdown"),
        ("some math, please", "markdown"),
        ("Hello!", "hello"),
        ("Who are you?", "hello"),
        ("", "hello"),
        ("Give me a long answer", "long"),
    ],
)
def test_keywords_choose_the_answer(prompt, name):
    assert answer(prompt) == f"{NOTICE}\n\n{text(name)}"


def test_every_text_is_reachable():
    assert {name for name, _ in RULES} | {"long", "fallback"} == set(TEXTS)


@pytest.mark.parametrize("prompt", ["hello", "count to 10", "write 100 words", "long", "Translate this"])
def test_every_answer_says_what_it_comes_from(prompt):
    assert answer(prompt).startswith(NOTICE + "\n\n")
    assert "not from a language model" in NOTICE


def test_the_last_user_message_decides():
    talk = [Message("user", "hello"), Message("assistant", "nbstream"), Message("user", "Explain SSE")]
    assert compose([*talk, Message("assistant", "hello")]).endswith(text("streaming"))


def test_anything_else_is_restated_as_a_quotation():
    restated = answer("# Translate\n\nto French: <b>cat</b>")
    assert "You asked:\n\n> # Translate\n>\n> to French: <b>cat</b>\n\nThe request carried 1 message " in restated
    assert restated.endswith(text("fallback"))
    assert "--base-url" in restated
    assert "OPENAI_API_KEY" in restated


def test_a_restated_prompt_tells_what_else_was_sent():
    talk = [
        Message("system", "Be brief."),
        Message("user", "Cats?"),
        Message("assistant", "Yes."),
        Message("user", "Dogs?"),
    ]
    assert "3 messages of the conversation.\n\nIts system prompt:\n\n> Be brief." in compose(talk)


def test_pasted_text_behind_the_question_decides_nothing():
    assert "You asked:" in answer("Translate into French: " + "word " * 100 + "error table nbstream")


def test_a_restated_prompt_is_shortened():
    assert len(answer("A cat sat. " * 1000)) < 2500


@pytest.mark.parametrize(
    ("said", "last"), [("count to 12", 12), ("Count up to 1,500!", 1500), ("count to " + "9" * 5000, 20_000)]
)
def test_counting(said, last):
    numbers = answer(said).removeprefix(NOTICE)
    assert [int(number) for number in re.findall(r"\d+", numbers)] == list(range(1, last + 1))


def test_counting_to_nothing():
    assert answer("count to 0").endswith("There is nothing to count.")


@pytest.mark.parametrize("wanted", [50, 1000, 5000])
def test_words_come_in_whole_paragraphs(wanted):
    written = len(answer(f"Write {wanted} words about tides").split())
    assert wanted <= written < wanted + 150


def test_how_long_asks_for_nothing_long():
    assert "You asked:" in answer("How long is the Nile?")


def test_the_long_answer_is_long():
    assert 6000 < len(text("long")) < 8000


def test_the_magic_text_names_exactly_the_options():
    table = [line.split("|")[1] for line in text("magic").splitlines() if line.startswith("| `-")]
    assert (
        " ".join(row.replace("`", "").replace(" KEY=JSON", "").strip().replace(", ", "/") for row in table) == OPTIONS
    )


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_well_formed(name):
    assert text(name).count("```") % 2 == 0
    assert "\t" not in text(name)
    assert not text(name).startswith(NOTICE)
