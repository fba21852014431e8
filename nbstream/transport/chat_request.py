"""The body of a Chat Completions request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.transport.answer_format import answer_format, system_of
from nbstream.transport.answer_images import with_images_moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nbstream.request import StreamRequest
    from nbstream.settings.capabilities import Capabilities

__all__ = ["chosen_fields", "request_body"]


def request_body(request: StreamRequest, capabilities: Capabilities) -> dict[str, Any]:
    """The body that the SDK is to send, without `stream`.

    Args:
        request: What the user asked for.
        capabilities: What the endpoint takes.
    """
    system = system_of(request, capabilities)
    said = _sendable(with_images_moved(request.messages, taken=capabilities.answer_images))
    messages = [*([{"role": "system", "content": system}] if system else []), *said]
    if request.partial_answer:
        messages.append({"role": "assistant", "content": request.partial_answer})
    body: dict[str, Any] = {"model": request.model, "messages": messages}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    return body | chosen_fields(request, capabilities) | dict(request.params)


def chosen_fields(request: StreamRequest, capabilities: Capabilities) -> dict[str, Any]:
    """The fields that are there, or have their name, by nbstream's own choice, so that it may choose otherwise.

    What the user gives by name is sent as it is.

    Args:
        request: What the user asked for.
        capabilities: What the endpoint takes.
    """
    chosen: dict[str, Any] = {}
    if request.max_tokens is not None:
        chosen[capabilities.limit_field] = request.max_tokens
    if capabilities.stream_options and request.stream:
        chosen["stream_options"] = {"include_usage": True}
    if request.schema is not None and (format_ := answer_format(request.schema, capabilities)):
        chosen["response_format"] = format_
    return {name: value for name, value in chosen.items() if name not in request.params}


def _sendable(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The messages in a form that this API takes: a tool's result is text, so its images follow as the user's."""
    images: list[Any] = []
    for message in messages:
        content = message.get("content")
        if images and message.get("role") != "tool":  # nothing may stand between the results of one round
            yield {"role": "user", "content": images}
            images = []
        if message.get("role") == "tool" and isinstance(content, list) and any(map(_is_image, content)):
            name = message.get("tool_call_id")
            images += [{"type": "text", "text": f"What the call {name} returned:"}, *filter(_is_image, content)]
            words = "\n".join(str(part.get("text") or "") for part in content if not _is_image(part))
            yield {**message, "content": f"{words}\nThe next message of the user's shows it."}
        else:
            yield message
    if images:
        yield {"role": "user", "content": images}


def _is_image(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"
