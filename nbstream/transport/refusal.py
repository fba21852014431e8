"""What an error status means for the request that got it: its kind, what to say about it, what can be done. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.remedies import Remedy, RemedyKind
from nbstream.request import StreamRequest
from nbstream.settings.capabilities import capabilities_of
from nbstream.text.address import with_version
from nbstream.transport.error_kind import names_model, names_previous_response
from nbstream.transport.refusals import refuses_prefill

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.events import Failed
    from nbstream.request import Endpoint, Target

__all__ = ["Refusal", "address_remedy"]

# What a server of pages says to a request that only an API takes.
_WRONG_METHOD = 405

_REMEDIES: Mapping[str, tuple[RemedyKind, ...]] = {
    "quota": (RemedyKind.CHECK_BILLING,),
    "rate_limit": (RemedyKind.WAIT,),
    "context_length": (RemedyKind.SHORTEN_PROMPT, RemedyKind.LOWER_TOKEN_LIMIT, RemedyKind.LONGER_CONTEXT),
    "server": (RemedyKind.RETRY_LATER,),
    "rejected": (RemedyKind.CHANGE_REQUEST,),
}


def address_remedy(endpoint: Endpoint) -> Remedy:
    """What to do if an endpoint has no such path: most have theirs below `/v1`, which people forget."""
    address = with_version(endpoint.base_url)
    return Remedy(RemedyKind.CHECK_ADDRESS) if address is None else Remedy(RemedyKind.USE_ADDRESS, address)


class Refusal:
    """An error status, read together with the request.

    Args:
        target: What was asked, and where.
        reported: What the server reported.
        page: The title of the page that came in place of a report, if one did.
        status: The HTTP status.

    Attributes:
        kind: The kind of the `StreamError`.
    """

    def __init__(self, target: Target, reported: Failed, page: str | None = None, status: int | None = None) -> None:
        self._target = target
        self._reported = reported
        self._page = page
        self._request = target if isinstance(target, StreamRequest) else None
        # No API answers with pages, so this one is of something in between, which does not know the key.
        self._from_between = page is not None and reported.kind == "authentication"
        self.kind = reported.kind
        self._nothing_there = self.kind == "not_found" or (status == _WRONG_METHOD and self._may_lack_version)

    def remedies(self, *, retryable: bool) -> tuple[Remedy, ...]:
        """What can be done.

        Args:
            retryable: Whether the same request may succeed a little later.
        """
        reported, wait = self._reported, self._reported.retry_after
        if self._lost_response:
            return (Remedy(RemedyKind.SEND_HISTORY),)
        if reported.remedies:
            return reported.remedies
        if self.kind == "rate_limit" and wait:
            return (Remedy(RemedyKind.WAIT, wait),)
        if self._from_between:
            return (Remedy(RemedyKind.CHECK_PROXY), Remedy(RemedyKind.CHECK_ADDRESS))
        if self._prefill_refused:
            return (Remedy(RemedyKind.ASK_ANEW),)
        if self._nothing_there:
            return self._where_to_look()
        if self.kind == "rejected" and retryable:
            return (Remedy(RemedyKind.RETRY_LATER),)
        if self.kind == "authentication":
            return (Remedy(RemedyKind.SET_ENDPOINT_KEY if self._sends_no_key else RemedyKind.CHECK_KEY),)
        return tuple(map(Remedy, _REMEDIES[self.kind]))

    def explanation(self, clean: Callable[[str], str]) -> str:
        """What it means, where its words do not say so; a sentence with a space before it, or nothing.

        Args:
            clean: Makes a server's words fit to be shown.
        """
        if self._lost_response:
            return " The server no longer keeps what was said before."
        if self._from_between:
            title = " ".join(clean(self._page or "").split())[:80].rstrip(".")
            return f" It sent an HTML page{f' ({title})' if title else ''}, as a proxy does, not an API response."
        if self._prefill_refused:
            return " The model cannot continue the beginning of an answer."
        if self.kind == "server":
            return " The server has a problem."
        if self.kind == "authentication" and self._sends_no_key:
            return " No key was sent."
        if not self._nothing_there:
            return ""
        if self._is_resumed:
            return " A background response can be resumed for only a few minutes."
        if names_model(self._reported):
            return ""
        if self._may_lack_version:
            return " The base URL has no /v1."
        return " It may have no /responses." if self._may_lack_responses else ""

    def _where_to_look(self) -> tuple[Remedy, ...]:
        if self._is_resumed:
            return ()
        model = Remedy(RemedyKind.CHECK_MODEL, self._target.model)
        if names_model(self._reported):
            return (model,)
        if self._may_lack_version:
            return (address_remedy(self._target.endpoint), model)
        if self._may_lack_responses:
            return (Remedy(RemedyKind.USE_API, "chat"),)
        return (model, Remedy(RemedyKind.CHECK_ADDRESS))

    @property
    def _sends_no_key(self) -> bool:
        return not self._target.endpoint.sends_key and self._target.client is None

    @property
    def _is_resumed(self) -> bool:
        return self._request is not None and self._request.position is not None

    @property
    def _lost_response(self) -> bool:
        """Whether the server no longer has the response that the request goes on from."""
        reported, request = self._reported, self._request
        if reported.code == "previous_response_not_found":
            return True
        earlier = None if request is None else request.params.get("previous_response_id")
        if not isinstance(earlier, str) or self.kind not in {"not_found", "rejected"}:
            return False
        return earlier in reported.message or names_previous_response(reported)

    @property
    def _may_lack_version(self) -> bool:
        return self._target.client is None and with_version(self._target.endpoint.base_url) is not None

    @property
    def _may_lack_responses(self) -> bool:
        if self._target.api != "responses":
            return False
        return capabilities_of(self._target.endpoint.base_url).default_api != "responses"

    @property
    def _prefill_refused(self) -> bool:
        request = self._request
        if request is None or not request.partial_answer or self.kind not in {"rejected", "server"}:
            return False
        return refuses_prefill(self._reported.message)
