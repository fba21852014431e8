"""The questions that a page shows: which calls wait to be allowed, and what its reader answers."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import escaped, plain
from nbstream.tools.approval import Approved, Denied

if TYPE_CHECKING:
    from nbstream.tools.approval import Allowance, Question

__all__ = ["Allowances", "OpenQuestions", "shown_arguments"]

_LONGEST_REASON = 1000


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

    def told(self) -> list[dict[str, str]]:
        """What a page is sent of them; a model has written most of it."""
        with self._lock:
            questions = tuple(self._open.values())
        return [
            {
                "call": each.call_id,
                "kind": each.kind,
                "tool": plain(each.tool),
                "description": plain(each.description if each.kind == "input" else _first_paragraph(each.description)),
                "arguments": shown_arguments(each),
                "digest": each.digest,
            }
            for each in questions
        ]

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
                arguments = json.loads(edited)
            except ValueError as error:
                return f"This is not JSON: {error}"
            if not isinstance(arguments, dict):
                return "The arguments are an object: {…}"
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


def _first_paragraph(text: str) -> str:
    return text.partition("\n\n")[0]


def shown_arguments(question: Question) -> str:
    """The arguments as a reader sees them, and may edit them."""
    return escaped(json.dumps(question.arguments, ensure_ascii=False, indent=2))
