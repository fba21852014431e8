"""Why a kernel was interrupted: by the reader's Stop, where the page's messages do not reach a kernel that is busy.

A page interrupts such a kernel through the Jupyter server, and a signal does not say what it is for. So the page says
it before on the channel for answers to `input()`, the only one that can be read while a cell blocks the kernel. What
`input()` has not asked for is thrown away by ipykernel, too. `NBSTREAM_STOP_CHANNEL=off` leaves the channel alone: then
such a Stop ends its cell with a `KeyboardInterrupt`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any

from nbstream.settings.shell import running_shell

__all__ = ["forget_stops", "is_stop"]

# What `interrupter.js` says.
_WORDS = "nbstream: stop"


def is_stop(patience: float = 0.0) -> bool:
    """Whether the interrupt that has just come is a Stop; on the main thread.

    Args:
        patience: Seconds to wait for the page's words, which it sends before the interrupt, but on another way.
    """
    channel = _channel()
    return channel is not None and _said(*channel, patience)


def forget_stops() -> None:
    """Take no notice of a Stop that came too late for the stream before; on the main thread."""
    channel = _channel()
    while channel is not None and _said(*channel, 0.0):
        pass


def _channel() -> tuple[Any, Any] | None:
    kernel = getattr(running_shell(), "kernel", None)
    socket, session = getattr(kernel, "stdin_socket", None), getattr(kernel, "session", None)
    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(socket, "poll") or session is None or os.environ.get("NBSTREAM_STOP_CHANNEL") == "off":
        return None
    return socket, session


def _said(socket: Any, session: Any, patience: float) -> bool:
    until = time.monotonic() + patience
    while socket.poll(max(0, round(1000 * (until - time.monotonic())))):
        with contextlib.suppress(Exception):  # of a message that was not meant for us, whatever is wrong with it
            _, message = session.recv(socket)
            if message["content"]["value"] == _WORDS:
                return True
    return False
