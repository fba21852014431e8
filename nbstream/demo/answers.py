"""Which scripted answer a conversation gets. Pure, but for reading the texts beside it; knows no wire format."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.demo.request import Message

NOTICE = "*A scripted answer from nbstream's demo model, not from a language model.*"

# The first rule that matches decides, so the more special ones come first.
RULES = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("moderation", r"\b(?:unsafe|moderat\w+)\b"),
        ("picture", r"\b(?:draw|paint)\b"),
        ("sources", r"\b(?:cite|citations?|(?:with|your) sources)\b"),
        ("reasoning", r"\bthink (?:hard|first|aloud|about)\b"),
        ("stopping", r"\b(stop|stopp\w+|cancel\w*|interrupt\w*|abort\w*)\b"),
        ("errors", r"\b(errors?|fail|fails|failed|failing|failures?|exceptions?)\b"),
        ("variables", r"\b(variables?|usage)\b|\bstream_(text|usage|result)\b"),
        ("magic", r"%stream|\bmagics?\b"),
        ("markdown", r"\b(markdown|tables?|code|math|latex|formulas?)\b"),
        ("streaming", r"\b(sse|server[- ]sent|streams?|streamed|streaming)\b"),
        ("nbstream", r"\bnbstream\b"),
        ("hello", r"\b(hello|hi|hey|who are you|what are you|what can you do)\b"),
    )
)
COUNT = re.compile(r"\bcount (?:up )?(?:from (?:1|one) )?to (\d[\d,]*)", re.IGNORECASE)
WORDS = re.compile(r"\b(\d[\d,]*)[ -]words?\b", re.IGNORECASE)
LONG = re.compile(r"(?<!how )\blong\b", re.IGNORECASE)

# A question is asked at the start; what comes far behind is pasted text, whose words decide nothing.
QUESTION_LENGTH = 200
QUOTE_LENGTH = 600
MOST = 20_000  # numbers or words
NUMBERS_A_LINE = 20


def compose(messages: Sequence[Message]) -> str:
    """The answer to the last thing the user said, as Markdown.

    Example:
        >>> from nbstream.demo.request import Message
        >>> compose([Message("user", "Count to 3")]).endswith("1, 2, 3")
        True
    """
    return f"{NOTICE}\n\n{_answer(question_in(messages), messages)}"


def question_in(messages: Sequence[Message], *, first: bool = False) -> str:
    """The last thing the user said, or the first."""
    questions = [message.text.strip() for message in messages if message.role == "user"]
    return questions[0 if first else -1] if questions else ""


def topic_of(messages: Sequence[Message]) -> str:
    """The name of the text that answers the last thing the user said; `""` if none of them does."""
    prompt = next((message.text.strip() for message in reversed(messages) if message.role == "user"), "")
    question = prompt[:QUESTION_LENGTH]
    if COUNT.search(question) or WORDS.search(question) or LONG.search(question):
        return ""
    return next((name for name, pattern in RULES if pattern.search(question)), "")


def _answer(prompt: str, messages: Sequence[Message]) -> str:
    question = prompt[:QUESTION_LENGTH]
    if match := COUNT.search(question):
        return _numbers(_number(match))
    if match := WORDS.search(question):
        return _words(_number(match))
    if LONG.search(question):
        return _text("long")
    if not question:
        return _text("hello")
    for name, pattern in RULES:
        if pattern.search(question):
            return _text(name)
    return f"{_restated(prompt, messages)}\n\n{_text('fallback')}"


@cache
def _text(name: str) -> str:
    return files("nbstream.demo").joinpath("texts", f"{name}.md").read_text("utf-8").strip()


def _number(match: re.Match[str]) -> int:
    digits = match[1].replace(",", "").lstrip("0") or "0"
    # By length first: a number of thousands of digits is an error to int() itself.
    return MOST if len(digits) > len(str(MOST)) else min(int(digits), MOST)


def _numbers(last: int) -> str:
    numbers = [str(number) for number in range(1, last + 1)]
    lines = [", ".join(numbers[at : at + NUMBERS_A_LINE]) for at in range(0, last, NUMBERS_A_LINE)]
    return ",\n".join(lines) or "There is nothing to count."


def _words(wanted: int) -> str:
    """Whole paragraphs of the long answer until they have the words, from its beginning again if need be."""
    paragraphs: list[str] = []
    written = 0
    while True:
        for paragraph in _text("long").split("\n\n"):
            paragraphs.append(paragraph)
            written += len(paragraph.split())
            if written >= wanted and not paragraph.startswith("#"):
                return "\n\n".join(paragraphs)


def _restated(prompt: str, messages: Sequence[Message]) -> str:
    """The prompt as a quotation, and what else the server was sent, for those who want to see what a request holds."""
    spoken = sum(message.role in {"user", "assistant"} for message in messages)
    sent = "1 message" if spoken == 1 else f"{spoken} messages"
    system = next((message.text.strip() for message in messages if message.role in {"system", "developer"}), "")
    parts = ["You asked:", _quoted(prompt), f"The request carried {sent} of the conversation."]
    if system:
        parts += ["Its system prompt:", _quoted(system)]
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    if len(text) > QUOTE_LENGTH:
        text = text[:QUOTE_LENGTH].rstrip() + " …"
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
