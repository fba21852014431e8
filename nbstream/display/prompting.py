"""Asks on the caller's thread what a card asks on a page: with `input()`, in terminals and where nothing else works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.display.questions import by_whom, edited_arguments, shown_arguments, shown_description
from nbstream.display.typed import typed_lines
from nbstream.text.plain import plain
from nbstream.tools.approval import Approved, Denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.tools.approval import Question

__all__ = ["allowed_by_input", "answer_by_input"]

_MORE = "a", "always", "e", "edit"
_WAYS = {
    "call": "[y]es, [n]o (and why), [e]dit, [a]lways",
    "remote": "[y]es, [n]o (and why)",  # the provider makes it, with these arguments
}


def answer_by_input(question: Question, ask: Callable[[str], str] | None = None) -> None:
    """Ask until there is an answer; what follows a no is the reason, for the model.

    Args:
        question: What to ask.
        ask: Shows some words and reads a line; by default `input`, which a kernel replaces for each cell.

    Raises:
        EOFError: Nobody can answer here.
    """
    ask = ask or typed_lines()
    match question.kind:
        case "insert":
            allowed = allowed_by_input(question.arguments["code"], question.arguments["model"], ask)
            question.answer(Approved(question.digest) if allowed else Denied())
        case "secret":
            question.answer(Approved(question.digest) if _agreed(question, ask) else Denied())
        case "input":
            words = f"{plain(question.tool)} asks: {shown_description(question)}\n"
            fields = f"Your answer, as JSON like {shown_arguments(question)}, or nothing to decline: "
            if not _written(question, ask, words, fields):
                question.answer(Denied())
        case _:
            _decide(question, ask)


def allowed_by_input(code: str, model: str, ask: Callable[[str], str]) -> bool:
    """Ask whether code may be put into a new cell.

    Args:
        code: The code.
        model: What has written it.
        ask: Shows some words and reads a line.
    """
    return _says_yes(f"Insert this code ({by_whom(code, model)}) into a new cell below? [y]es, [n]o: ", ask)


def _agreed(question: Question, ask: Callable[[str], str]) -> bool:
    return _says_yes(f"{shown_description(question)}\nSend it all the same? [y]es, [n]o: ", ask)


def _says_yes(words: str, ask: Callable[[str], str]) -> bool:
    while (said := ask(words).strip().lower()) not in {"y", "yes", "n", "no"}:
        pass
    return said[0] == "y"


def _decide(question: Question, ask: Callable[[str], str]) -> None:
    about = shown_description(question)
    words = f"The model wants to call {plain(question.tool)} with {shown_arguments(question)}\n"
    words += f"{about}\n" if about else ""
    ways = _WAYS[question.kind]
    while True:
        said, _, reason = ask(f"{words}Allow it? {ways}: ").strip().partition(" ")
        said, words = said.rstrip(",").lower(), ""
        if said in {"n", "no"}:
            question.answer(Denied(reason.strip()))
            return
        if reason or said not in {"y", "yes", *(_MORE if question.kind == "call" else ())}:
            continue
        if said[0] == "e":
            if _written(question, ask, "", "Other arguments, as JSON, or nothing to leave them: "):
                return
            continue
        question.answer(Approved(question.digest, always=said[0] == "a"))
        return


def _written(question: Question, ask: Callable[[str], str], words: str, fields: str) -> bool:
    """Ask for other arguments until they fit; whether any were given."""
    while said := ask(f"{words}{fields}").strip():
        try:
            given = edited_arguments(said)
        except ValueError as error:
            words = f"{error}\n"
            continue
        if not (wrong := question.fault_of(given)):
            question.answer(Approved(question.digest, given))
            return True
        words = f"{wrong}\n"
    return False
