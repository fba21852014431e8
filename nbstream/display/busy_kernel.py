"""Lets pages reach the kernel while a cell waits for an answer, though they name no subshell.

A page that is loaded meanwhile does not know yet that the kernel has subshells, because its question for that waits
behind the cell, as its questions for the widgets and their state do. It would say "Loading widget..." until the cell
has ended, and a call that waits to be allowed could not be allowed there. So what can be answered without the cell is
handed to a subshell of nbstream's.

There is no public way: ipykernel's own handler of its shell channel is called by this one. Where ipykernel is built
otherwise, nothing is changed. `NBStream.answer_while_busy` turns it off.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from nbstream.display.page import is_ours
from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["BusyCell", "BusyKernel", "busy_kernel"]

_QUESTIONS = {"kernel_info_request", "comm_info_request"}
_STATES = "jupyter.widget.control"
"""The target of the channel in which a page asks for the state of all widgets."""


def busy_kernel() -> BusyKernel | None:
    """The kernel that the code runs in, if it can be told that a cell of it waits."""
    kernel = getattr(running_shell(), "kernel", None)
    thread = getattr(kernel, "shell_channel_thread", None)  # there is none before ipykernel 7
    if not hasattr(getattr(thread, "manager", None), "_create_subshell"):
        return None
    return _made_once(kernel)


class BusyCell:
    """The cell of one output, which waits for it now and then. On the thread that waits."""

    def __init__(self) -> None:
        self._kernel: BusyKernel | None = None

    def attend(self, *, waits: bool) -> None:
        """Let pages that come meanwhile find their widgets, or no longer.

        Args:
            waits: Whether the cell waits from now on, and pages are to be answered.
        """
        if waits and self._kernel is None:
            self._kernel = busy_kernel()
            if self._kernel is not None:
                self._kernel.begin()
        elif not waits and self._kernel is not None:
            self._kernel.end()
            self._kernel = None


@functools.cache
def _made_once(kernel: Any) -> BusyKernel:
    return BusyKernel(kernel)  # it keeps its subshell, because what a page has sent there may still be on its way


class BusyKernel:
    """One kernel of ipykernel 7 or newer.

    Args:
        kernel: It has a thread for its shell channel, on which all of this runs but `begin` and `end`.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._loop = kernel.shell_channel_thread.io_loop
        self._subshell: str | None = None
        self._state_channels: set[str] = set()
        self._waiting = 0

    def begin(self) -> None:
        """The main thread waits from now on."""
        self._loop.add_callback(self._count, 1)

    def end(self) -> None:
        """It no longer does."""
        self._loop.add_callback(self._count, -1)

    def _count(self, more: int) -> None:
        self._waiting += more
        if self._waiting == (more > 0):
            handle = self._handle if self._waiting else self._kernel.shell_channel_thread_main
            self._kernel.shell_stream.on_recv(handle, copy=False)

    def _handle(self, frames: list[Any]) -> Coroutine[Any, Any, None]:
        with contextlib.suppress(Exception):  # whatever is wrong with it, ipykernel has words for it
            frames = self._addressed(frames)
        handled: Coroutine[Any, Any, None] = self._kernel.shell_channel_thread_main(frames)
        return handled

    def _addressed(self, frames: list[Any]) -> list[Any]:
        session = self._kernel.session
        identities, rest = session.feed_identities(frames, copy=False)
        message = session.deserialize(rest, content=False, copy=False)
        if message["header"].get("subshell_id") is not None or not self._for_widgets(message):
            return frames
        if self._subshell is None:
            self._subshell = self._kernel.shell_channel_thread.manager._create_subshell()  # noqa: SLF001
        message["header"]["subshell_id"] = self._subshell
        new_frame = type(frames[0])
        parts = session.serialize(message, identities)
        return [*map(new_frame, parts), *map(new_frame, message["buffers"])]

    def _for_widgets(self, message: dict[str, Any]) -> bool:
        kind = message["header"]["msg_type"]
        if kind in _QUESTIONS:
            return True
        if kind not in {"comm_open", "comm_msg", "comm_close"}:
            return False
        content = self._kernel.session.unpack(message["content"])
        channel = content["comm_id"]
        if kind == "comm_open" and content["target_name"] == _STATES:
            self._state_channels.add(channel)
        # Other widgets belong to code that may expect the main thread.
        return channel in self._state_channels or is_ours(self._kernel.comm_manager.get_comm(channel))
