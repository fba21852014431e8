"""Asks rows through an executor of the caller's: processes, a `dask.distributed` cluster, ipyparallel.

The map decides how many rows are in flight and when; a worker asks the one that it is given.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.errors import BudgetError, UsageError
from nbstream.many.asking.control import Control
from nbstream.many.asking.paced import Asked
from nbstream.many.asking.runner import RowAnswer
from nbstream.many.asking.worker import RowOrder, ask_row
from nbstream.outcome import StreamState
from nbstream.result import StreamResult
from nbstream.structured.schema import AnswerSchema, MisfitError
from nbstream.text.money import shown_cost
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from nbstream.many.asking.runner import PreparedRow
    from nbstream.request import StreamRequest
    from nbstream.settings.credential import KeyReference
    from nbstream.streaming.engine import Engine

__all__ = ["ExecutorAsker", "checked_executor", "portable"]

_STAY = ("client", "source", "stages", "tools", "moderation", "recordings", "repair")
"""What cannot go to another process, or would not mean the same there."""
_MOST_SUBMISSIONS = 2
_STOP_SECONDS = 5.0


def checked_executor(executor: Any) -> Executor:
    """An executor that somebody has given.

    Raises:
        UsageError: It is none, or is closed.
    """
    if not callable(getattr(executor, "submit", None)):
        what = "a concurrent.futures.Executor, such as client.get_executor() of dask.distributed"
        raise UsageError(f"the executor must be {what}, not a {type(executor).__name__}")
    try:
        executor.submit(int)
    except Exception as error:  # noqa: BLE001  each kind of executor raises its own
        raise UsageError(f"the executor takes no work: {exception_line(error)}; make another one") from None
    return executor  # type: ignore[no-any-return]


def portable(request: StreamRequest) -> tuple[StreamRequest, KeyReference | None]:
    """A request that can go to another process, and where that finds the key.

    Raises:
        UsageError: Something in it cannot.
    """
    if taken := [name for name in _STAY if getattr(request, name)]:
        raise UsageError(f"with an executor a map takes no {taken[0]}, which would have to go to other processes")
    if callable(request.stop_when):
        raise UsageError("with an executor, stop_when is a text or a list of texts, not a function")
    key = request.endpoint.api_key
    reference = None if key is None or not key.present else key.reference()
    schema = None if request.schema is None else AnswerSchema(request.schema.schema)
    bare = replace(request.endpoint, api_key=None)
    return replace(request, endpoint=bare, schema=schema, budget=None, ledger=None, journal=None, admit=None), reference


class ExecutorAsker:
    """A `RowAsker` that hands each row to an executor.

    Args:
        executor: Runs the rows.
        request: What every row is asked with, apart from its messages.
        engine: Keeps the account.
    """

    def __init__(self, executor: Executor, request: StreamRequest, engine: Engine) -> None:
        self._executor = executor
        self._request = request
        self._engine = engine
        self._portable, self._key = portable(request)
        self._control = Control(everywhere=not isinstance(executor, ProcessPoolExecutor | ThreadPoolExecutor))
        self._futures: set[Future[Any]] = set()
        self._stopped = asyncio.Event()
        self._spent = 0.0
        self._trying = asyncio.Lock()
        self._is_tried = False

    async def ask(self, row: PreparedRow) -> Asked:
        """Ask a row and return its answer."""
        if (over := self._over_budget()) is not None:
            return Asked(RowAnswer(row, StreamState.FAILED, error=str(over), kind=over.kind, attempts=0))
        order = RowOrder(row, self._portable, self._key, self._control.address)
        why = ""
        for _ in range(_MOST_SUBMISSIONS):
            try:
                await self._try_once()
                asked: Asked = await self._done(ask_row, order)
            except asyncio.CancelledError:
                if not self._stopped.is_set():
                    raise
                return Asked(RowAnswer(row, StreamState.CANCELLED, attempts=0))
            except (BrokenExecutor, RuntimeError) as error:
                told = f"the executor takes no more work: {exception_line(error)}; start a map with another executor"
                return Asked(RowAnswer(row, StreamState.CANCELLED, error=told, kind="executor", attempts=0))
            except Exception as error:  # noqa: BLE001  whatever a cluster raises for a worker that is gone
                why = exception_line(error)
                continue
            return await self._noted(row, asked)
        told = f"its worker failed {_MOST_SUBMISSIONS} times: {why}"
        return Asked(RowAnswer(row, StreamState.FAILED, error=told, kind="worker", attempts=_MOST_SUBMISSIONS))

    def text_of(self, _: int) -> str:
        """Nothing: the text grows elsewhere."""
        return ""

    def cancel(self) -> None:
        """End all that is asked now: what waits is taken back, what runs hears of it."""
        self._stopped.set()
        for future in [*self._futures]:
            future.cancel()
        self._control.close()

    async def close(self) -> None:
        """Let workers forget the map."""
        self._control.close()

    async def _try_once(self) -> None:
        """See that a call has one result: an executor that has every worker make each call would pay for each row.

        Raises:
            RuntimeError: It has not.
        """
        async with self._trying:
            if not self._is_tried and (result := await self._done(int)) != 0:
                several = "it has every worker make each call, as client[:].executor of ipyparallel does"
                advice = "client.load_balanced_view().executor hands out each call once"
                raise RuntimeError(f"{several}; {advice}" if isinstance(result, list) else f"int() gave {result!r}")
            self._is_tried = True

    async def _done(self, call: Callable[..., Any], *given: Any) -> Any:
        future = await asyncio.to_thread(self._executor.submit, call, *given)
        self._futures.add(future)
        return await self._result_of(future)

    async def _result_of(self, future: Future[Any]) -> Any:
        waiting = asyncio.wrap_future(future)
        stopped = asyncio.ensure_future(self._stopped.wait())
        both: set[asyncio.Future[Any]] = {waiting, stopped}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():  # a worker that cannot hear of the stop goes on by itself
                await asyncio.wait({waiting}, timeout=_STOP_SECONDS)
            if not waiting.done():
                raise asyncio.CancelledError
            return waiting.result()
        finally:
            stopped.cancel()
            self._futures.discard(future)

    async def _noted(self, row: PreparedRow, asked: Asked) -> Asked:
        """The answer as it counts here: held to the schema itself, and entered in this kernel's ledger."""
        answer = replace(asked.answer, row=row)
        if answer.is_whole and self._request.schema is not None:
            try:
                self._request.schema.parse(answer.text if answer.value is None else answer.value)
            except MisfitError as error:
                told = f"the answer does not fit the schema: {error}"
                answer = replace(answer, state=StreamState.FAILED, error=told, kind="invalid_answer")
        self._spent += answer.cost or 0.0
        if answer.attempts:
            result = StreamResult(
                answer.text, answer.state, answer.finish_reason, answer.usage, answer.model, cost=answer.cost
            )
            await self._engine.book.keep(0, replace(self._request, messages=row.messages), result)
        return asked._replace(answer=answer)

    def _over_budget(self) -> BudgetError | None:
        budget = self._request.budget
        if budget is None or budget.dollars is None or self._spent < budget.dollars:
            return None
        return BudgetError(f"The budget of {shown_cost(budget.dollars)} is spent; nothing was sent.")
