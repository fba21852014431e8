"""Everything that nbstream raises, and nothing else: it knows remedies and how they are worded, but no SDK types.

    NbstreamError
    ├── UsageError            the call itself is wrong (you): an option, a variable, an empty prompt
    ├── SaveError             a file could not be written; also an OSError
    │   └── ChangedFileError    it has changed since it was loaded or saved
    ├── MapError              a map over rows stopped by itself; what is done is kept
    └── StreamError           a stream ended in `failed`; `.result` holds what had arrived
        ├── MissingKeyError         no key for an endpoint that needs one
        ├── AuthenticationError     401, 403: the endpoint does not accept the key
        ├── NotFoundError           404: no such model, or no such path
        ├── RequestRejectedError    another 4xx: the endpoint does not accept the request
        │   └── ContextLengthError    prompt and answer do not fit into the model's context
        ├── RateLimitError          429: too many requests
        │   └── QuotaError            the quota or the credit is used up; waiting does not help
        ├── ServerError             5xx, or an error that the server reported inside the stream
        ├── UnreachableError        no connection: refused, unknown host, TLS
        ├── NotAStreamError         an answer that is not an event stream: HTML, NDJSON, text, malformed events
        ├── EmptyAnswerError        a response that ended without an answer and without a reason
        ├── ConnectionLostError     the stream broke off before its end
        ├── TimeLimitError          a time limit passed
        │   ├── ConnectTimeoutError     before the connection was established
        │   ├── FirstTokenTimeoutError  before the answer began
        │   ├── StalledError            in the middle of the answer, which had gone silent
        │   └── TotalTimeoutError       before the answer was complete
        ├── SizeLimitError          a size limit was reached
        │   ├── AnswerTooLongError      by the answer as a whole
        │   └── EventTooLargeError      by a single event, whose end had not come
        ├── InvalidAnswerError      the answer does not fit its schema
        ├── BudgetError             what may be spent is spent, or nobody knows what would be
        │   └── TimeBudgetError         the time that the answer may take
        ├── NoRecordingError        there is no recording that may be played, and none may be made
        ├── ApprovalError           nobody could be asked whether a tool may be called
        ├── ModerationError         moderation could not check the prompt or the answer
        ├── SecretsError            the prompt seems to hold a secret, and nobody could be asked whether to send it
        ├── StopWhenError           the caller's own `stop_when` raised an exception
        ├── StageError              one of the caller's own stages raised an exception
        └── InternalError           a bug in nbstream; the text is kept all the same

An error says what happened, and what can be done about it: its remedies, in the words of the place where it is read.
It never holds a key, a header or a prompt.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

from nbstream.failures import MapError, NbstreamError, StreamFailure, UsageError

if TYPE_CHECKING:
    from nbstream.result import StreamResult
    from nbstream.text.place import Place

__all__ = [
    "AnswerTooLongError",
    "ApprovalError",
    "AuthenticationError",
    "BudgetError",
    "ChangedFileError",
    "ConnectTimeoutError",
    "ConnectionLostError",
    "ContextLengthError",
    "EmptyAnswerError",
    "EventTooLargeError",
    "FirstTokenTimeoutError",
    "InternalError",
    "InvalidAnswerError",
    "MapError",
    "MissingKeyError",
    "ModerationError",
    "NbstreamError",
    "NoRecordingError",
    "NotAStreamError",
    "NotFoundError",
    "QuotaError",
    "RateLimitError",
    "RequestRejectedError",
    "SaveError",
    "SecretsError",
    "ServerError",
    "SizeLimitError",
    "StageError",
    "StalledError",
    "StopWhenError",
    "StreamError",
    "TimeBudgetError",
    "TimeLimitError",
    "TotalTimeoutError",
    "UnreachableError",
    "UsageError",
    "error_class",
    "program_ending",
    "shown_briefly",
    "words_of",
]


class StreamError(StreamFailure):
    """A stream ended in `failed`.

    Attributes:
        kind: Which failure, as a stable word (`"rate_limit"`, `"connection_lost"`, …): branch on this, not on the text.
        remedies: What can be done about it, as values; `message` says the same in words.
        status: The HTTP status code, if a response with an error status came.
        code: The server's own error code (`"model_not_found"`, …), or else the error's type, if it sent one.
        retryable: Whether the same request may succeed if it is sent again a little later.
        retry_after: Seconds that the server asks to wait before that, if it says.
        request_id: The `x-request-id` of a response with an error status.
        result: The partial `StreamResult`, with the text that had arrived.

    Example:
        ```python
        try:
            nbs.stream("…", model="gpt-5-mini")
        except nbs.StreamError as error:
            print(error.kind, len(error.result.text))
        ```
    """

    result: StreamResult  # set when the stream has ended, which is before anybody can catch the error


class SaveError(NbstreamError, OSError):
    """A file could not be written: the disc is full, the folder is not there, writing is not allowed.

    What was in the file before is still there. It is an `OSError` with its `errno` and `filename`.

    Args:
        path: The file.
        error: Why not.
        advice: What to do, if there is something.

    Example:
        ```python
        try:
            chat.save("/read-only/chat.json")
        except nbs.errors.SaveError as error:
            print(error, error.errno)
        ```
    """

    def __init__(self, path: str | os.PathLike[str], error: OSError, advice: str = "") -> None:
        why = error.strerror or type(error).__name__
        end = "what was there before is unchanged" + (f"; {advice}" if advice else "")
        super().__init__(f"{os.fspath(path)} was not saved ({why}); {end}")
        self.errno, self.strerror, self.filename = error.errno, error.strerror, os.fspath(path)
        self._error = error

    def __reduce__(self) -> tuple[type[SaveError], tuple[str, OSError]]:
        return type(self), (str(self.filename), self._error.with_traceback(None))


class ChangedFileError(SaveError):
    """A chat was not saved, because the file has changed since the chat was loaded from it or saved to it.

    Args:
        path: The file.
        error: What the system calls it.
    """

    def __init__(self, path: str | os.PathLike[str], error: OSError | None = None) -> None:
        why = OSError(errno.ESTALE, "it has changed since this chat was loaded from it or saved to it")
        super().__init__(path, error or why, "save to another file, or give replace=True")


class MissingKeyError(StreamError):
    """No key for an endpoint that needs one."""

    kind = "missing_key"


class AuthenticationError(StreamError):
    """The endpoint does not accept the key (401, 403)."""

    kind = "authentication"


class NotFoundError(StreamError):
    """The endpoint knows no such model, or no such path (404)."""

    kind = "not_found"


class RequestRejectedError(StreamError):
    """The endpoint does not accept the request (400, 413, 422, …)."""

    kind = "rejected"


class ContextLengthError(RequestRejectedError):
    """Prompt and answer together do not fit into the model's context."""

    kind = "context_length"


