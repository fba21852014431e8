"""The answers of one map: in its checkpoint, and in memory what could not be written there."""

from __future__ import annotations

import atexit
import contextlib
import os
import pathlib
import sqlite3
import tempfile
import threading
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from nbstream.failures import UsageError
from nbstream.many.checkpoint.checkpoint import Checkpoint, KeptAnswer
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.many.asking.runner import RowAnswer

__all__ = ["KeptAnswers", "kernel_checkpoint"]


class KeptAnswers:
    """Reads and writes the answers of one map. Any thread may use it.

    Args:
        checkpoint: The file.
        reuses: Whether what earlier maps have been answered counts.

    Attributes:
        run: What the map is called in the file.
        note: What there is to say of the file, in a line.
    """

    def __init__(self, checkpoint: Checkpoint, *, reuses: bool = True) -> None:
        self.checkpoint = checkpoint
        self.run = uuid.uuid4().hex[:12]
        self.note: str | None = None
        self._reuses = reuses
        self._unwritten: dict[bytes, RowAnswer] = {}
        self._lock = threading.Lock()

    @property
    def unwritten(self) -> int:
        """How many answers are in memory only, because they could not be written."""
        return len(self._unwritten)

    def of(self, keys: Sequence[bytes]) -> dict[bytes, KeptAnswer]:
        """The answers under these keys, whole or not.

        Raises:
            UsageError: The file cannot be read.
        """
        found = self.checkpoint.of(keys)
        with self._lock:
            waiting = {key: self._unwritten[key] for key in keys if key in self._unwritten}
        return found | {key: _in_memory(self.run, answer) for key, answer in waiting.items()}

    def texts_of(self, keys: Sequence[bytes]) -> dict[bytes, tuple[str, str | None]]:
        """Text and value of the answers under these keys, whole or not.

        Raises:
            UsageError: The file cannot be read.
        """
        found = self.checkpoint.texts_of(keys)
        with self._lock:
            waiting = {key: self._unwritten[key] for key in keys if key in self._unwritten} if self._unwritten else {}
        return found | {key: (answer.text, answer.value) for key, answer in waiting.items()}

    def hit(self, key: bytes, *, again: bool = False) -> KeptAnswer | None:
        """The answer that a row has before it is asked, if any: a whole one, or the failure of an equal row.

        Args:
            key: Of the row.
            again: Whether it has failed before, and is to be asked once more.
        """
        kept = self.of([key]).get(key)
        if kept is None or not (self._reuses or kept.run == self.run):
            return None
        if kept.state == "completed":
            return kept
        return kept if kept.state == "failed" and kept.run == self.run and not again else None

    def question_of(self, key: bytes) -> tuple[Mapping[str, Any], ...] | None:
        """What was asked, if the answer is not whole."""
        with self._lock:
            waiting = self._unwritten.get(key)
        if waiting is not None:
            return None if waiting.is_whole else waiting.row.messages or None
        return self.checkpoint.question_of(key)

    def write(self, answers: Sequence[RowAnswer]) -> str | None:
        """Write answers, with those that could not be written before; why they could not be, if so.

        They are kept in memory then, so that nothing is lost while this process lives.
        """
        with self._lock:
            waiting = [*self._unwritten.values()]
        try:
            self.checkpoint.keep(self.run, [*waiting, *answers])
        except (sqlite3.Error, OSError) as error:
            with self._lock:
                self._unwritten |= {each.row.key: each for each in answers}
            name = plain(str(self.checkpoint.path))
            return f"the checkpoint {name} could not be written ({plain(str(error))})"
        with self._lock:
            for each in waiting:
                self._unwritten.pop(each.row.key, None)
        return None


class _OfKernel:
    """The temporary file of this process."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    checkpoint: ClassVar[Checkpoint | None] = None
    pid: ClassVar[int] = 0


def kernel_checkpoint() -> Checkpoint:
    """The file that keeps answers where no checkpoint is named; it is deleted when this process ends.

    Raises:
        UsageError: There is no place for it.
    """
    with _OfKernel.lock:
        if _OfKernel.checkpoint is None or _OfKernel.pid != os.getpid():
            try:
                directory = pathlib.Path(tempfile.mkdtemp(prefix="nbstream-map-"))
            except OSError as error:
                raise UsageError(f"there is no place for temporary files ({error.strerror})") from None
            _OfKernel.checkpoint, _OfKernel.pid = Checkpoint(directory / "answers.sqlite", durable=False), os.getpid()
            atexit.register(_delete, _OfKernel.checkpoint)
        return _OfKernel.checkpoint


def _delete(checkpoint: Checkpoint) -> None:
    if _OfKernel.pid == os.getpid():
        checkpoint.close()
        with contextlib.suppress(OSError):
            checkpoint.path.unlink()
            checkpoint.path.parent.rmdir()


def _in_memory(run: str, answer: RowAnswer) -> KeptAnswer:
    names = ("state", "text", "value", "error", "kind", "usage", "cost", "attempts", "source")
    return KeptAnswer(key=answer.row.key, run=run, **{name: getattr(answer, name) for name in names})
