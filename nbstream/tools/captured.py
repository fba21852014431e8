"""What a function prints and displays where no cell shows it: taken from its own thread, and from no other."""

from __future__ import annotations

import contextlib
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

from nbstream.settings.shell import running_shell
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Captured"]

_LONGEST = 20_000  # characters
_STREAMS = "stdout", "stderr"

_capturing: ContextVar[Captured | None] = ContextVar("nbstream_capturing", default=None)
_lock = threading.Lock()


class Captured:
    """Takes what the code in a `with` block prints and displays; others may print at the same time.

    Example:
        >>> with Captured() as captured:
        ...     print("Three of five.")
        >>> captured.text
        'Three of five.'
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """What was printed; of much of it the beginning, which says so."""
        text = plain(encodable("".join(self._pieces))).strip("\n")
        return text if self._length <= _LONGEST else f"{text}\n[Cut: {self._length:,} characters in all.]"

    def add(self, text: str) -> None:
        """Take a piece."""
        if (room := _LONGEST - self._length) > 0:
            self._pieces.append(text[:room])
        self._length += len(text)

    def __enter__(self) -> Self:
        self._token = _capturing.set(self)
        self._routed = [_Routed(name, self) for name in _STREAMS]
        self._leave = _hooked(self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        for routed in self._routed:
            routed.leave()
        _capturing.reset(self._token)

    def _take(self, message: dict[str, Any]) -> None:
        """Take what is displayed, in words, from the message that would have told a page."""
        data = message.get("content", {}).get("data") or {}
        if isinstance(words := data.get("text/plain"), str):
            self.add(f"{words}\n")


class _Routed:
    """Stands in place of a stream: what comes from where somebody captures is theirs, everything else is passed on."""

    def __init__(self, name: str, captured: Captured) -> None:
        self._name, self._captured = name, captured
        self._over = False
        with _lock:
            self._stream = getattr(sys, name)
            setattr(sys, name, self)

    def write(self, text: str) -> int:
        if _capturing.get() is self._captured:
            self._captured.add(text)
            return len(text)
        written: int = self._stream.write(text) if self._stream is not None else 0
        return written

    def leave(self) -> None:
        """Give the stream its place back, and those that have left before but were not on top."""
        self._over = True
        with _lock:
            while isinstance(stream := getattr(sys, self._name), _Routed) and stream._over:  # noqa: SLF001  another of this class
                setattr(sys, self._name, stream._stream)  # noqa: SLF001  another of this class

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _hooked(take: Callable[[dict[str, Any]], None]) -> Callable[[], object]:
    """Give what this thread displays to `take`, where a kernel has hooks for that; returns what ends it."""
    publisher: Any = getattr(running_shell(), "display_pub", None)
    if not hasattr(publisher, "register_hook"):
        return lambda: None
    publisher.register_hook(take)  # which returns nothing, so that nothing is sent

    def leave() -> None:
        with contextlib.suppress(ValueError):
            publisher.unregister_hook(take)

    return leave