class RateLimitError(StreamError):
    """Too many requests (429)."""

    kind = "rate_limit"


class QuotaError(RateLimitError):
    """The quota or the credit is used up; waiting does not help."""

    kind = "quota"


class ServerError(StreamError):
    """The server failed (5xx), or reported an error inside the stream."""

    kind = "server"


class UnreachableError(StreamError):
    """No connection to the endpoint: refused, unknown host, TLS."""

    kind = "unreachable"


class NotAStreamError(StreamError):
    """The endpoint answered with something that is not an event stream."""

    kind = "not_a_stream"


class EmptyAnswerError(StreamError):
    """The response ended without an answer and without a reason."""

    kind = "empty_answer"


class ConnectionLostError(StreamError):
    """The stream broke off before its end."""

    kind = "connection_lost"


class TimeLimitError(StreamError):
    """A time limit passed."""

    kind = "time_limit"


class ConnectTimeoutError(TimeLimitError):
    """The connection was not established in time."""

    kind = "connect_timeout"


class FirstTokenTimeoutError(TimeLimitError):
    """The answer did not begin in time."""

    kind = "first_token_timeout"


class StalledError(TimeLimitError):
    """The answer fell silent in its middle for longer than the limit."""

    kind = "stalled"


class TotalTimeoutError(TimeLimitError):
    """The answer was not complete in time."""

    kind = "total_timeout"


class SizeLimitError(StreamError):
    """A size limit was reached; what had arrived is kept."""

    kind = "size_limit"


class AnswerTooLongError(SizeLimitError):
    """The answer has more characters or parts than `max_answer_characters` and `max_answer_parts` allow.

    What came is kept.
    """

    kind = "answer_too_long"


class EventTooLargeError(SizeLimitError):
    """A single event has more bytes than `max_event_bytes` allows; what came before it is kept."""

    kind = "event_too_large"


class StopWhenError(StreamError):
    """The `stop_when` function raised an exception, which is the cause; what had arrived is kept."""

    kind = "stop_when"


class InvalidAnswerError(StreamError):
    """The answer is complete and does not fit the schema that it is held to; its text is kept."""

    kind = "invalid_answer"


class ApprovalError(StreamError):
    """The model wanted to call a tool, and nobody could be asked whether it may."""

    kind = "approval"


class ModerationError(StreamError):
    """Moderation could not check the prompt, which was not sent, or the answer, of which nothing unchecked is kept."""

    kind = "moderation"


class SecretsError(StreamError):
    """The prompt seems to hold a key or a card number, and nobody could be asked; nothing was sent."""

    kind = "secrets"


class BudgetError(StreamError):
    """What may be spent is spent, or no price is known; what had arrived is kept."""

    kind = "budget"


class TimeBudgetError(BudgetError):
    """The answer took longer than it may take; what had arrived is kept."""

    kind = "time_budget"


class NoRecordingError(StreamError):
    """There is no recording of the request that may be played, and none may be made; nothing was sent."""

    kind = "no_recording"


class StageError(StreamError):
    """A stage raised an exception, which is the cause; what had arrived is kept."""

    kind = "stage"


class InternalError(StreamError):
    """A bug in nbstream ended the stream; what had arrived is kept."""

    kind = "internal"


def error_class(kind: str) -> type[StreamError]:
    """The exception class for failures of this kind.

    Raises:
        KeyError: There is no such kind.

    Example:
        >>> error_class("quota").__name__
        'QuotaError'
    """
    classes = [StreamError]
    for each in classes:
        classes.extend(each.__subclasses__())
    return {each.kind: each for each in classes if each.__module__ == __name__}[kind]


def program_ending(endpoint: str) -> UnreachableError | None:
    """What to raise where Python refuses to start something because the program ends; `None` if it does not.

    Args:
        endpoint: The name of who was to be asked.
    """
    if threading.main_thread().is_alive():
        return None
    return UnreachableError(f"{endpoint} can no longer be asked, because the program is ending.")


def words_of(error: BaseException, place: Place) -> str:
    """What an exception says, in the words of a place if it is one of these.

    Example:
        >>> from nbstream.text.place import Place
        >>> words_of(ValueError("too large"), Place.PANEL)
        'too large'
    """
    return error.told(place) if isinstance(error, NbstreamError) else str(error)


def shown_briefly(error: KeyboardInterrupt) -> KeyboardInterrupt:
    """Let IPython show an interrupt of a stream without nbstream's own frames, as it shows nbstream's errors."""
    setattr(error, "_render_traceback_", lambda: ["KeyboardInterrupt"])  # noqa: B010  a hook that the type does not have
    return error
