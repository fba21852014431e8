"""What has happened in one stream, kept to be looked at: its steps, and the beginning and end of what the server sent.

It is written on the engine's loop, where each piece costs an append. What is kept is bounded, however long the answer.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nbstream.streaming.steps import Asked, Called, Opened, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbstream.events import Event
    from nbstream.request import Endpoint

__all__ = ["Clip", "Tape", "Wire"]

T = TypeVar("T")

_HEAD, _TAIL, _IN_ALL = 768 * 1024, 256 * 1024, 1024 * 1024
_MOST_STEPS = 2000

# What keeping something costs beside its own bytes. Events are kept only where there are no bytes.
_PIECE, _BATCH = 150, 6000


class Clip(Generic[T]):
    """The beginning and the end of a sequence, and how much of its middle was left out.

    Args:
        head: The size of the beginning.
        tail: The size of the end.

    Attributes:
        left_out: How many items of the middle were not kept.
        size: Of what is kept.

    Example:
        >>> clip = Clip(head=2, tail=1)
        >>> for letter in "abcde":
        ...     clip.add(letter, 0.0, 1)
        >>> clip.head, clip.left_out, clip.tail
        ([('a', 0.0), ('b', 0.0)], 2, [('e', 0.0)])
    """

    def __init__(self, head: int = _HEAD, tail: int = _TAIL) -> None:
        self.left_out = 0
        self.size = 0
        self._head: list[tuple[T, float]] = []
        self._tail: deque[tuple[T, float, int]] = deque()
        self._head_room: int | None = head  # `None` once something did not fit
        self._tail_room = tail

    def add(self, item: T, at: float, size: int) -> None:
        """Keep an item, at the cost of an earlier one if there is no room."""
        self.size += size
        if self._head_room is not None:
            if size <= self._head_room:
                self._head_room -= size
                self._head.append((item, at))
                return
            self._head_room = None
        self._tail.append((item, at, size))
        self._tail_room -= size
        while self._tail_room < 0:
            dropped = self._tail.popleft()[2]
            self._tail_room += dropped
            self.size -= dropped
            self.left_out += 1

    def clear(self) -> None:
        """Keep nothing of it."""
        self.left_out += len(self._head) + len(self._tail)
        self._head, self._tail, self.size = [], deque(), 0

    @property
    def head(self) -> list[tuple[T, float]]:
        """The items of the beginning, each with its moment."""
        return self._head.copy()

    @property
    def tail(self) -> list[tuple[T, float]]:
        """Those of the end, if they are not of the beginning."""
        return [(item, at) for item, at, _ in self._tail.copy()]

    def replace(self, head: list[tuple[T, float]], tail: list[tuple[T, float]]) -> None:
        """Keep these in place of what there is, when no more is added."""
        self._head, self._tail = head, deque((item, at, 0) for item, at in tail)


class Wire:
    """What came in answer to one sending of a request.

    Attributes:
        endpoint: Where it came from, with the key that the request carried, until what is kept holds no key.
        pieces: The bytes.
        batches: The events, of a stream that has no bytes or may not be shown before a stage has seen it.
    """

    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None
        self.pieces: Clip[bytes] = Clip()
        self.batches: Clip[Sequence[Event]] = Clip()

    def seal(self) -> None:
        """Take a key out of what is kept, where the server has repeated it."""
        if self.endpoint is not None:
            self.pieces.replace(*self.without_key())
            self.endpoint = None

    def without_key(self) -> tuple[list[tuple[bytes, float]], list[tuple[bytes, float]]]:
        """The beginning and the end of the bytes without a key, cut at the ends of lines as far as that is possible."""
        head, tail = self.pieces.head, self.pieces.tail
        if self.endpoint is None:
            return head, tail
        clean = self.endpoint.redaction().without_key
        return [*_cleaned(clean, head)], [*_cleaned(clean, tail)]


class Tape:
    """What has happened in one stream.

    Attributes:
        steps: What, each with its moment in seconds since 1970.
        wires: What came for each `Asked` among them, in their order.
        left_out: How many steps were not kept.
        has_bytes: Whether the bytes of the stream are kept, so that its events need not be.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[float, Step]] = []
        self.wires: list[Wire] = []
        self.left_out = 0
        self._stopped = False
        self.has_bytes = False

    # --- on the loop --------------------------------------------------------------------------------------------------

    def step(self, at: float, step: Step) -> None:
        """Keep a step."""
        if self._stopped:
            return
        if len(self.steps) >= _MOST_STEPS and type(step) in {Called, Opened}:
            self.left_out += 1
            return
        self.steps.append((at, step))
        if type(step) is Asked:
            self.has_bytes = False
            self._make_room()
            self.wires.append(Wire())

    def listen(self, stream: Any, since: float) -> None:
        """Keep the bytes of a stream that has just been opened, if it has any.

        Args:
            stream: An `EventStream`.
            since: The moment at which the clock of the loop was 0, in seconds since 1970.
        """
        wires, tap = self.wires, getattr(stream, "tap", None)  # another thread may stop it meanwhile
        if not wires or tap is None:
            return
        wire = wires[-1]

        def take(piece: bytes, at: float) -> None:
            if not self._stopped:
                wire.pieces.add(piece, since + at, len(piece) + _PIECE)

        wire.endpoint = tap(take)
        self.has_bytes = True

    def events(self, at: float, events: Sequence[Event]) -> None:
        """Keep events that have come."""
        wires = self.wires
        if wires and events:
            wires[-1].batches.add(events, at, _BATCH * len(events))

    # --- anywhere -----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Keep nothing any more, and forget what was kept: another stream is the last one now."""
        self._stopped = True
        self.steps, self.wires = [], []

    def seal(self) -> None:
        """Take keys out of what is kept. It takes time: not on the loop."""
        for wire in self.wires.copy():
            wire.seal()

    def _make_room(self) -> None:
        spare = _IN_ALL - sum(wire.pieces.size + wire.batches.size for wire in self.wires)
        for wire in self.wires:
            if spare >= 0:
                return
            spare += wire.pieces.size + wire.batches.size
            wire.pieces.clear()
            wire.batches.clear()


def _cleaned(clean: Any, pieces: list[tuple[bytes, float]]) -> Iterator[tuple[bytes, float]]:
    held, last = bytearray(), 0.0
    for piece, at in pieces:
        last = at
        held += piece
        if cut := held.rfind(b"\n") + 1:
            yield _without(clean, bytes(held[:cut])), at
            del held[:cut]
    if held:
        yield _without(clean, bytes(held)), last


def _without(clean: Any, piece: bytes) -> bytes:
    text = piece.decode("utf-8", "replace")
    cleaned = clean(text)
    return piece if cleaned == text else cleaned.encode()
