"""Asks, once an answer is whole, whether its code may be put into a new cell; on the answer's own card, like a call."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING

from nbstream.result import StreamState
from nbstream.text.code import code_blocks
from nbstream.tools.approval import Approved, Question
from nbstream.tools.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.errands import Errands
    from nbstream.tools.asking import Readers

__all__ = ["Insertion", "insertion_here"]


class Insertion:
    """Whether the code of one answer may be put into a new cell.

    Attributes:
        allowed: What the reader has said; `None` if nobody could be asked.
    """

    def __init__(self) -> None:
        self.allowed: bool | None = None
        self._asking: Asking | None = None

    @contextlib.contextmanager
    def asked(self) -> Iterator[None]:
        """Ask about the answer that is begun within."""
        before = _here.set(self)
        try:
            yield
        finally:
            _here.reset(before)

    def through(self, readers: Readers, errands: Errands) -> None:
        """Ask these readers."""
        self._asking = Asking(readers, errands)

    @property
    def has_readers(self) -> bool:
        """Whether it is known whom to ask, because the answer has begun."""
        return self._asking is not None

    async def next(
        self, request: StreamRequest, result: StreamResult, _: Callable[[StreamResult], object]
    ) -> StreamRequest | StreamResult:
        """Ask, which does not change the answer; see `nbstream.streaming.rounds.FollowUp`."""
        whole = result.state is StreamState.COMPLETED and result.finish_reason != "tool_calls"
        if not whole or not (request.as_ == "code" or code_blocks(result.text)):
            return result
        about = {"code": result.code, "model": result.model or request.model}
        question = Question(f"insert_{secrets.token_hex(8)}", "insert", about, kind="insert")
        assert self._asking is not None
        try:
            decision = await self._asking.ask(question)
        except asyncio.CancelledError:  # the answer is whole all the same
            self.allowed = False
        else:
            self.allowed = None if decision is None else isinstance(decision, Approved)
        return result


_here: ContextVar[Insertion | None] = ContextVar("nbstream_insertion", default=None)


def insertion_here() -> Insertion | None:
    """What is to be asked about the answer that begins now; of an answer that its tools ask for, nothing."""
    insertion = _here.get()
    return None if insertion is None or insertion.has_readers else insertion
