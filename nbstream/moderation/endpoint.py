"""Asks a moderation endpoint (`POST /moderations`) about a text.

Source: the OpenAI API reference, "Create moderation".
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from nbstream.errors import StreamError
from nbstream.moderation.judgement import Judgement, NoJudgementError
from nbstream.streaming.engine import engine
from nbstream.transport.moderation import categories_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.request import Target

__all__ = ["ask_endpoint"]

# A model looks at so many characters at once; what stands at a cut is looked at with both sides.
_LONGEST, _OVERLAP = 20_000, 500
_ATTEMPTS, _FIRST_PAUSE = 3, 0.5


async def ask_endpoint(target: Target, text: str, model: str) -> Judgement:
    """What the endpoint says of a text; on the engine's loop only.

    Args:
        target: Whose endpoint.
        text: The text.
        model: The moderation model.

    Raises:
        StreamError: The endpoint does not answer, or refuses.
        NoJudgementError: What it answers is no verdict.
    """
    texts = list(_cut(text))
    results = await _asked(target, texts, model)
    known = [each.get("flagged") for each in results]
    if len(results) != len(texts) or not all(isinstance(each, bool) for each in known):
        raise NoJudgementError("the endpoint gave no verdict")
    return Judgement(any(known), categories_in(results))


async def _asked(target: Target, texts: list[str], model: str) -> list[dict[str, object]]:
    """The endpoint's results; what may succeed a little later is tried again."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await engine().moderated(target, texts, model)
        except StreamError as error:
            if not error.retryable or attempt == _ATTEMPTS:
                raise
            pause = error.retry_after or _FIRST_PAUSE * 2 ** (attempt - 1) * (0.75 + 0.25 * random.random())  # noqa: S311  no secret
        await asyncio.sleep(pause)
    raise AssertionError


def _cut(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _LONGEST:
        yield text[start : start + _LONGEST]
        start += _LONGEST - _OVERLAP
    yield text[start:]
