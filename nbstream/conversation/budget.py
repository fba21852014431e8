"""How many tokens an exchange takes in a request: by the server's own counts where there are some.

A server reports the tokens of the whole prompt. Where a request sent just what the one before had sent, with that one's
answer and a new question, the difference of two reports is what the exchange takes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nbstream.conversation.answer_images import images_to_send

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.conversation.turn import Turn

__all__ = ["context_of", "tokens_of"]

# Without a report: a token is about four bytes, in English and in most other scripts in UTF-8.
_BYTES_PER_TOKEN, _TOKENS_PER_MESSAGE, _TOKENS_PER_IMAGE = 4, 4, 1000


def context_of(turns: Iterable[Turn], seed: str = "") -> str:
    """A digest of a sequence of turns, equal only for the same turns in the same order.

    Example:
        >>> from nbstream.conversation.turn import Turn
        >>> one, two = Turn("1", "user", "a"), Turn("2", "assistant", "b")
        >>> context_of([two], context_of([one])) == context_of([one, two]) != context_of([two, one])
        True
    """
    for turn in turns:
        seed = hashlib.sha256(f"{seed}/{turn.id}/{len(turn.text)}".encode()).hexdigest()[:16]
    return seed


def tokens_of(exchanges: Sequence[Sequence[Turn]]) -> list[int]:
    """The tokens of each exchange; exchanges are as `history.exchanges_of` makes them."""
    return [_tokens(group, before) for group, before in zip(exchanges, [(), *exchanges], strict=False)]


def _tokens(group: Sequence[Turn], before: Sequence[Turn]) -> int:
    *asked, answer = group
    total, total_before = _reported(answer), _reported(before[-1]) if before else None
    if total is not None and total_before is not None:
        follows = context_of([before[-1], *asked], before[-1].context)
        if follows == answer.context and total > total_before:
            return total - total_before
    return sum(map(_estimate, asked)) + _written(answer)


def _reported(turn: Turn) -> int | None:
    """The tokens of all that the server has seen up to this answer."""
    usage = turn.result.usage
    return None if usage is None else usage.input_tokens + _written(turn)


def _written(turn: Turn) -> int:
    """The tokens of an answer that are sent again: thoughts are not."""
    usage = turn.result.usage
    if usage is None:
        return _estimate(turn)
    return usage.output_tokens - (usage.reasoning_tokens or 0) + len(images_to_send(turn.answer)) * _TOKENS_PER_IMAGE


def _estimate(turn: Turn) -> int:
    others = 0 if isinstance(turn.content, str) else sum(part.get("type") != "text" for part in turn.content or ())
    others += len(images_to_send(turn.answer))
    size = len(turn.text.encode(errors="replace"))
    return size // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE + others * _TOKENS_PER_IMAGE
