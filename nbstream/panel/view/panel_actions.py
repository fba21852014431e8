"""What the reader of a chat panel can do, and how the page's messages become calls.

The page is not trusted to be well-behaved: a message of another shape is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nbstream.panel.view.panel_state import Attachment

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Download", "PanelActions", "perform"]


class Download(NamedTuple):
    """A file for the reader."""

    filename: str
    mime: str
    text: str


class PanelActions(Protocol):
    """What a panel's view calls when the reader does something.

    Each call may come from any thread and returns at once. What it raises is shown beside the composer in one line,
    and a message that could not be sent goes back into the composer. What changes is told by `PanelView.show`.
    """

    def send(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Ask, or queue the message while an answer is in flight."""
        ...

    def stop(self, turn_id: str | None = None) -> None:
        """Stop the answer in flight and keep what has arrived.

        Args:
            turn_id: The turn that streams, if it still does; without it, whatever streams.
        """
        ...

    def edit(self, turn_id: str, text: str) -> None:
        """Ask again with other words: a sibling of a user turn."""
        ...

    def regenerate(self, turn_id: str) -> None:
        """Ask for another answer: a sibling of an assistant turn."""
        ...

    def retry(self, turn_id: str) -> None:
        """Ask again for an answer that failed."""
        ...

    def resume(self, turn_id: str) -> None:
        """Continue a partial answer."""
        ...

    def select(self, turn_id: str) -> None:
        """Show the branch of this sibling."""
        ...

    def delete(self, turn_id: str) -> None:
        """Delete a turn with what follows it."""
        ...

    def undelete(self) -> None:
        """Put back what was deleted last."""
        ...

    def include(self, turn_id: str, included: bool) -> None:  # noqa: FBT001  the field's name says what it is
        """Send a partial answer along with later requests, or leave it out."""
        ...

    def change_queued(self, item_id: str, text: str) -> None:
        """Give a queued message another text."""
        ...

    def drop_queued(self, item_id: str) -> None:
        """Take a queued message back."""
        ...

    def send_next(self) -> None:
        """Send the first queued message, although the queue is paused."""
        ...

    def set(self, name: str, value: str | float | None) -> None:
        """Set `"model"`, `"system"` or one of the parameters; `None` is the endpoint's own choice."""
        ...

    def trust(self) -> None:
        """Use what the file of the conversation asks for."""
        ...

    def distrust(self) -> None:
        """Forget what the file of the conversation asks for."""
        ...

    def list_models(self) -> None:
        """Find out which models there are; they come with the next state."""
        ...

    def export(self, kind: str) -> Download:
        """The conversation as a file of one of the kinds offered."""
        ...

    def dismiss(self, words: str) -> None:
        """Take the notice with these words away; without words, that something was deleted."""
        ...


_OF_ONE = {"delete", "dismiss", "drop_queued", "regenerate", "resume", "retry", "select"}


def perform(actions: PanelActions, message: Mapping[str, Any]) -> Any:
    """Call what a message of the page asks for.

    Args:
        actions: Whom to call.
        message: What the reader has done: `action` and its arguments by name.

    Returns:
        What the page is waiting for, as JSON.

    Raises:
        Exception: Whatever the action raises.

    Example:
        >>> class Stopping:
        ...     def stop(self, turn_id=None):
        ...         print("stopped", turn_id)
        >>> perform(Stopping(), {"action": "stop", "turn": "a1"})
        stopped a1
    """
    match message:
        case {"action": "send", "text": str(text), "attachments": list(files)}:
            actions.send(text, tuple(_attachment(file) for file in files))
        case {"action": "edit" | "change_queued" as name, "target": str(target), "text": str(text)}:
            getattr(actions, name)(target, text)
        case {"action": str(name), "target": str(target)} if name in _OF_ONE:
            getattr(actions, name)(target)
        case {"action": "include", "target": str(target), "included": bool(included)}:
            actions.include(target, included)
        case {"action": "set", "name": str(name), "value": str() | int() | float() | None as value}:
            actions.set(name, value)
        case {"action": "stop", "turn": str(turn_id)}:
            actions.stop(turn_id)
        case {"action": "stop" | "list_models" | "trust" | "distrust" | "send_next" | "undelete" as name}:
            getattr(actions, name)()
        case {"action": "export", "kind": str(kind)}:
            return actions.export(kind)._asdict()
        case _:
            pass  # a page of another version
    return None


def _attachment(file: Any) -> Attachment:
    """What the page says about a file; only what is text."""
    known = {name: file.get(name) for name in ("name", "type", "url", "text")} if isinstance(file, dict) else {}
    return Attachment(**{"name": "file", **{name: value for name, value in known.items() if isinstance(value, str)}})
