"""One output of a cell, which can be replaced later, from any thread. It must not know what is shown."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import secrets
from typing import TYPE_CHECKING, Any

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Output"]


class Output:
    """An output with a display id."""

    def __init__(self) -> None:
        self._publish: Callable[..., None] | None = None
        self._publisher: Any = None  # of the cell that asked
        self._carried: dict[str, Any] = {}
        self._asked = contextvars.Context()  # in which updates are sent
        self._cell = contextvars.Context()  # in which more outputs are made
        self._parent: Any = None  # the request that they belong to

    def display(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Make the output, in the cell that runs now.

        Args:
            data: What to show, by MIME type.
            metadata: What goes with it.
        """
        from IPython.display import display

        shell = running_shell()
        self._asked, self._cell = _context_of_updates(shell), contextvars.copy_context()
        with _as_sent(shell) as self._carried:
            handle = display(data, metadata=metadata, raw=True, display_id=True)
        if shell is not None:
            self._publisher = shell.display_pub
            self._parent = _parent_at(shell.display_pub)
            self._publish = _publish_at(shell.display_pub, handle.display_id)

    def reserve(self) -> None:
        """Show nothing yet, in the cell that runs now; the first `update` with anything to show makes the output."""
        shell = running_shell()
        if shell is None:
            return
        self._cell = contextvars.copy_context()
        self._parent = _parent_at(shell.display_pub)
        self._reserve(shell.display_pub, _context_of_updates(shell))

    @property
    def reaches_cell(self) -> bool:
        """Whether another output of the same cell can still be made.

        ipykernel 6 knows one request at a time, and once it has heard of another, an output would belong to that.
        """
        return bool(self._cell.copy().run(_parent_at, self._publisher) == self._parent)

    def beside(self) -> Output:
        """Another output of the same cell, below those that it has; it is made by its first `update`.

        That belongs to the cell by the context of the cell: outside it, the kernel takes what it has heard last, which
        may be a page that says that the view is gone, for what an output belongs to.
        """
        made = Output()
        if self._publisher is not None:
            made._reserve(self._publisher, self._cell)
        return made

    def _reserve(self, publisher: Any, asked: contextvars.Context) -> None:
        self._publisher, self._asked = publisher, asked
        later = _publish_at(publisher, secrets.token_hex(16))

        def first(data: dict[str, Any], metadata: dict[str, Any]) -> None:
            if not data:
                return
            later(data, metadata, update=False)
            self._publish = later

        self._publish = first

    def update(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Replace what is shown; without effect before there is an output.

        Args:
            data: What to show, by MIME type.
            metadata: What goes with it.
        """
        if self._publish is None:
            return
        metadata = {**{kind: value for kind, value in self._carried.items() if kind in data}, **metadata}
        try:
            self._asked.copy().run(self._publish, data, metadata)  # a copy, because two threads cannot be in one
        except LookupError:  # ipykernel 7.0 knows no cell there
            self._publish(data, metadata)

    def end(self) -> None:
        """Nothing more will be shown."""


def _context_of_updates(shell: Any) -> contextvars.Context:
    """The context in which a message belongs to a cell.

    Front ends go by the display id alone, but nbclient reads only what belongs to the running cell. With ipykernel that
    is the cell of a message outside the context of any; with xeus-python such a message belongs to none, so there it is
    sent in the context of the cell that asked.
    """
    empty = contextvars.Context()
    try:
        belongs = bool(empty.run(shell.kernel.get_parent)["header"])
    except Exception:  # noqa: BLE001  whatever kernels of other makes, and older ones, have or raise
        belongs = True
    return empty if belongs else contextvars.copy_context()


def _parent_at(publisher: Any) -> Any:
    """The id of the request that an output belongs to which is made now."""
    parent = getattr(publisher, "parent_header", None)
    return parent.get("msg_id") if isinstance(parent, dict) else None


def _publish_at(publisher: Any, display_id: str) -> Callable[..., None]:
    # The publisher of this cell, because another cell may have installed its own (`%%capture`) by the time.
    return functools.partial(publisher.publish, transient={"display_id": display_id}, update=True)


@contextlib.contextmanager
def _as_sent(shell: Any) -> Iterator[dict[str, Any]]:
    """The metadata with which something is sent meanwhile.

    Colab names its widget manager there, by a hook that only the thread of the cells has. Updates come from others.
    """
    sent: dict[str, Any] = {}
    publisher: Any = getattr(shell, "display_pub", None)
    if not hasattr(publisher, "register_hook"):
        yield sent
        return

    def note(message: dict[str, Any]) -> dict[str, Any]:
        sent.update(message["content"].get("metadata", {}))
        return message

    publisher.register_hook(note)
    try:
        yield sent
    finally:
        publisher.unregister_hook(note)
