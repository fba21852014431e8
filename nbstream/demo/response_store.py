"""The responses that the server remembers, a bounded number of them. Knows neither HTTP nor wire shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbstream.demo.errors import unknown_response

if TYPE_CHECKING:
    from nbstream.demo.generation import Generation
    from nbstream.demo.responses import Response

RESPONSES_KEPT = 32


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response, and its generation if that runs in the background."""

    response: Response
    generation: Generation | None = None

    def cancel(self) -> None:
        """Stop generating, and mark the response as cancelled."""
        if self.generation is not None and not self.response.ended:
            self.generation.cancel()
            self.response.cancel()


class ResponseStore:
    """Responses by their id. The oldest goes when there are too many, one that has ended first."""

    def __init__(self) -> None:
        self._stored: dict[str, StoredResponse] = {}

    def keep(self, response: Response, generation: Generation | None = None) -> None:
        """Remember a response."""
        self._stored[response.id] = StoredResponse(response, generation)
        if len(self._stored) > RESPONSES_KEPT:
            ended = (stored.response.id for stored in self._stored.values() if stored.response.ended)
            self.drop(next(ended, next(iter(self._stored))))

    def get(self, response_id: str) -> StoredResponse:
        """The response with this id.

        Raises:
            ApiError: There is none.
        """
        if (stored := self._stored.get(response_id)) is None:
            raise unknown_response(response_id)
        return stored

    def drop(self, response_id: str) -> None:
        """Forget a response; if it is still being generated, generation ends."""
        if (stored := self._stored.pop(response_id, None)) is not None:
            stored.cancel()

    def close(self) -> None:
        """Forget every response."""
        for response_id in list(self._stored):
            self.drop(response_id)
