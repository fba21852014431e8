"""A directory of recordings: what is there is played, what is not is asked for and recorded."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
from typing import TYPE_CHECKING

from nbstream.errors import NoRecordingError, StreamError
from nbstream.events import EndOfStream, Warned
from nbstream.failures import UsageError
from nbstream.recording.described import described, differences, key_of, words_of
from nbstream.recording.player import Player
from nbstream.recording.recorder import Recorder, name_of
from nbstream.recording.recording_file import SUFFIX, heading_of, read
from nbstream.recording.trusted import TrustStore
from nbstream.recording.uses import Use, Uses
from nbstream.text.plain import exception_line, plain
from nbstream.transport.decoded import decoded

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from typing import Any

    from nbstream.events import Event
    from nbstream.recording.choice import Mode, RecordingChoice
    from nbstream.recording.recording_file import Heading, Recording
    from nbstream.recording.uses import How
    from nbstream.request import Position, StreamRequest
    from nbstream.transport.byte_stream import ByteSource
    from nbstream.transport.event_stream import EventStream

__all__ = ["Library", "headings"]

_MOST_SHOWN = 3
_MOST_COMPARED = 500


class Library:
    """A `StreamSource` of recordings.

    Args:
        choice: Where they are, and what is done with them.
        source: Gives the responses that are not there.
        uses: Is told what was played and recorded.
        store: Knows what this user has recorded or accepted.
    """

    def __init__(
        self, choice: RecordingChoice, source: ByteSource, uses: Uses | None = None, store: TrustStore | None = None
    ) -> None:
        self._choice = choice
        self._source = source
        self._uses = uses or Uses()
        self._store = store or TrustStore()

    @contextlib.asynccontextmanager
    async def open(self, request: StreamRequest) -> AsyncIterator[EventStream]:
        """Play the recording of a request, or send it and record what comes.

        Raises:
            StreamError: There is no recording and none may be made, it may not be played, or asking failed.
        """
        asked = await asyncio.to_thread(described, request)  # other streams go on, also while files are read
        choice = self._choice
        recording = None
        if choice.mode != "record":
            recording = await asyncio.to_thread(self._recording_of, asked)
        if recording is not None:
            self._note(request, asked, recording.path, "fresh")
            async with Player(recording, choice.speed).open(request) as played:
                yield played
            return
        if choice.mode == "replay":
            raise await asyncio.to_thread(self._missing, asked)
        path = choice.file or choice.directory / name_of(asked)
        before = await asyncio.to_thread(self._before, asked) if choice.mode == "auto" else None
        changed = [] if before is None else differences(before, asked)
        self._note(request, asked, path, "stale" if changed else _HOW[choice.mode], _told(changed))
        recorder = Recorder(self._source, path, asked, lambda written: self._store.accept([written]))
        async with decoded(recorder, request) as stream:
            yield _Recording(stream, recorder, _stale(changed))

    def _note(
        self, request: StreamRequest, asked: Mapping[str, Any], path: pathlib.Path, how: How, changed: str = ""
    ) -> None:
        self._uses.add(Use(request.cell, words_of(asked).replace("-", " "), path, how, changed))

    def _before(self, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What was asked in the same words when it was recorded last. Another epoch is another sample, not a change."""
        found = self._files(f"{words_of(asked)}-*{SUFFIX}")
        for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
            with contextlib.suppress(UsageError, OSError):
                before = heading_of(path).request
                if before.get("epoch") == asked.get("epoch"):
                    return before
        return None

    def _recording_of(self, asked: Mapping[str, Any]) -> Recording | None:
        """The recording of a request: the whole answer, or, where nothing may be asked, what there is of it."""
        key = key_of(asked)
        if self._choice.file is not None:
            found = self._played(self._choice.file)
            return found if found.heading.key == key else None
        paths = self._files(f"*-{key}*{SUFFIX}")
        whole = [path for path in paths if path.name.endswith(f"-{key}{SUFFIX}")]
        for path in whole or (paths if self._choice.mode == "replay" else []):
            return self._played(path)
        return None

    def _played(self, path: pathlib.Path) -> Recording:
        try:
            if not (self._choice.trust or self._store.accepts(path)):
                raise _foreign(path)
            return read(path)
        except (UsageError, OSError) as error:
            raise NoRecordingError(f"{plain(str(path))} cannot be played: {exception_line(error)}.") from None

    def _files(self, pattern: str) -> list[pathlib.Path]:
        directory = self._choice.directory
        return sorted(directory.glob(pattern)) if directory.is_dir() else []

    def _missing(self, asked: Mapping[str, Any]) -> StreamError:
        """That there is no recording, with the one that comes closest."""
        what = f"There is no recording of this request in {plain(str(self._choice.directory))}"
        closest = self._closest(asked)
        if closest is None:
            return NoRecordingError(f"{what}.")
        path, recorded = closest
        told = _told(differences(recorded, asked))
        return NoRecordingError(f"{what}. The closest is {plain(path.name)}, which differs in {told}.")

    def _closest(self, asked: Mapping[str, Any]) -> tuple[pathlib.Path, Mapping[str, Any]] | None:
        words = _words(asked)
        best, at_best = None, 0.0
        for path, heading in headings(self._choice):
            matcher = difflib.SequenceMatcher(None, _words(heading.request), words, autojunk=False)
            if matcher.quick_ratio() > at_best and (ratio := matcher.ratio()) > at_best:
                best, at_best = (path, heading.request), ratio
        return best


