"""One request, as the ledger has it: what it was, how it ended, what it took. No prompt and no answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Entry", "Tokens"]

Tokens = Literal["known", "lower bound", "unknown"]
"""How well the tokens of a request are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request.

    What is known, what is only a lower bound and what is unknown are three things, and are never added up.

    Attributes:
        time: When it was asked (UTC).
        kernel: Which kernel asked, as a word that no other has.
        answer: The number of the answer in its kernel. One answer may take several requests.
        round: Which of the requests of its answer this was, from 1.
        attempts: How many times it was sent.
        model: The model that answered, or else the one that was asked.
        host: Host and port of the endpoint.
        api: `"chat"` or `"responses"`.
        cell: The number of the cell that asked, if one did.
        cell_id: What the notebook calls that cell, if it says.
        state: How the request ended: `completed`, `failed`, `cancelled`.
        finish_reason: Why the answer ends, as in `StreamResult`.
        error: The kind of the error, if it failed.
        replayed: Whether it was played from a recording, so that nothing was sent.
        input_tokens: Tokens of the prompt, where the server reported them.
        output_tokens: Tokens of the answer, likewise, reasoning included.
        cached_tokens: The part of `input_tokens` that came from a cache.
        cache_write_tokens: The part of `input_tokens` that was written to a cache.
        reasoning_tokens: The part of `output_tokens` spent on reasoning.
        input_at_least: A lower bound of the tokens of the prompt, where they are not known and can be counted.
        output_at_least: A lower bound of the tokens of the answer, likewise.
        cost: Its price in US dollars, where it is known. That of a replayed one was saved.
        cost_at_least: A lower bound of the price, where only one of the tokens is known.
        price_source: Where the price is from.
        ttft: Seconds to the first piece of the answer.
        tokens_per_second: Reported output tokens over the time after that.
        seconds: From asking to the end.
        response_id: What the server calls the answer.
    """

    time: datetime
    kernel: str = ""
    answer: int = 0
    round: int = 1
    attempts: int = 1
    model: str
    host: str
    api: str = "chat"
    cell: int | None = None
    cell_id: str | None = None
    state: str = "completed"
    finish_reason: str | None = None
    error: str | None = None
    replayed: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_at_least: int | None = None
    output_at_least: int | None = None
    cost: float | None = None
    cost_at_least: float | None = None
    price_source: str | None = None
    ttft: float | None = None
    tokens_per_second: float | None = None
    seconds: float = 0.0
    response_id: str | None = None

    @property
    def tokens(self) -> Tokens:
        """How well its tokens are known."""
        if self.input_tokens is not None and self.output_tokens is not None:
            return "known"
        return "unknown" if self.input_at_least is None and self.output_at_least is None else "lower bound"

    @property
    def day(self) -> str:
        """The day on which it was asked, here."""
        return f"{self.time.astimezone():%Y-%m-%d}"
