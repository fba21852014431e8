"""The relay itself: a request comes from a user, is checked and counted, and its answer passes through as it comes.

It knows neither Jupyter nor tornado: who asks is told to it, and what it answers is handed to an `Exchange`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import jiter

from nbstream.errors import StreamError
from nbstream.relay.limits import limits_of
from nbstream.relay.meter import Charge, Meter, MeterError, Remaining
from nbstream.relay.rate import Rate
from nbstream.relay.refused import Refused
from nbstream.relay.upstream_error import normalised
from nbstream.relay.usage_reader import UsageReader, estimated_tokens
from nbstream.streaming.cost import price_list
from nbstream.transport.passing import Passing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from nbstream.relay.limits import Caller, Limits
    from nbstream.relay.meter import Admitted, EndState
    from nbstream.relay.policy import Operation, Policy
    from nbstream.relay.prices import Prices
    from nbstream.request import Endpoint
    from nbstream.transport.passing import Passed

__all__ = ["ClientGoneError", "Exchange", "Relay"]

T = TypeVar("T")

_PASSED_ON = ("content-type", "x-request-id", "retry-after", "retry-after-ms", "x-should-retry", "openai-processing-ms")
_LARGE_REQUEST, _LARGEST_REQUEST = 256 * 1024, 64 * 1024 * 1024

_RESERVED_OUTPUT = 1_000
"""Tokens that an answer is taken to have until it has ended, where the request sets no limit."""


class ClientGoneError(Exception):
    """The client does not wait for the answer any more."""


class Exchange(Protocol):
    """One request of a client's, to be answered."""

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of the response."""
        ...

    async def send(self, data: bytes) -> None:
        """Send a piece of the body at once, and wait until it has left.

        Raises:
            ClientGoneError: Nobody takes it.
        """
        ...

    def abort(self) -> None:
        """Break the connection off, so that nobody takes what has been sent for the whole."""
        ...


class Relay:
    """Answers requests; belongs to one event loop.

    Args:
        endpoint: The server that is asked, and the key for it.
        policy: What may be asked.
        limits: How much, by user and group; see `limits.read_limits`.
        database: The file that usage is counted in.
        prices: What tokens cost.
        headers: What goes with each request to the server.
        log: Is told who asked for what and how it ended; nothing of what was said.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        policy: Policy,
        limits: Mapping[str, Limits],
        database: str,
        prices: Prices,
        headers: Mapping[str, str] | None = None,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.policy = policy
        self.rate = Rate()
        self._limits = limits
        self._prices = prices
        self._log = log or logging.getLogger("nbstream.relay")
        self._passing = Passing(endpoint, headers)
        self._database = database
        self._meter: Meter | None = None
        # One thread: SQLite waits for other processes, and the loop must not.
        self._counting = concurrent.futures.ThreadPoolExecutor(1, "nbstream-relay")

    async def answer(self, caller: Caller, operation: Operation, body: bytes, exchange: Exchange) -> None:
        """Answer one request. Being cancelled means that its client has gone: the server is left at once.

        Args:
            caller: Who asks.
            operation: What is called.
            body: The body that came.
            exchange: Takes the answer.
        """
        begun, model = time.monotonic(), "-"
        try:
            limits = limits_of(caller, self._limits)
            asked = await self._checked(operation, body)
            model = asked.get("model") or operation
            with self.rate.running(caller.name, limits):
                state, charge = await self._counted(caller, limits, operation, asked, exchange)
        except Refused as refused:
            self._log.info("relay: %s asked %s: refused (%s)", caller.name, model, refused.code)
            await exchange.start(refused.status, refused.headers())
            await exchange.send(refused.document())
            return
        about = "about " if charge.estimated else ""
        seconds = time.monotonic() - begun
        self._log.info(
            "relay: %s asked %s: %s, %s%d tokens, %.1f s", caller.name, model, state, about, charge.tokens, seconds
        )

    async def _checked(self, operation: Operation, body: bytes) -> dict[str, Any]:
        """The body to send on; of a large one it is found out on a thread, while other answers go on."""
        if len(body) > _LARGEST_REQUEST:
            what = f"This relay takes requests of at most {_LARGEST_REQUEST // 2**20} MB."
            raise Refused(413, what, "request_too_large")
        if len(body) < _LARGE_REQUEST:
            return self.policy.checked(operation, _json_of(body))
        return await asyncio.to_thread(lambda: self.policy.checked(operation, _json_of(body)))

    async def _counted(
        self, caller: Caller, limits: Limits, operation: Operation, asked: dict[str, Any], exchange: Exchange
    ) -> tuple[EndState, Charge]:
        """Admit a request, pass it on, and note what it cost, however it ends."""
        free = operation == "moderations"
        model, prompt = asked.get("model") or operation, estimated_tokens(asked)
        if not free and limits.usd is not None and self._prices.of_a_million(model, self.endpoint.base_url) is None:
            what = f"No price is known for {model}, so nothing can be spent on it; NBStreamRelay.prices can set one."
            raise Refused(403, what, "relay_no_price", param="model")
        reserved = Charge() if free else self._reserved(asked, prompt)
        admitted = await self._metered(lambda meter: meter.admit(caller.name, limits, model, reserved, time.time()))
        passage = _Passage(bool(asked.get("stream")), prompt)

        async def settle(state: EndState) -> Charge:
            charge = Charge() if free or state == "refused" else self._charge(model, passage)
            await self._metered(lambda meter: meter.settle(admitted.entry, charge, state))
            return charge

        state: EndState = "client_gone"
        try:
            state = await self._passed(operation, asked, exchange, admitted, passage, settle)
        except (asyncio.CancelledError, ClientGoneError):
            pass  # the server is left at once, so that nothing more is paid for
        finally:  # also if the relay itself is ending
            charge = await asyncio.shield(asyncio.ensure_future(settle(state)))
        if passage.refusal is not None:
            raise passage.refusal
        return state, charge

    async def _passed(
        self,
        operation: Operation,
        asked: dict[str, Any],
        exchange: Exchange,
        admitted: Admitted,
        passage: _Passage,
        settle: Callable[[EndState], Awaitable[Charge]],
    ) -> EndState:
        """Send the request and pass its answer on."""
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        try:
            async with self._passing.open(operation, body) as passed:
                if not 200 <= passed.status < 300:
                    document = await passed.refusal()
                    passage.refusal = normalised(passed.status, _chosen(passed.headers), document, self.endpoint)
                    return "refused"
                price = self._priced(str(asked.get("model")))
                told = {**_chosen(passed.headers), **_shown(admitted.remaining), **price, **_UNBUFFERED}
                return await self._streamed(passed, exchange, told, passage, settle)
        except StreamError as error:  # before anything was sent: no key, no connection
            passage.refusal = _unanswered(error)
            return "refused"

    async def _streamed(
        self,
        passed: Passed,
        exchange: Exchange,
        told: Mapping[str, str],
        passage: _Passage,
        settle: Callable[[EndState], Awaitable[Charge]],
    ) -> EndState:
        kind = passed.headers.get("content-type", "")
        reader = passage.begin(streamed="event-stream" in kind or (passage.streamed and "json" not in kind))
        await exchange.start(passed.status, told)
        try:
            async for piece in passed:
                reader.feed(piece)
                if reader.over:  # whoever asks again at once must find what this has cost, and not what it might
                    await settle("completed")
                await exchange.send(piece)
        except (asyncio.CancelledError, ClientGoneError):
            if reader.over:
                return "completed"
            raise
        except Exception as error:  # noqa: BLE001  whatever reading raises: each HTTP library has errors of its own
            if reader.over:
                return "completed"
            self._log.warning("relay: %s broke an answer off (%s)", self.endpoint.name, type(error).__name__)
            exchange.abort()
            return "broken"
        reader.close()
        return "completed" if reader.ended else "broken"

    def _priced(self, model: str) -> dict[str, str]:
        """What a million tokens cost, as a header."""
        prices = self._prices.of_a_million(model, self.endpoint.base_url)
        return {} if prices is None else {"x-nbstream-price": ";".join(f"{price:g}" for price in prices)}

    def _reserved(self, asked: Mapping[str, Any], prompt: int) -> Charge:
        names = ("max_completion_tokens", "max_tokens", "max_output_tokens")
        limit = next((asked[name] for name in names if asked.get(name) is not None), _RESERVED_OUTPUT)
        output = limit * (asked.get("n") or 1)
        prices = self._prices.of_a_million(asked["model"], self.endpoint.base_url)
        usd = 0.0 if prices is None else (prompt * prices[0] + output * prices[1]) / 1_000_000
        return Charge(prompt + output, usd, estimated=True)

    def _charge(self, model: str, passage: _Passage) -> Charge:
        """What a request has cost: what the provider reported; else, as when its client left, what is estimated."""
        usage = passage.usage
        if usage is not None:
            given, made, cached = usage.input_tokens, usage.output_tokens, usage.cached_tokens or 0
        else:
            given, made, cached = passage.prompt, passage.estimated_output, 0
        cost = self._prices.cost(model, self.endpoint.base_url, given, made, cached)
        return Charge(given + made, cost or 0.0, estimated=usage is None)

    async def prepare(self) -> None:
        """Open the file and read the prices, which take their time, before the first request comes."""
        with contextlib.suppress(Refused):  # the log says it, and so does each request
            await self._metered(lambda _: price_list())

    async def remaining(self, caller: Caller) -> Remaining:
        """What is left for a user.

        Raises:
            Refused: The file cannot be read.
        """
        limits = limits_of(caller, self._limits)
        return await self._metered(lambda meter: meter.remaining(caller.name, limits, time.time()))

    async def _metered(self, use: Callable[[Meter], T]) -> T:
        """Read or write the file, on its thread. What cannot be counted is not asked."""

        def work() -> T:
            if self._meter is None:
                self._meter = Meter(self._database)
            return use(self._meter)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._counting, work)
        except MeterError as error:
            self._log.error("relay: %s", error)
            what = "This relay cannot count what is used, so it asks nothing; its log says why."
            raise Refused(503, what, "relay_meter", retry=False) from None

    async def close(self) -> None:
        """Close the connections and the file."""
        await self._passing.close()
        meter, self._meter = self._meter, None
        if meter is not None:
            await asyncio.get_running_loop().run_in_executor(self._counting, meter.close)
        self._counting.shutdown(wait=False)


