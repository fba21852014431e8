"""The questions that a page shows: what waits to be allowed, and what its reader answers."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import escaped, plain
from nbstream.tools.approval import Approved, Denied

if TYPE_CHECKING:
    from nbstream.tools.approval import Allowance, Question

__all__ = ["Allowances", "OpenQuestions", "by_whom", "edited_arguments", "shown_arguments", "shown_description"]

_LONGEST_REASON = 1000

# The question where it is not about a tool, and what can be answered, each with what it does.
_WORDS = {
    "insert": [
        "Insert this code into a new cell below?",
        *("Insert", "Put the code into a new cell below; nothing runs it"),
        *("Don't insert", "Leave the notebook as it is"),
    ],
    "secret": [
        "Send this prompt?",
        *("Send", "Send the prompt as it is"),
        *("Don't send", "Send nothing, and end here"),
    ],
}


class OpenQuestions:
    """The questions of one answer that are open, by their calls. From any thread."""

    def __init__(self) -> None:
        self._open: dict[str, Question] = {}
        self._lock = threading.Lock()

    def add(self, question: Question) -> bool:
        """Show a question; whether it is new."""
        with self._lock:
            new = self._open.get(question.call_id) is not question
            self._open[question.call_id] = question
            return new

    def remove(self, question: Question) -> bool:
        """Show it no longer; whether it was shown."""
        with self._lock:
            return self._open.pop(question.call_id, None) is not None

    def told(self) -> list[dict[str, Any]]:
        """What a page is sent of them; a model has written most of it."""
        with self._lock:
            questions = tuple(self._open.values())
        return list(map(_told, questions))

    def answer(self, answer: dict[str, Any]) -> str:
        """Take a page's answer; what is wrong with the arguments, if they were edited and do not fit."""
        question = self._open.get(str(answer.get("call")))
        if question is None or answer.get("digest") != question.digest:
            return ""  # answered already, or meant for another question
        if answer.get("allow") is not True:
            question.answer(Denied(str(answer.get("reason") or "")[:_LONGEST_REASON]))
            return ""
        arguments, edited = None, answer.get("arguments")
        if isinstance(edited, str) and edited != shown_arguments(question):
            try:
                arguments = edited_arguments(edited)
            except ValueError as error:
                return str(error)
        if wrong := question.fault_of(question.arguments if arguments is None else arguments):
            return wrong
        question.answer(Approved(question.digest, arguments, always=answer.get("always") is True))
        return ""


class Allowances:
    """The tools whose calls run without a question because the reader has said so, by their names. From any thread."""

    def __init__(self) -> None:
        self._allowed: dict[str, Allowance] = {}

    def add(self, allowance: Allowance) -> bool:
        """Show one; whether it is new."""
        new = allowance.tool.name not in self.told()
        self._allowed[allowance.tool.name] = allowance
        return new

    def revoke(self, tool: str) -> bool:
        """Take one back, as a page asks; whether it was shown."""
        allowance = self._allowed.pop(tool, None)
        if allowance is not None:
            allowance.revoke()
        return allowance is not None

    def told(self) -> list[str]:
        """What a page is sent of them; some may have been taken back in Python."""
        return [name for name, allowance in self._allowed.items() if allowance.tool.always]


def _told(question: Question) -> dict[str, Any]:
    told: dict[str, Any] = {
        "call": question.call_id,
        "kind": question.kind,
        "tool": plain(question.tool),
        "description": shown_description(question),
        "arguments": "" if question.kind in {"insert", "secret"} else shown_arguments(question),
        "digest": question.digest,
    }
    return {**told, "words": _WORDS[question.kind]} if question.kind in _WORDS else told


def shown_description(question: Question) -> str:
    """What a reader is told besides the arguments: of a tool the first paragraph, of code whose it is."""
    if question.kind == "insert":
        return by_whom(question.arguments["code"], question.arguments["model"])
    whole = question.kind in {"input", "secret"}
    return plain(question.description if whole else question.description.partition("\n\n")[0])


def by_whom(code: str, model: str) -> str:
    """Whose code it is, and how much.

    Example:
        >>> by_whom("x = 1", "gpt-5-mini")
        '1 line by gpt-5-mini'
    """
    lines = code.count("\n") + 1
    return f"{lines:,} line{'s' * (lines > 1)} by {' '.join(plain(model).split())}"


def shown_arguments(question: Question) -> str:
    """The arguments as a reader sees them, and may edit them."""
    return escaped(json.dumps(question.arguments, ensure_ascii=False, indent=2))


def edited_arguments(text: str) -> dict[str, Any]:
    """What a reader has made of the arguments.

    Raises:
        ValueError: They are none; the words say why.
    """
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is not JSON: {error}") from None
    if not isinstance(arguments, dict):
        raise ValueError("This has to be an object: {…}")  # noqa: TRY004  it is what was typed
    return arguments
