"""What comes to a Jupyter page over its websockets, message by message."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocket

__all__ = ["Listener", "Received"]

_PARTS = ("channel", "header", "parent_header", "metadata", "content")


@dataclass
class Received:
    """What a page has received.

    Attributes:
        size: Bytes in all.
        messages: How many messages, by type.
        parts: Bytes by message type and part, such as `"comm_msg content"`.
    """

    size: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)

    def add(self, payload: str | bytes) -> None:
        """Count one websocket message."""
        data = payload.encode() if isinstance(payload, str) else payload
        self.size += len(data)
        if isinstance(payload, str):
            return
        # jupyter_server's own format: how many offsets, the offsets, then channel and the parts of the message.
        count = int.from_bytes(data[:8], "little")
        if not 4 < count < 100:
            return
        offsets = [int.from_bytes(data[8 * n : 8 * n + 8], "little") for n in range(1, count + 1)]
        parts = [data[a:b] for a, b in itertools.pairwise(offsets)]
        kind = json.loads(parts[1])["msg_type"]
        self.messages[kind] += 1
        for name, part in zip(_PARTS, parts, strict=False):
            self.parts[f"{kind} {name}"] += len(part)


class Listener:
    """Counts into `received`, which may be replaced at any time."""

    def __init__(self) -> None:
        self.received = Received()

    def listen(self, page: Page) -> None:
        """Count what the page's websockets receive from now on."""
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._add)

    def _add(self, payload: str | bytes) -> None:
        self.received.add(payload)
