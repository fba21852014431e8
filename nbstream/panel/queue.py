"""The messages that wait for the answer in flight: in order, editable until they are sent. Pure.

When to send them is not decided here, but none is sent automatically after one that failed to be sent.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.errors import UsageError
from nbstream.panel.view.panel_state import QueueItem

if TYPE_CHECKING:
    from nbstream.panel.view.panel_state import Attachment

__all__ = ["MessageQueue"]


class MessageQueue:
    """Messages to be sent, oldest first. Not thread-safe.

    Example:
        >>> queue = MessageQueue()
        >>> first, second = queue.add("one"), queue.add("two")
        >>> queue.change(second.id, "2")
        >>> queue.take().text, queue.take().text, queue.take()
        ('one', '2', None)
    """

    def __init__(self) -> None:
        self._items: dict[str, QueueItem] = {}
        self._numbers = itertools.count(1)
        self._held = False

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """What waits."""
        return tuple(self._items.values())

    @property
    def held(self) -> bool:
        """Whether something waits that is not sent automatically."""
        return self._held and bool(self._items)

    def add(self, text: str, attachments: tuple[Attachment, ...] = ()) -> QueueItem:
        """Put a message at the end."""
        item = QueueItem(f"queued-{next(self._numbers)}", text, attachments)
        self._items[item.id] = item
        return item

    def change(self, item_id: str, text: str) -> None:
        """Change the text of a waiting message.

        Raises:
            UsageError: It does not wait any more.
        """
        self._items[item_id] = replace(self._find(item_id), text=text)

    def drop(self, item_id: str) -> None:
        """Take a message out.

        Raises:
            UsageError: It does not wait any more.
        """
        del self._items[self._find(item_id).id]

    def take(self) -> QueueItem | None:
        """The message to send now, which no longer waits; `None` if there is none, or they are held."""
        if self._held or not self._items:
            return None
        return self._items.pop(next(iter(self._items)))

    def put_back(self, item: QueueItem) -> None:
        """Put a message that could not be sent back at the front of the queue."""
        self._items = {item.id: item, **self._items}

    def hold(self) -> None:
        """Send nothing until `release`."""
        self._held = True

    def release(self) -> None:
        """Resume sending."""
        self._held = False

    def _find(self, item_id: str) -> QueueItem:
        try:
            return self._items[item_id]
        except KeyError:
            raise UsageError("this message has been sent already") from None
