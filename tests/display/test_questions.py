"""What a page, or somebody at a terminal, answers to the question whether a call may run."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.display.prompting import answer_by_input
from nbstream.display.questions import Allowances, OpenQuestions, shown_arguments
from nbstream.tools.approval import Allowance, Approved, Denied, Question
from nbstream.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.tools.approval import Decision


@pytest.fixture
def question() -> Question:
    def fault_of(given: dict[str, Any]) -> str:
        return "" if given.get("city") else "city: Field required"

    return Question("c1", "weather", {"city": "Oslo \x1b[2J"}, "The weather.\n\nAll of it.", fault_of)


@pytest.fixture
def decided(question: Question) -> list[Decision]:
    decided: list[Decision] = []
    question.when_answered(decided.append)
    return decided


@pytest.fixture
def ask(question: Question) -> Callable[..., str]:
    """Answer as a page does."""
    questions = OpenQuestions()
    assert questions.add(question)
    assert not questions.add(question)
    return lambda **answer: questions.answer({"call": "c1", "digest": question.digest, **answer})


def test_a_page_is_told_what_it_needs_and_nothing_that_acts(question: Question) -> None:
    questions = OpenQuestions()
    questions.add(question)
    [told] = questions.told()
    assert {name: told[name] for name in ("call", "kind", "tool", "description")} == {
        "call": "c1",
        "kind": "call",
        "tool": "weather",
        "description": "The weather.",
    }
    assert "\x1b" not in told["arguments"]
    assert told["arguments"].startswith('{\n  "city": "Oslo ')
    assert questions.remove(question)
    assert (questions.told(), questions.remove(question)) == ([], False)


def test_a_call_is_allowed_as_it_is(question: Question, decided: list[Decision], ask: Callable[..., str]) -> None:
    assert ask(allow=True, arguments=shown_arguments(question)) == ""
    assert ask(allow=False) == "", "the first answer counts"
    assert decided == [Approved(question.digest)]


def test_a_call_is_allowed_with_other_arguments(
    question: Question, decided: list[Decision], ask: Callable[..., str]
) -> None:
    assert ask(allow=True, arguments="{").startswith("This is not JSON: ")
    assert ask(allow=True, arguments="[]") == "This has to be an object: {…}"
    assert ask(allow=True, arguments='{"town": "x"}') == "city: Field required"
    assert decided == []
    assert ask(allow=True, arguments='{"city": "Bergen"}', always=True) == ""
    assert decided == [Approved(question.digest, {"city": "Bergen"}, always=True)]


def test_a_call_is_denied_with_a_reason(decided: list[Decision], ask: Callable[..., str]) -> None:
    ask(allow="yes", reason="r" * 5000)  # what is not plainly allowed is not
    assert decided == [Denied("r" * 1000)]


def test_what_is_allowed_for_good_is_shown_until_it_is_revoked() -> None:
    def weather(city: str) -> str:
        return city

    shown, tool = Allowances(), Tool(weather)
    tool.always = True
    assert Tool(weather).always, "the next request makes a tool of it again"
    assert shown.add(Allowance(tool))
    assert not shown.add(Allowance(tool))
    assert shown.told() == ["weather"]
    tool.always = False
    assert shown.told() == [], "it was revoked in Python"
    tool.always = True
    assert not shown.revoke("another")
    assert shown.revoke("weather")
    assert (shown.told(), Tool(weather).always) == ([], False)


@pytest.mark.parametrize("answer", [{"digest": "of another"}, {"call": "c2"}, {"call": None}])
def test_an_answer_to_another_question_is_none(
    decided: list[Decision], ask: Callable[..., str], answer: dict[str, Any]
) -> None:
    assert ask(allow=True, **answer) == ""
    assert decided == []


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        (["y"], "allowed"),
        (["what?", "", " YES ", "no"], "allowed"),
        (["yes but", "n"], Denied()),
        (["No, Use Celsius "], Denied("Use Celsius")),
        (["always"], "always"),
        (["edit", "{", '{"town": 1}', '{"city": "Rome"}'], {"city": "Rome"}),
        (["e", "", "y"], "allowed"),
    ],
)
def test_at_a_terminal(question: Question, decided: list[Decision], lines: list[str], made: Any) -> None:
    asked: list[str] = []

    def read(words: str) -> str:
        asked.append(words)
        return lines[len(asked) - 1]

    answer_by_input(question, read)
    edited = made if isinstance(made, dict) else None
    expected = made if isinstance(made, Denied) else Approved(question.digest, edited, always=made == "always")
    assert decided == [expected]
    assert len(asked) == len(lines) - (lines[-1] == "no"), "only until there is an answer"
    assert "wants to call weather" in asked[0]
    assert "\nThe weather.\n" in asked[0]
    assert "\x1b" not in asked[0]


def test_a_call_that_the_provider_makes_is_allowed_or_not_at_a_terminal() -> None:
    decided: list[Decision] = []
    question = Question("c1", "wiki.search", {}, "It sends them.", kind="remote")
    question.when_answered(decided.append)
    answers = iter(["always", "edit", "yes"])
    answer_by_input(question, lambda words: next(answers) if "edit" not in words else "")
    assert decided == [Approved(question.digest)]


def test_whether_to_insert_code() -> None:
    decided: list[Decision] = []
    question = Question("i1", "insert", {"code": "x = 1\ny = 2", "model": "m\x1b"}, kind="insert")
    questions = OpenQuestions()
    questions.add(question)
    [told] = questions.told()
    assert (told["kind"], told["description"], told["arguments"]) == ("insert", "2 lines by m␛", "")
    for answer in ("no", "y"):
        question.when_answered(decided.append)
        said = iter(["perhaps", answer])
        answer_by_input(question, lambda _, said=said: next(said))  # type: ignore[misc]
    question.when_answered(decided.append)
    questions.answer({"call": "i1", "digest": question.digest, "allow": True, "arguments": None})
    assert decided == [Denied(), Approved(question.digest), Approved(question.digest)]


def test_what_answers_nonsense_is_not_asked_for_ever(
    question: Question, decided: list[Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "maybe")
    with pytest.raises(EOFError):
        answer_by_input(question)
    assert decided == []


def test_a_kernel_is_asked_only_where_a_cell_runs(
    question: Question, decided: list[Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=SimpleNamespace()))
    monkeypatch.setattr("builtins.input", lambda _: "y")
    with ThreadPoolExecutor(1) as beside, pytest.raises(EOFError):
        beside.submit(answer_by_input, question).result()
    assert decided == []
    answer_by_input(question)
    assert decided == [Approved(question.digest)]


def test_arguments_are_shown_as_they_are() -> None:
    given = {"path": "a\u202etxt.sh\x9b\x7f\u2066 é"}
    shown = shown_arguments(Question("c1", "run", given))
    assert "a\\u202etxt.sh\\u009b\\u007f\\u2066 é" in shown
    assert json.loads(shown) == given


# --- what a tool asks for ---------------------------------------------------------------------------------------------


@pytest.fixture
def wanted() -> Question:
    def fault_of(given: dict[str, Any]) -> str:
        return "" if given.get("name") else "'name' is a required property"

    return Question("q1", "greet", {"name": ""}, "Which\x1b name?\n\nname (string)", fault_of, kind="input")


def test_a_page_answers_what_a_tool_asks_for(wanted: Question) -> None:
    decided: list[Decision] = []
    wanted.when_answered(decided.append)
    questions = OpenQuestions()
    questions.add(wanted)
    [told] = questions.told()
    assert (told["kind"], told["description"]) == ("input", "Which␛ name?\n\nname (string)")
    answer = {"call": "q1", "digest": wanted.digest, "allow": True}
    assert questions.answer({**answer, "arguments": told["arguments"]}) == "'name' is a required property"
    assert questions.answer({**answer, "arguments": '{"name": "Ada"}'}) == ""
    assert decided == [Approved(wanted.digest, {"name": "Ada"})]


@pytest.mark.parametrize(
    ("lines", "made"),
    [(["{", "[]", "{}", '{"name": "Ada"}'], {"name": "Ada"}), ([" "], None), (["{}", ""], None)],
)
def test_somebody_at_a_terminal_answers_what_a_tool_asks_for(
    wanted: Question, lines: list[str], made: dict[str, Any] | None
) -> None:
    decided: list[Decision] = []
    asked: list[str] = []
    wanted.when_answered(decided.append)

    def read(words: str) -> str:
        asked.append(words)
        return lines[len(asked) - 1]

    answer_by_input(wanted, read)
    assert decided == [Denied() if made is None else Approved(wanted.digest, made)]
    assert asked[0].startswith("greet asks: Which␛ name?")
    assert len(asked) == len(lines)
    if made:
        assert [words.split(":")[0] for words in asked[1:]] == [
            *(
                "This is not JSON",
                "This has to be an object",
                "'name' is a required property\nYour answer, as JSON like {\n  \"name\"",
            )
        ]


def test_a_question_about_a_secret_names_its_ways_and_no_arguments():
    questions = OpenQuestions()
    question = Question("s1", "m", {}, "It seems to hold a key.\n\nIt would be sent.", kind="secret")
    questions.add(question)
    [told] = questions.told()
    assert (told["description"], told["arguments"]) == (question.description, "")
    assert [told["words"][place] for place in (0, 1, 3)] == ["Send this prompt?", "Send", "Don't send"]
    answers: list[Any] = []
    question.when_answered(answers.append)
    assert questions.answer({"call": "s1", "digest": question.digest, "allow": True}) == ""
    assert answers == [Approved(question.digest)]
