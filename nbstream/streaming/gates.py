"""Gates: what decides, before a request is sent, whether it may be. What they need to ask takes as long as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Gate", "Gates", "Prepared"]


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


class Prepared:
    """Holds a request back until all that it needs is imported. It lets every request pass.

    Args:
        ready: Waits for that.
    """

    def __init__(self, ready: Callable[[StreamRequest], Awaitable[None]]) -> None:
        self._ready = ready

    async def admit(self, request: StreamRequest, so_far: StreamResult) -> StreamResult | None:  # noqa: ARG002
        """Nothing, once the request can be sent."""
        await self._ready(request)
        return None
