"""Which adapter translates the stream of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.responses import ResponsesAdapter

if TYPE_CHECKING:
    from nbstream.transport.wire import Adapter

__all__ = ["adapter_for"]


def adapter_for(api: str) -> Adapter:
    """A new adapter for one answer; each of them understands a server that answers in the words of the other API.

    Args:
        api: The API that is called, `"chat"` or `"responses"`.
    """
    return ChatCompletionsAdapter(ResponsesAdapter) if api == "chat" else ResponsesAdapter()