class _Passage:
    """What is known of an answer on its way."""

    def __init__(self, streamed: bool, prompt: int) -> None:  # noqa: FBT001  private
        self.streamed = streamed
        self.prompt = prompt
        self.refusal: Refused | None = None
        self._reader: UsageReader | None = None

    def begin(self, *, streamed: bool) -> UsageReader:
        self._reader = UsageReader(streamed=streamed)
        return self._reader

    @property
    def usage(self) -> Any:
        return None if self._reader is None else self._reader.usage

    @property
    def estimated_output(self) -> int:
        return 0 if self._reader is None else self._reader.estimated_output


_UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def _json_of(body: bytes) -> Any:
    try:
        return jiter.from_json(body)
    except ValueError:
        raise Refused(400, "The body of the request is not JSON.", "invalid_body") from None


def _chosen(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _PASSED_ON if name in headers}


def _shown(remaining: Remaining) -> dict[str, str]:
    """What is left, as headers."""
    named = {"x-nbstream-remaining-tokens": remaining.tokens, "x-nbstream-remaining-usd": remaining.usd}
    shown = {name: str(value) for name, value in named.items() if value is not None}
    if shown and remaining.resets_at is not None:
        shown["x-nbstream-resets-at"] = f"{remaining.resets_at:.0f}"
    return shown


def _unanswered(error: StreamError) -> Refused:
    """What a client is told where the relay could not ask; the operator's business is not repeated."""
    if error.kind in {"missing_key", "authentication"}:
        what = "This relay has no key that works, so it cannot ask the provider."
        return Refused(503, what, "relay_no_key", retry=False)
    return Refused(502, "This relay does not reach the provider.", "relay_unreachable")
