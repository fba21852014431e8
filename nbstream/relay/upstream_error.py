"""Errors of the provider, as the relay tells them: in one form, and without anything that is the operator's. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.relay.refused import Refused
from nbstream.transport.error_document import error_document
from nbstream.transport.error_kind import failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import Endpoint

__all__ = ["normalised"]

_LONGEST = 500
_ORGANIZATION = re.compile(r"\b(?:org-|proj_)[A-Za-z0-9]{6,}")  # as OpenAI names the operator's


def normalised(status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint) -> Refused:
    """What the client is told of an error of the provider.

    A refused key and a used-up credit are the operator's business, and not of the client's own key or plan.

    Args:
        status: The provider's status.
        headers: Those of its headers that are passed on.
        body: The beginning of its body, in whatever form.
        endpoint: The provider, with the key, which is taken out of its words.

    Example:
        >>> from nbstream.request import Endpoint
        >>> normalised(401, {}, b"{}", Endpoint("https://api.openai.com/v1")).code
        'relay_no_key'
    """
    document = error_document(body)
    reported = failed(document.error, status)
    if reported.kind == "authentication":
        what = "The provider does not accept the key of this relay."
        return Refused(503, what, "relay_no_key", retry=False)
    if reported.kind == "quota":
        what = "The credit of this relay at the provider is used up."
        return Refused(429, what, "relay_credit", kind="insufficient_quota", retry=False)
    words = "" if document.page is not None or reported.message == "no message" else endpoint.redact(reported.message)
    words = _ORGANIZATION.sub("<organization>", words)
    message = words[:_LONGEST] or f"The provider answered {status}."
    code = endpoint.redact(reported.code or "")[:80] or f"provider_{status}"
    param = document.error.get("param")
    told = status if status >= 400 else 502  # a redirection is not for the client
    shown = endpoint.redact(param)[:80] if isinstance(param, str) else None
    return Refused(told, message, code, param=shown, headers=headers)