def headings(choice: RecordingChoice) -> Iterator[tuple[pathlib.Path, Heading]]:
    """The recordings that there are, each with what was asked; what is none is left out.

    Args:
        choice: Where they are.
    """
    paths = sorted(choice.directory.glob(f"*{SUFFIX}")) if choice.file is None else [choice.file]
    for path in paths[:_MOST_COMPARED]:
        with contextlib.suppress(UsageError, OSError):
            yield path, heading_of(path)


_HOW: dict[Mode, How] = {"auto": "missing", "record": "recorded"}


def _told(changed: Sequence[str]) -> str:
    shown = "; ".join(map(plain, changed[:_MOST_SHOWN]))
    return f"{shown}; and {len(changed) - _MOST_SHOWN} more" if len(changed) > _MOST_SHOWN else shown


def _stale(changed: Sequence[str]) -> list[Event]:
    if not changed:
        return []
    return [
        Warned("stale_recording", f"It was asked again, because the recording is of another request: {_told(changed)}.")
    ]


def _words(asked: Mapping[str, Any]) -> list[str]:
    return json.dumps(asked, ensure_ascii=False).split()[:_MOST_WORDS]


_MOST_WORDS = 400


def _foreign(path: pathlib.Path) -> UsageError:
    return UsageError(f"{path.name} was recorded by somebody else, and has not been accepted here")


class _Recording:
    """An `EventStream` that is recorded, and says so if it cannot be."""

    def __init__(self, stream: EventStream, recorder: Recorder, first: list[Event]) -> None:
        self._stream = stream
        self._recorder = recorder
        self._first = first

    @property
    def request_id(self) -> str | None:
        return self._stream.request_id

    @property
    def unrecognized(self) -> Any:
        return getattr(self._stream, "unrecognized", None)

    @property
    def tap(self) -> Any:
        return getattr(self._stream, "tap", None)

    def position(self) -> Position | None:
        return self._stream.position()

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        told = False
        yield self._first
        async for batch in self._stream:
            failure = self._recorder.failure
            if failure is None or told:
                yield batch
                continue
            told = True
            warned = Warned("not_recorded", f"The answer could not be recorded: {exception_line(failure)}.")
            ends = [each for each in batch if type(each) is EndOfStream]
            yield [*(each for each in batch if type(each) is not EndOfStream), warned, *ends]
