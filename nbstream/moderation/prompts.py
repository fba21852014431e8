"""The words of a request that are not the model's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbstream.request import StreamRequest

__all__ = ["new_words_of", "prompt_of"]

_CALLS = {"function_call", "custom_tool_call", "reasoning", "message"}
_FIELDS = ("instructions", "input", "messages", "prompt")


def prompt_of(request: StreamRequest) -> str:
    """All that is sent besides what the model has said: the system prompt, questions, what tools have returned.

    Args:
        request: What is asked.
    """
    return "\n\n".join(_texts(request, request.messages))


def new_words_of(request: StreamRequest) -> str:
    """What is new in it: what follows the model's last words, and at the beginning of a conversation the system prompt.

    Args:
        request: What is asked.
    """
    last = max((at for at, message in enumerate(request.messages) if _is_models(message)), default=-1)
    system = [request.system] if last < 0 and request.system else []
    return "\n\n".join([*system, *_said_in(request.messages[last + 1 :]), *_in_fields(request)])


def _texts(request: StreamRequest, messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if request.system:
        yield request.system
    yield from _said_in(messages)
    yield from _in_fields(request)


def _said_in(messages: Sequence[Any]) -> Iterator[str]:
    for message in messages:
        if isinstance(message, str):
            yield message
        elif isinstance(message, dict) and not _is_models(message):
            for name in ("content", "output", "text"):
                yield from _content(message.get(name))


def _in_fields(request: StreamRequest) -> Iterator[str]:
    """What is given as a field of the request, in place of nbstream's own."""
    for name in _FIELDS:
        value = request.params.get(name)
        yield from _said_in(value if isinstance(value, list) else [value])


def _content(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        if content:
            yield content
    elif isinstance(content, list):
        for part in content:
            yield from _content(part.get("text") if isinstance(part, dict) else part)


def _is_models(message: Any) -> bool:
    if not isinstance(message, dict):
        return False
    role = message.get("role")
    return role == "assistant" or (role is None and message.get("type") in _CALLS)
