"""How many tokens a text has at least, whoever counts them. Pure.

No tokenizer in use joins words: the text is cut at its spaces before pieces of it become tokens. So each run of other
characters is at least one token. No token has more than 128 characters, so that a long run, as of Chinese, is several.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.parts import ReasoningPart, RefusalPart, TextPart, ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.parts import Part

__all__ = ["asked_at_least", "parts_at_least", "tokens_at_least"]

_TOKENS = re.compile(r"\S{1,128}")


def tokens_at_least(text: str) -> int:
    """A lower bound of the tokens of a text.

    Example:
        >>> tokens_at_least("Twelve  words?"), tokens_at_least(""), tokens_at_least("字" * 129)
        (2, 0, 2)
    """
    return sum(1 for _ in _TOKENS.finditer(text))  # one by one: their list would take several times the text


def parts_at_least(parts: Iterable[Part], *, reasoning: bool = True) -> int:
    """A lower bound of the tokens of what a model has written.

    Args:
        parts: Those of an answer; only its words count.
        reasoning: Whether its reasoning is in its own words; the Responses API shows a summary.

    Example:
        >>> parts_at_least([TextPart("It is"), ToolCallPart("c", "add", '{"a": 1}')])
        4
    """
    return sum(tokens_at_least(_words(part)) for part in parts if reasoning or not isinstance(part, ReasoningPart))


def asked_at_least(system: str | None, messages: Iterable[Mapping[str, Any]]) -> int:
    """A lower bound of the tokens of a prompt.

    Args:
        system: The system prompt.
        messages: The messages after it.

    Example:
        >>> asked_at_least("Be terse.", [{"role": "user", "content": [{"type": "text", "text": "What is an SSE?"}]}])
        6
    """
    return tokens_at_least(system or "") + sum(tokens_at_least(each) for each in _texts([*messages]))


def _words(part: Part) -> str:
    match part:
        case TextPart() | ReasoningPart() | RefusalPart():
            return part.text
        case ToolCallPart():
            return part.arguments
        case _:
            return ""


def _texts(messages: Iterable[Any]) -> Iterable[str]:
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and isinstance(text := part.get("text"), str):
                yield text
