"""Gates: what decides, before a request is sent, whether it may be. What they need to ask takes as long as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Gate", "Gates"]


class Gate(Protocol):
    """Lets a request pass, or ends its answer before it is sent; a request that is tried again has passed."""

    async def admit(self, request: StreamRequest, so_far: StreamResult) -> StreamResult | None:
        """How the answer ends, if the request must not be sent.

        Args:
            request: What is to be sent.
            so_far: The answer so far: what earlier requests for it have given.
        """
        ...


class Gates:
    """Several, one after the other, until one of them ends the answer.

    Args:
        gates: Them.
    """

    def __init__(self, *gates: Gate) -> None:
        self._gates = gates

    async def admit(self, request: StreamRequest, so_far: StreamResult) -> StreamResult | None:
        """How the answer ends by the first gate that does not let the request pass."""
        for gate in self._gates:
            if (ended := await gate.admit(request, so_far)) is not None:
                return ended
        return None
