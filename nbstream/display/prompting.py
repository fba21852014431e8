"""Asks on the caller's thread whether a call may run: with `input()`, in terminals and where nothing else works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbstream.display.questions import shown_arguments
from nbstream.display.typed import typed_lines
from nbstream.text.plain import plain
from nbstream.tools.approval import Approved, Denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.tools.approval import Question

__all__ = ["answer_by_input"]


def answer_by_input(question: Question, ask: Callable[[str], str] | None = None) -> None:
    """Ask until there is an answer; what follows a no is the reason, for the model.

    Args:
        question: What to ask.
        ask: Shows some words and reads a line; by default `input`, which a kernel replaces for each cell.

    Raises:
        EOFError: Nobody can answer here.
    """
    ask = ask or typed_lines()
    if question.kind == "input":
        _fill_in(question, ask)
        return
    words = f"The model wants to call {plain(question.tool)} with {shown_arguments(question)}\n"
    while True:
        said, _, reason = ask(f"{words}Allow it? [y]es, [n]o (and why), [a]lways: ").strip().partition(" ")
        said = said.rstrip(",").lower()
        if said in {"n", "no"}:
            question.answer(Denied(reason.strip()))
            return
        if said in {"y", "yes", "a", "always"} and not reason:
            question.answer(Approved(question.digest, always=said.startswith("a")))
            return
        words = ""


def _fill_in(question: Question, ask: Callable[[str], str]) -> None:
    """Ask for what a tool wants to know, until it fits."""
    words = f"{plain(question.tool)} asks: {plain(question.description)}\n"
    while True:
        said = ask(f"{words}Your answer, as JSON like {shown_arguments(question)}, or nothing to decline: ").strip()
        if not said:
            question.answer(Denied())
            return
        try:
            given = json.loads(said)
        except (ValueError, RecursionError) as error:
            words = f"This is not JSON: {error}\n"
            continue
        wrong = question.fault_of(given) if isinstance(given, dict) else "The answer is an object: {…}"
        if not wrong:
            question.answer(Approved(question.digest, given))
            return
        words = f"{wrong}\n"
