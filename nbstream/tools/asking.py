"""Asks the reader: on whatever shows questions, else on the caller's thread."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from nbstream.streaming.errands import ToolInterrupted
from nbstream.tools.approval import Denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.streaming.errands import Errands
    from nbstream.tools.approval import Allowance, Decision, Question

__all__ = ["Asking", "Readers"]


class Readers(Protocol):
    """Those who can be asked whether a call may run."""

    async def ask(self, question: Question) -> bool:
        """Show a question until it is withdrawn; whether anybody sees it."""
        ...

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        ...

    def allowed(self, allowance: Allowance) -> None:
        """Show that calls of a tool run without a question, with a way to take that back."""
        ...

    def prompt(self) -> Callable[[Question], None] | None:
        """What asks on the caller's own thread, if that is how to ask here."""
        ...


class Asking:
    """Asks questions during one answer.

    Args:
        readers: Whom to ask.
        errands: Runs what asks on the caller's thread.
    """

    def __init__(self, readers: Readers, errands: Errands) -> None:
        self._readers = readers
        self._errands = errands

    async def ask(self, question: Question) -> Decision | None:
        """What a reader says; `None` if nobody can be asked here. It is withdrawn when this is cancelled."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Decision] = loop.create_future()

        def tell(decision: Decision) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(_settle, answered, decision)

        question.when_answered(tell)
        try:
            if not await self._readers.ask(question):
                self._readers.withdraw(question)  # a card that comes up late would be answered, and the prompt not
                prompt = self._readers.prompt()
                if prompt is None or not await self._prompted(prompt, question):
                    return None
            return await answered
        finally:
            question.withdraw()
            self._readers.withdraw(question)

    async def _prompted(self, prompt: Callable[[Question], None], question: Question) -> bool:
        """Ask on the caller's thread; whether somebody could be asked."""
        try:
            await self._errands.call(prompt, {"question": question})
        except ToolInterrupted:
            question.answer(Denied("The user interrupted the question."))
        except Exception:  # noqa: BLE001  whatever `input` raises where nobody can type
            return False
        return True


def _settle(answered: asyncio.Future[Decision], decision: Decision) -> None:
    if not answered.done():
        answered.set_result(decision)
