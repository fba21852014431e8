"""The words that mark how an answer ended, the same on every surface. Pure: result in, words out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbstream.result import StreamState

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["Mark", "mark_of"]


class Mark(NamedTuple):
    """How an answer ended, if not in the ordinary way: a word for the eye and a sentence for the rest."""

    word: str
    sentence: str


_FINISH_MARKS = {
    "length": Mark("Cut off", "The token limit was reached; the answer may go on (--max-tokens)."),
    "content_filter": Mark("Filtered", "The provider's content filter ended the answer."),
}


def mark_of(result: StreamResult) -> Mark | None:
    """The mark that belongs under an answer; `None` for one that simply ended.

    Example:
        >>> from nbstream.result import StreamResult
        >>> mark_of(StreamResult("Hello", StreamState.CANCELLED))
        Mark(word='Stopped', sentence='You stopped the answer after 5 characters.')
    """
    if result.state is StreamState.FAILED:
        return Mark("Failed", result.error.message if result.error else "The stream failed.")
    if result.state is StreamState.CANCELLED:
        return Mark("Stopped", f"You stopped the answer after {len(result.text):,} characters.")
    if result.state is StreamState.COMPLETED:
        if result.refusal:
            return Mark("Refused", "The model refused to answer.")
        return _FINISH_MARKS.get(result.finish_reason or "")
    return None
