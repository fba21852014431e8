"""Tells others what happens, in order, on a thread of its own: a listener may be slow or fail without consequence."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from nbstream.streaming.daemon_thread import DaemonThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

__all__ = ["Notices", "told"]

_log = logging.getLogger("nbstream")


class Notices:
    """Calls functions one after the other; what one raises is logged.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str = "nbstream-notices") -> None:
        self._thread = DaemonThread(name)

    def tell(self, listener: Callable[..., object], *news: Any) -> Future[None]:
        """Call `listener(*news)` after all earlier calls; from any thread."""
        return self._thread.submit(told, listener, *news)

    def close(self) -> None:
        """Let the thread end once all calls are made."""
        self._thread.shutdown(wait=False)


def told(listener: Callable[..., object], *news: Any) -> None:
    """Call `listener(*news)`; what it raises is logged."""
    try:
        listener(*news)
    except (Exception, SystemExit, KeyboardInterrupt):  # noqa: BLE001  whatever a listener raises
        _log.exception("nbstream could not tell a listener what happened")
