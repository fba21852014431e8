"""The body of a request, for either API: JSON that can be sent, without `stream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.text.plain import encodable_json
from nbstream.transport import chat_request, responses

if TYPE_CHECKING:
    from nbstream.request import StreamRequest
    from nbstream.settings.capabilities import Capabilities

__all__ = ["request_body"]


def request_body(request: StreamRequest, capabilities: Capabilities) -> dict[str, Any]:
    """What is sent for a request, as JSON.

    Args:
        request: What the user asked for.
        capabilities: What the endpoint takes.
    """
    body = (chat_request if request.api == "chat" else responses).request_body(request, capabilities)
    body |= {name: _without_models(body[name]) for name in ("messages", "input") if name in body}
    sent: dict[str, Any] = encodable_json(body)  # half a character anywhere would keep the whole from being sent
    return sent


def _without_models(value: Any) -> Any:
    """The value with the SDK's own objects, such as the calls of an earlier answer, as JSON; old SDKs need that."""
    if isinstance(value, dict):
        return {name: _without_models(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_models(each) for each in value]
    dump = None if isinstance(value, str) else getattr(value, "model_dump", None)
    return value if dump is None else dump(mode="json", exclude_unset=True)
