"""The page's end of the kernel's comms: what widgets send to it, and what it says to them."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any
from unittest import mock

import ipywidgets
import traitlets

if TYPE_CHECKING:
    import pytest

__all__ = ["OLD_WIDGETS", "Page"]

OLD_WIDGETS = ipywidgets.__version__.startswith("7.")


class Page:
    """Every comm that is made from now on leads here.

    Args:
        monkeypatch: Restores things.
        kept: How many of the last messages are kept, by default all.

    Attributes:
        messages: What was sent, as pairs of the message's type and its data.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, kept: int | None = None) -> None:
        self.messages: deque[tuple[str, dict[str, Any]]] = deque(maxlen=kept)
        self._comms: list[Any] = []

        def publish(_: Any, msg_type: str, data: Any = None, *__: Any, **___: Any) -> None:
            self.messages.append((msg_type, data or {}))

        def create_comm(*arguments: Any, **named: Any) -> Any:
            made = kind(*arguments, **named)
            self._comms.append(made)
            return made

        kind: Any
        if OLD_WIDGETS:  # their comms are the kernel's own, which it sends by another method from version to version
            from ipykernel.comm import Comm

            kernel = traitlets.Any(mock.Mock(shell=None))
            kind = type("KernelComm", (Comm,), {"kernel": kernel, "publish_msg": publish, "_publish_msg": publish})
            monkeypatch.setattr("ipywidgets.widgets.widget.Comm", create_comm)
        else:
            from comm.base_comm import BaseComm

            kind = type("PageComm", (BaseComm,), {"publish_msg": publish})
            monkeypatch.setattr("comm.create_comm", create_comm)

    @property
    def custom(self) -> list[dict[str, Any]]:
        """The custom messages of widgets, in order."""
        sent = (data for kind, data in self.messages if kind == "comm_msg")
        return [data["content"] for data in sent if data.get("method") == "custom"]

    @property
    def sizes(self) -> list[int]:
        """The bytes of each message's data, as JSON."""
        return [len(json.dumps(data, ensure_ascii=False).encode()) for _, data in self.messages]

    def take(self) -> list[dict[str, Any]]:
        """The custom messages since the last time."""
        taken = self.custom
        self.messages.clear()
        return taken

    def says(self, message: dict[str, Any], comm: int = -1) -> None:
        """Send a custom message to the widget of a comm, by default the last that was made."""
        content = {"comm_id": self._comms[comm].comm_id, "data": {"method": "custom", "content": message}}
        self._comms[comm].handle_msg({"content": content, "buffers": []})
