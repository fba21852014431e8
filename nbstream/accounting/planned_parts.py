"""What a request consists of, part by part, and the same request without each of them. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbstream.accounting.lower_bound import asked_at_least, tokens_at_least
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbstream.request import StreamRequest

__all__ = ["PlannedPart", "parts_of"]

_TEXTS = {"text", "input_text", "output_text"}
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One part of what would be sent.

    Attributes:
        kind: `"system"`, `"tool"`, `"schema"`, `"context"` (what was said before), `"image"`, `"file"`, `"question"`.
        told: What it is, in a few words: the beginning of a text, the name of a tool, the type and size of a file.
        characters: How long its text is; `None` if it is something else.
        tokens: How many tokens it has, if the provider has counted them.
        at_least: How many it has at least, where that can be counted.
        without: The request without it, which is counted too; `None` for the question, which is the rest.
    """

    kind: str
    told: str
    characters: int | None = None
    tokens: int | None = None
    at_least: int | None = None
    without: StreamRequest | None = field(default=None, repr=False, compare=False)


def parts_of(request: StreamRequest) -> tuple[PlannedPart, ...]:
    """The parts of a request, in the order in which a model reads them; the question comes last.

    Args:
        request: What would be sent.
    """
    return tuple(_parts(request))


def _parts(request: StreamRequest) -> Iterator[PlannedPart]:
    if request.system:
        yield _text("system", request.system, replace(request, system=None))
    yield from _tools(request)
    if request.schema is not None:
        told = f"{request.schema.name}, {len(json.dumps(request.schema.schema)):,} characters of JSON"
        yield PlannedPart("schema", told, without=replace(request, schema=None))
    if kept := {"previous_response_id", "conversation"} & set(request.params):
        params = {name: value for name, value in request.params.items() if name not in kept}
        told = "what the server keeps of the conversation"
        yield PlannedPart("context", told, without=replace(request, params=params))
    *earlier, question = request.messages
    if earlier:
        yield PlannedPart(
            "context",
            _counted(len(earlier), "earlier message"),
            _characters(earlier),
            at_least=asked_at_least(None, earlier),
            without=replace(request, messages=(question,)),
        )
    yield from _asked(request, question)


def _tools(request: StreamRequest) -> Iterator[PlannedPart]:
    told = request.params.get("tools")
    tools = [each for each in told if isinstance(each, dict)] if isinstance(told, list | tuple) else []
    for place, tool in enumerate(tools):
        function = tool.get("function")
        about: Mapping[str, Any] = function if isinstance(function, dict) else tool
        name = str(about.get("name") or about.get("server_label") or tool.get("type"))
        words = f"{name} {about.get('description') or ''}"
        left = [each for other, each in enumerate(tools) if other != place]
        dropped = {"tools"} if left else {"tools", "tool_choice"}
        params = {key: value for key, value in request.params.items() if key not in dropped}
        without = replace(request, params={**params, "tools": left} if left else params)
        yield PlannedPart("tool", one_line(words, _SHOWN), at_least=tokens_at_least(words), without=without)


def _asked(request: StreamRequest, question: Mapping[str, Any]) -> Iterator[PlannedPart]:
    """What goes with the question, and the question."""
    content = question.get("content")
    if not isinstance(content, list | tuple):
        yield _text("question", content if isinstance(content, str) else json.dumps(question, default=str), None)
        return
    for place, part in enumerate(content):
        if isinstance(part, dict) and part.get("type") not in _TEXTS:
            left = [each for other, each in enumerate(content) if other != place]
            messages = (*request.messages[:-1], {**question, "content": left})
            without = replace(request, messages=messages) if left else None
            yield PlannedPart(*_attached(part), without=without)
    words = "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict) and _is_text(part))
    if words:
        yield _text("question", words, None)


def _text(kind: str, text: str, without: StreamRequest | None) -> PlannedPart:
    return PlannedPart(kind, one_line(text, _SHOWN), len(text), at_least=tokens_at_least(text), without=without)


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type") in _TEXTS


def _attached(part: Mapping[str, Any]) -> tuple[str, str]:
    """Whether it is an image or a file, and what it is in a few words."""
    kind = str(part.get("type"))
    inner = part.get(kind)
    facts: Mapping[str, Any] = inner if isinstance(inner, dict) else part
    source = inner if isinstance(inner, str) else ""
    for name in ("url", "image_url", "file_data", "file_url", "data"):
        source = source or (value if isinstance(value := facts.get(name), str) else "")
    name = str(facts.get("filename") or facts.get("file_id") or "")
    said = ", ".join(filter(None, [name, _source(source)]))
    return ("image" if "image" in kind else "file"), one_line(said or kind, _SHOWN)


def _source(source: str) -> str:
    if source.startswith("data:"):
        head, _, coded = source.removeprefix("data:").partition(",")
        return f"{head.partition(';')[0]}, {_size(len(coded) * 3 // 4)}"
    if source.startswith(("http://", "https://")):
        return f"from {urlsplit(source).hostname}"
    return _size(len(source) * 3 // 4) if source else ""  # base64


def _size(count: int) -> str:
    return f"{count / 1000:,.0f} kB" if count >= 1000 else f"{count} bytes"


def _characters(messages: Sequence[Mapping[str, Any]]) -> int:
    texts = [message.get("content") for message in messages]
    parts = [part.get("text") for text in texts if isinstance(text, list) for part in text if isinstance(part, dict)]
    return sum(len(text) for text in [*texts, *parts] if isinstance(text, str))


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
