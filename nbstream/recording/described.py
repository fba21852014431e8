"""What identifies a request, whoever sends it and whenever: the key of its recording. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import portable_json, truncated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbstream.request import StreamRequest

__all__ = ["described", "differences", "key_of", "question_of", "words_of"]

_KEY_LENGTH = 16
_DATA_URL = re.compile(r"data:([\w.+/-]+);base64,", re.ASCII)
_SHOWN = 60


def described(request: StreamRequest) -> dict[str, Any]:
    """What is asked, as JSON: neither where it is sent, nor with which key, nor how long it may take.

    Two requests with the same description want the same answer. Images and files are named by a hash of their bytes,
    so that a recording does not hold them.

    Args:
        request: What to describe.
    """
    asked: dict[str, Any] = {
        "api": request.api,
        "model": request.model,
        "system": request.system,
        "messages": list(request.messages),
        "partial_answer": request.partial_answer,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "parameters": dict(request.params),
        "schema": None if request.schema is None else request.schema.schema,
        "stream": None if request.stream else False,
        "epoch": None if request.epoch == 1 else request.epoch,
    }
    if request.position is not None:
        asked["resumed_after"] = [request.position.response_id, request.position.sequence_number]
    known = {name: value for name, value in asked.items() if value not in (None, "", {})}
    return {name: _without_bytes(value) for name, value in portable_json(_as_json(known)).items()}


def key_of(description: Mapping[str, Any]) -> str:
    """The key of a request: 16 hexadecimal digits that no other description has.

    Args:
        description: What `described` has returned, in any order.

    Example:
        >>> key_of({"api": "chat", "model": "m"}) == key_of({"model": "m", "api": "chat"})
        True
    """
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_KEY_LENGTH]


def words_of(description: Mapping[str, Any]) -> str:
    """The first words of the last question, for the name of a file; `"request"` if it has none.

    Args:
        description: What `described` has returned.

    Example:
        >>> words_of({"messages": [{"role": "user", "content": "What is an SSE? Be brief."}]})
        'what-is-an-sse-be'
    """
    words = re.findall(r"\w+", question_of(description).lower())[:5]
    return "-".join(words)[:40].strip("-") or "request"


def question_of(description: Mapping[str, Any]) -> str:
    """The text of the last question; empty if it has none.

    Args:
        description: What `described` has returned, or somebody has written.

    Example:
        >>> question_of({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]})
        'Hi'
    """
    messages = description.get("messages")
    said = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    questions = [_text(each) for each in said if each.get("role") == "user"]
    return questions[-1] if questions else ""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions, each difference in a few words, the most telling first.

    Args:
        before: That of a recording.
        after: That of a request.

    Example:
        >>> differences({"model": "a", "temperature": 0}, {"model": "b", "temperature": 0})
        ['model: "a", now "b"']
    """
    return [f"{where}: {_shown(value)}, now {_shown(other)}" for where, value, other in _differing("", before, after)]


def _as_json(value: Any) -> Any:
    """The value with what is no JSON, such as the SDK's objects, in its JSON form."""
    if isinstance(value, dict):
        return {str(name): _as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1 and 1.0 ask the same
    dump = getattr(value, "model_dump", None)
    return value if dump is None else dump(mode="json", exclude_unset=True)


def _without_bytes(value: Any) -> Any:
    """The value with a hash in place of each file in it."""
    if isinstance(value, dict):
        return {name: _without_bytes(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_bytes(each) for each in value]
    if isinstance(value, str) and (data := _DATA_URL.match(value)):
        return f"data:{data[1]};sha256,{hashlib.sha256(value[data.end() :].encode()).hexdigest()}"
    return value


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(each["text"] for each in parts if isinstance(each, dict) and isinstance(each.get("text"), str))


def _differing(where: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _differing(f"{where}.{name}" if where else name, before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            pair = [each[number] if number < len(each) else None for each in (before, after)]
            yield from _differing(f"{where}[{number}]", *pair)
    elif before != after:
        yield where, before, after


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    written = json.dumps(value, ensure_ascii=False)
    return truncated(written, _SHOWN)
