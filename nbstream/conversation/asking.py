"""What a chat sends for a new question: the turns before it, or what stands for them on the server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.conversation.budget import context_of
from nbstream.conversation.history import known_to_server, outgoing
from nbstream.conversation.messages import messages_to_send
from nbstream.errors import UsageError
from nbstream.request import messages_from
from nbstream.settings.resolution import resolve

if TYPE_CHECKING:
    from nbstream.conversation.history import Limits
    from nbstream.conversation.turn import Turn
    from nbstream.request import StreamRequest

__all__ = ["request_after"]


def request_after(path: list[Turn], limits: Limits, history: str, options: dict[str, Any]) -> tuple[StreamRequest, str]:
    """The request for what follows `path`, and what stands for the turns that it sends.

    Args:
        path: The turns before, with the question.
        limits: How many of them are sent.
        history: Who remembers: `"messages"` sends the turns, `"server"` names the last answer.
        options: Of the request, as for `nbs.start`.

    Raises:
        UsageError: An option is wrong, or the server cannot remember.
    """
    sent = outgoing(path, limits).turns
    request = resolve(messages_to_send(sent), **options)
    seed = f"{request.api} {request.endpoint.base_url} {request.params.get('store')}"
    context = context_of(sent, seed)
    if history == "messages":
        return request, context
    if request.api != "responses":
        raise UsageError(
            f'history="server" needs the Responses API, but {request.endpoint.name} uses Chat Completions; '
            'add api="responses", or set chat.history = "messages"'
        )
    if limits.named():
        raise UsageError(
            'max_turns and max_history_tokens need history="messages": the server keeps everything it was sent'
        )
    answer_id, known = known_to_server(sent, seed)
    if answer_id is None or request.params.get("store") is False:
        return request, context
    params = {**request.params, "previous_response_id": answer_id}
    return replace(request, messages=messages_from(messages_to_send(sent[known:])), params=params), context
