"""What to do after an endpoint refuses a request: ask in another way, or remember that it is impossible. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.transport.chat_request import chosen_fields
from nbstream.transport.refusals import mentioned, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import StreamRequest
    from nbstream.settings.capabilities import Capabilities

__all__ = ["Adaptation", "adaptation"]

# What the user may ask for and an endpoint may lack.
_FEATURES = ("response_format", "text.format", "background")


class Adaptation(NamedTuple):
    """What a refusal leads to.

    Attributes:
        again: With which capabilities to ask again; `None` if there is no other way to ask.
        known: What is known of the endpoint now.
    """

    again: Capabilities | None
    known: Capabilities


def adaptation(request: StreamRequest, capabilities: Capabilities, error: Mapping[str, Any]) -> Adaptation:
    """Say what a refusal leads to.

    A field that nbstream chose is left out or renamed. A field that the user asked for is not, but nbstream remembers
    that the endpoint lacks it.

    Args:
        request: What was asked.
        capabilities: What was assumed at the time.
        error: The error object of the response.
    """
    if request.position is not None:
        return Adaptation(None, capabilities)
    chosen = chosen_fields(request, capabilities) if request.api == "chat" else {}
    # Leaving out what nobody asked for costs nothing; a limit gets its other name only if this one is refused.
    own = mentioned(error, chosen.keys() & {"stream_options"}) or refused(error, chosen)
    if own is not None:
        again = capabilities.without(own)
        if again is not None and own == capabilities.limit_field and again.limit_field in request.params:
            again = None  # the user gave both limits; one of them would be dropped
        return Adaptation(again, capabilities)
    asked = [field for field in _FEATURES if field.partition(".")[0] in request.params]
    asked += ["prefill"] if request.partial_answer else []
    lacking = refused(error, asked)
    return Adaptation(None, capabilities if lacking is None else capabilities.lacking(lacking))
