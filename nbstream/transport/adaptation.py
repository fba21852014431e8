"""What to do after an endpoint refuses a request: ask in another way, or remember that it is impossible. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.transport.answer_format import response_text
from nbstream.transport.answer_images import has_answer_images
from nbstream.transport.chat_request import chosen_fields
from nbstream.transport.error_report import read_error
from nbstream.transport.refusals import instead_of, mentioned, refused, refuses_images, refuses_prefill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import StreamRequest
    from nbstream.settings.capabilities import Capabilities

__all__ = ["Adaptation", "adaptation"]

# What the user may ask for and an endpoint may lack.
_FEATURES = ("response_format", "text.format", "background")


# What nbstream can do without. An answer is checked against its schema in any case.
_DISPENSABLE = {"stream_options", "response_format", "text.format"}


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
    chosen = _chosen(request, capabilities)
    # Leaving out what nobody asked for costs nothing; a limit gets its other name only if this one is refused.
    own = mentioned(error, chosen.keys() & _DISPENSABLE) or refused(error, chosen)
    if own is not None:
        again = capabilities.without(own, instead_of(error, own))
        if again is not None and {again.limit_field, again.response_limit_field} & request.params.keys():
            again = None  # the user gave this limit too; one of them would be dropped
        return Adaptation(again, capabilities)
    messages = read_error(error).messages
    if capabilities.answer_images and has_answer_images(request.messages) and any(map(refuses_images, messages)):
        return Adaptation(replace(capabilities, answer_images=False), capabilities)
    asked = [field for field in _FEATURES if field.partition(".")[0] in request.params]
    lacking = refused(error, asked)
    if request.partial_answer and any(map(refuses_prefill, messages)):
        lacking = "prefill"
    return Adaptation(None, capabilities if lacking is None else capabilities.lacking(lacking))


def _chosen(request: StreamRequest, capabilities: Capabilities) -> dict[str, Any]:
    """The fields that are there, or have their name, by nbstream's own choice."""
    if request.api == "chat":
        return chosen_fields(request, capabilities)
    name = capabilities.response_limit_field
    chosen: dict[str, Any] = {} if request.max_tokens is None else {name: request.max_tokens}
    if request.schema is not None and (text := response_text(request.schema, capabilities)):
        # Some servers pass on what another one says, which they ask by Chat Completions.
        chosen |= {"text": text, "text.format": text, "response_format": text}
    return {field: value for field, value in chosen.items() if field.partition(".")[0] not in request.params}
