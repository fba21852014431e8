"""Lets a process be forked while nbstream works in the background.

A child has only the thread that forked. What another thread was importing stays half imported there for ever, and what
it had locked stays locked. So a fork waits, not for long, until nbstream's threads are where they hold nothing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["halted_for_forks", "import_now", "importing", "parked"]

_PATIENCE_SECONDS = 30.0  # on a busy machine an import takes its time

_importing = threading.Lock()


def import_now(module: str) -> None:
    """Import a module; no fork happens meanwhile."""
    with importing():
        importlib.import_module(module)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Let no fork happen while the block imports. Blocks cannot be nested."""
    with _importing:
        yield


@functools.cache
def halted_for_forks(halt: Callable[[], Callable[[], None]], renew: Callable[[], None]) -> None:
    """Halt what runs in the background whenever this process is about to fork, from now on.

    Args:
        halt: Called on the thread that forks. Waits until what it halts holds nothing, and returns what lets it go on.
        renew: Called in the child, to replace locks.
    """
    if hasattr(os, "register_at_fork"):
        forks = _Forks(halt, renew)
        os.register_at_fork(before=forks.before, after_in_parent=forks.in_parent, after_in_child=forks.in_child)


class _Forks:
    def __init__(self, halt: Callable[[], Callable[[], None]], renew: Callable[[], None]) -> None:
        self._halt = halt
        self._renew = renew
        self._undo: list[Callable[[], None]] = []

    def before(self) -> None:
        if _importing.acquire(timeout=_PATIENCE_SECONDS):
            self._undo.append(_importing.release)
        self._undo.append(self._halt())

    def in_parent(self) -> None:
        undo, self._undo = self._undo, []
        for each in reversed(undo):
            each()

    def in_child(self) -> None:
        global _importing  # noqa: PLW0603  whoever held it is not here
        self._undo.clear()
        _importing = threading.Lock()
        self._renew()


@contextlib.contextmanager
def parked(call_soon: Callable[[Callable[[], object]], object]) -> Iterator[None]:
    """Hold a loop up in a callback of its own, where it imports nothing and has locked nothing.

    Args:
        call_soon: Has the loop call something soon.
    """
    reached, go_on = threading.Event(), threading.Event()

    def stand() -> None:
        reached.set()
        go_on.wait(_PATIENCE_SECONDS)

    call_soon(stand)
    reached.wait(_PATIENCE_SECONDS)
    try:
        yield
    finally:
        go_on.set()
