"""What happens to a prompt before it is sent: the question about secrets in it, and its moderation."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.errors import SecretsError
from nbstream.moderation.prompts import new_words_of, prompt_of
from nbstream.moderation.refusal import not_checked
from nbstream.moderation.secrets import secrets_in, told
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamState
from nbstream.tools.approval import Approved, Question

if TYPE_CHECKING:
    from nbstream.errors import StreamError
    from nbstream.moderation.moderates import Moderates
    from nbstream.moderation.secrets import Found
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.tools.asking import Asking

__all__ = ["ModerationGate", "SecretsGate", "moderated_after", "secrets_of"]


def moderated_after(request: StreamRequest, begun: str) -> StreamRequest:
    """The request with moderation of its own: it may be asked several times, and continue an answer.

    Args:
        request: What is asked.
        begun: The text of the answer that is there already.
    """
    before = request.moderation
    if before is None:
        return request
    made = before.after(begun)
    return replace(request, moderation=made, stages=tuple(made if each is before else each for each in request.stages))


def secrets_of(request: StreamRequest) -> list[Found]:
    """What looks like a secret in the new words of a request, unless it may be sent.

    Args:
        request: What is asked.
    """
    return [] if request.allow_secrets else secrets_in(new_words_of(request))


class SecretsGate:
    """Asks, before the first request of an answer, whether what looks like a secret may be sent.

    Args:
        found: What does.
        asking: Whom to ask.
    """

    def __init__(self, found: list[Found], asking: Asking) -> None:
        self._found: list[Found] | None = found
        self._asking = asking

    async def admit(self, request: StreamRequest, so_far: StreamResult) -> StreamResult | None:
        """Ask once; see `nbstream.streaming.gates.Gate`."""
        found, self._found = self._found, None
        if found is None:
            return None
        what = told(found)
        question = Question(
            f"secrets_{secrets.token_hex(8)}",
            request.model,
            {},
            f"The prompt seems to hold {what}. It would be sent to {request.endpoint.name}.",
            kind="secret",
        )
        decision = await self._asking.ask(question)
        if isinstance(decision, Approved):
            return None
        if decision is not None:
            return replace(so_far, state=StreamState.CANCELLED)
        error = SecretsError(
            f"The prompt seems to hold {what}, and nobody can be asked here whether to send it. Nothing was sent.",
            remedies=[Remedy(RemedyKind.ALLOW_SECRETS)],
        )
        return _failed(request, so_far, error)


class ModerationGate:
    """Has the prompt of each request of an answer checked.

    Args:
        moderation: What checks it.
    """

    def __init__(self, moderation: Moderates) -> None:
        self._moderation = moderation

    async def admit(self, request: StreamRequest, so_far: StreamResult) -> StreamResult | None:
        """Check it; see `nbstream.streaming.gates.Gate`."""
        verdict = await self._moderation.check_prompt(prompt_of(request))
        if not self._moderation.refuses(verdict):
            return None
        refused = replace(so_far, moderation=tuple(dict.fromkeys((*so_far.moderation, verdict))))
        if verdict.outcome == "unchecked":
            return _failed(request, refused, not_checked(verdict))
        return replace(refused, state=StreamState.COMPLETED, finish_reason="content_filter")


def _failed(request: StreamRequest, so_far: StreamResult, error: StreamError) -> StreamResult:
    error.place = request.place
    error.result = failed = replace(so_far, state=StreamState.FAILED, error=error)
    return failed
