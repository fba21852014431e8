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

__all__ = ["is_stop"]

# What `jupyter_host.js` says.
_WORDS = "nbstream: stop"
# The words are sent before the interrupt, but on another way.
_PATIENCE_SECONDS = 0.2


def is_stop() -> bool:
    """Whether the interrupt that has just come is a Stop; on the main thread."""
    kernel = getattr(running_shell(), "kernel", None)
    socket, session = getattr(kernel, "stdin_socket", None), getattr(kernel, "session", None)
    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(socket, "poll") or session is None or os.environ.get("NBSTREAM_STOP_CHANNEL") == "off":
        return False
    return _said(socket, session)


def _said(socket: Any, session: Any) -> bool:
    until = time.monotonic() + _PATIENCE_SECONDS
    while (left := until - time.monotonic()) > 0 and socket.poll(max(1, round(1000 * left))):
        message = None
        with contextlib.suppress(Exception):  # of a message that was not meant for us, whatever is wrong with it
            _, message = session.recv(socket)
        if message is not None and message["content"].get("value") == _WORDS:
            return True
    return False
