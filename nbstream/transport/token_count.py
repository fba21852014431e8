"""Has a server count the tokens of a prompt, without asking a model.

Source: the OpenAI API reference, "Responses: get input token counts" (`POST /responses/input_tokens`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jiter

from nbstream.errors import NotAStreamError, NotFoundError, RequestRejectedError
from nbstream.text.plain import encodable_json
from nbstream.transport import own_client, responses
from nbstream.transport.bounded_body import read_body
from nbstream.transport.translate import translated

if TYPE_CHECKING:
    import openai

    from nbstream.request import StreamRequest
    from nbstream.settings.capabilities import Capabilities

__all__ = ["UNREAD", "token_count"]

_PATH = "/responses/input_tokens"
_LARGEST = 64 * 1024
UNREAD: Any = {"max_retries": 0, "headers": {"X-Stainless-Raw-Response": "stream"}}
"""Options of a request whose response is to be left unread: what the SDK's `with_streaming_response` sends."""
# The fields that count; it refuses the others.
_FIELDS = {
    *("conversation", "input", "instructions", "model", "parallel_tool_calls", "personality", "previous_response_id"),
    *("reasoning", "text", "tool_choice", "tools", "truncation"),
}


async def token_count(client: openai.AsyncOpenAI, request: StreamRequest, capabilities: Capabilities) -> int:
    """The tokens of a prompt, as the server counts them.

    Args:
        client: Asks it.
        request: What would be sent.
        capabilities: What the endpoint takes.

    Raises:
        StreamError: It does not answer, does not accept the key, or does not count.
    """
    name = request.endpoint.name
    body = responses.request_body(request, capabilities)
    wanted = encodable_json({field: value for field, value in body.items() if field in _FIELDS})
    try:
        with translated(request), own_client.asking():
            response: Any = await client.post(_PATH, cast_to=object, body=wanted, options=UNREAD)
        try:
            counted = jiter.from_json(await read_body(response.http_response, _LARGEST))
        except Exception:  # noqa: BLE001  it broke off, or is no JSON: each HTTP library has errors of its own
            counted = None
        finally:
            await response.close()
    except (NotFoundError, RequestRejectedError) as error:
        raise type(error)(f"{name} does not count tokens ({error.status}).", status=error.status) from None
    count = counted.get("input_tokens") if isinstance(counted, dict) else None
    if type(count) is not int or count < 0:
        raise NotAStreamError(f"{name} did not say how many tokens there are.")
    return count
