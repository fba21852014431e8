"""Keeps an answer within its budget: nothing is sent when it is spent, and what arrives is ended when it surely is.

While an answer arrives nobody knows what it costs. What is certain is a lower bound: the words that have come, and the
prompt as if all of it came from a cache.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.accounting.entering import at_least
from nbstream.accounting.lower_bound import asked_at_least, tokens_at_least
from nbstream.accounting.word_count import WordCount
from nbstream.errors import BudgetError, TimeBudgetError
from nbstream.events import Finished, Started, UsageReported
from nbstream.outcome import Usage
from nbstream.remedies import Remedy, RemedyKind
from nbstream.streaming.cost import cost_of, read_prices
from nbstream.text.money import shown_cost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from nbstream.accounting.book import Book
    from nbstream.accounting.budget import Budget
    from nbstream.errors import StreamError
    from nbstream.events import Event
    from nbstream.request import Position, StreamRequest
    from nbstream.transport.event_stream import EventStream, StreamSource

__all__ = ["Budgeted"]

# The price of so many tokens tells that of one; it grows evenly with the tokens of the answer.
_MANY = 1_000_000


class Budgeted:
    """A `StreamSource` of one answer, which takes all its requests through it.

    Args:
        source: Sends them.
        budget: What the answer may spend.
        book: Knows what the kernel has spent.
        what: What costs, as the error says it.
    """

    def __init__(self, source: StreamSource, budget: Budget, book: Book, what: str = "The answer") -> None:
        self._source = source
        self.what = what
        self.budget = budget
        self.book = book
        self.spent = 0.0  # by the requests that have ended
        self.open_accounts: dict[int, _Account] = {}  # of those that have not; the rows of a map are sent at once
        self._seconds_left = budget.seconds
        self._latest: tuple[StreamRequest, float] | None = None  # the last request, and when it ended

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        """Send a request, if the budget allows it, and hand over the stream, which ends with the budget.

        Raises:
            StreamError: The budget is spent, or no price is known; or the stream could not be opened.
        """
        account = _Account(self, request)
        # What is played from a recording costs nothing, and only who looks for it knows whether it is there.
        looks_first = request.recordings is not None and request.source is None
        asked = replace(request, admit=account.admit) if looks_first else request
        return self._opened(request, self._source.open(asked), account, asks=not looks_first)

    @contextlib.asynccontextmanager
    async def _opened(
        self,
        request: StreamRequest,
        opening: AbstractAsyncContextManager[EventStream],
        account: _Account,
        *,
        asks: bool,
    ) -> AsyncIterator[EventStream]:
        if asks:
            await account.admit()
        async with self._in_time(request):
            try:
                async with opening as stream:
                    played = getattr(stream, "recorded_at", None) is not None
                    yield stream if played else _Counted(stream, account)
            finally:
                account.close()

    @contextlib.asynccontextmanager
    async def _in_time(self, request: StreamRequest) -> AsyncIterator[None]:
        """End what takes longer than is left. Only requests count, with the pauses before they are sent again."""
        if self._seconds_left is None:
            yield
            return
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if self._latest is not None and self._latest[0] is request:
            begun = self._latest[1]
        if self._seconds_left <= 0:
            raise self._out_of_time()
        try:
            async with asyncio.timeout_at(begun + self._seconds_left) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._out_of_time() from None
        finally:
            self._latest = request, loop.time()
            self._seconds_left = max(0.0, self._seconds_left - (loop.time() - begun))

    def _out_of_time(self) -> StreamError:
        limit = self.budget.seconds
        happened = f"The answer took longer than the {limit:g} s that it may take."
        return TimeBudgetError(happened, remedies=[Remedy(RemedyKind.MORE_SECONDS)])


class _Account:
    """What one request takes, as far as it is certain.

    Args:
        payer: Pays for it.
        request: What is asked.
    """

    def __init__(self, payer: Budgeted, request: StreamRequest) -> None:
        self._payer = payer
        self._request = request
        self._model: str | None = request.model
        self._asked = asked_at_least(request.system, request.messages) + tokens_at_least(request.partial_answer)
        self._count = WordCount(reasoning=request.api == "chat")
        self._usage: Usage | None = None
        self._prices: tuple[float, float] | None = None  # of the prompt at least, and of a token of the answer
        self._ended = False

    async def admit(self) -> None:
        """Let the request be sent, or raise.

        Raises:
            BudgetError: What may be spent is spent, or what the request costs is not known.
        """
        budget = self._payer.budget
        if budget.dollars is None and budget.kernel is None:
            return
        await read_prices()
        self._price()
        if self._prices is None:
            request, which = self._request, "budget" if budget.dollars is not None else "budget of this kernel"
            happened = f"The {which} cannot be kept, because no price is known for {request.model}"
            raise BudgetError(
                f"{happened} at {request.endpoint.name}; nothing was sent.",
                remedies=[Remedy(RemedyKind.SET_PRICE, request.model)],
            )
        if (error := self._over("nothing was sent", already=True)) is not None:
            raise error
        self._payer.book.in_flight[id(self)] = self._prices[0]
        self._payer.open_accounts[id(self)] = self

    def check(self) -> None:
        """Raise if what has come is surely dearer than what may be spent.

        Raises:
            BudgetError: It is.
        """
        if self._prices is not None and not self._ended and (error := self._over("it was ended")) is not None:
            raise error

    def note(self, batch: list[Event]) -> None:
        """Take what has come."""
        if self._prices is None:
            return
        self._count.add(batch)
        for event in batch:
            kind = type(event)
            if kind is UsageReported:
                self._usage = event.usage  # type: ignore[union-attr]
            elif kind is Finished:
                self._ended = True  # the whole answer is there, and is paid for
            elif kind is Started and event.model and event.model != self._model:  # type: ignore[union-attr]
                self._model = event.model  # type: ignore[union-attr]
                self._price()
        self._payer.book.in_flight[id(self)] = self.spent

    @property
    def spent(self) -> float:
        """What it has cost, in US dollars: as reported, or at least."""
        if self._prices is None:
            return 0.0
        asked, written = self._prices
        counted = asked + written * self._count.words
        if self._usage is None:
            return counted
        reported = cost_of(self._usage, self._model, self._request.endpoint.base_url, self._request) or 0.0
        return reported if self._ended else max(counted, reported)

    def close(self) -> None:
        """Its stream has ended; what was never answered, as when a server refuses for now, has cost nothing."""
        self._payer.book.in_flight.pop(id(self), None)
        self._payer.open_accounts.pop(id(self), None)
        if self._count.words or self._usage is not None or self._ended:
            self._payer.spent += self.spent

    def _price(self) -> None:
        """Learn what its tokens cost, of the model that answers, or else of the one that was asked."""
        for model in dict.fromkeys((self._model, self._request.model)):
            asked = at_least(Usage(self._asked, 0, self._asked), model, self._request)
            both = at_least(Usage(self._asked, _MANY, self._asked + _MANY), model, self._request)
            if asked is not None and both is not None:
                self._prices = asked, (both - asked) / _MANY
                return

    def _spent_beside(self) -> float:
        """What the other requests of the same answer, or map, have cost that are in flight."""
        return sum(each.spent for each in self._payer.open_accounts.values() if each is not self)

    def _over(self, then: str, *, already: bool = False) -> StreamError | None:
        """The error, if what may be spent is spent."""
        payer, spent = self._payer, self.spent
        budget, book = payer.budget, payer.book
        others = payer.spent if len(payer.open_accounts) <= 1 else payer.spent + self._spent_beside()
        own = others + spent
        if budget.dollars is not None and (own > budget.dollars or (already and others >= budget.dollars)):
            told = (
                f"{payer.what} costs at least {shown_cost(own)}, more than its budget of {shown_cost(budget.dollars)}"
            )
            return BudgetError(f"{told}; {then}.", remedies=[Remedy(RemedyKind.MORE_BUDGET)])
        if budget.kernel is None:
            return None
        before = book.spent + sum(cost for each, cost in book.in_flight.items() if each != id(self))
        if before + spent > budget.kernel or (already and before >= budget.kernel):
            told = f"The budget of this kernel, {shown_cost(budget.kernel)}, is spent"
            return BudgetError(f"{told}; {then}.", remedies=[Remedy(RemedyKind.MORE_KERNEL_BUDGET)])
        return None


class _Counted:
    """An `EventStream` that ends when what may be spent is spent: after what has come has been taken."""

    def __init__(self, stream: EventStream, account: _Account) -> None:
        self._stream = stream
        self._account = account
        self._reading: AsyncIterator[list[Event]] | None = None

    @property
    def request_id(self) -> str | None:
        """As that of the stream."""
        return self._stream.request_id

    def position(self) -> Position | None:
        """As that of the stream."""
        return self._stream.position()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)  # what some streams know besides

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        self._reading = aiter(self._stream)
        return self

    async def __anext__(self) -> list[Event]:
        self._account.check()
        assert self._reading is not None
        batch = await anext(self._reading)
        self._account.note(batch)
        return batch
