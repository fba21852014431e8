"""How a chat leaves its process: saved, exported, copied, pickled. Without keys, and only what has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from nbstream.conversation.chat_files import read_json, write_json
from nbstream.conversation.chat_record import ChatRecord
from nbstream.conversation.document import Document, harmless
from nbstream.errors import UsageError

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from nbformat import NotebookNode

__all__ = ["SavedChat"]


class SavedChat(ChatRecord):
    """The part of `nbs.Chat` that saves; see there."""

    def to_dict(self) -> dict[str, Any]:
        """The chat as JSON values, with all branches, without keys; `from_dict` takes it back."""
        with self._lock:
            return Document(
                self._conversation, self.name, self.history, self.max_turns, self.max_history_tokens, self.options
            ).to_dict()

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The chat from which `to_dict` made this.

        Raises:
            UsageError: It is not a chat, it is damaged, or a newer nbstream has made it.
        """
        document = Document.from_dict(data)
        made = cls(
            name=document.name,
            history=document.history,
            max_turns=document.max_turns,
            max_history_tokens=document.max_history_tokens,
        )
        made.configure(**document.options)
        made._conversation = document.conversation
        return made

    def save(self, path: str | pathlib.Path) -> None:
        """Write the chat to a JSON file, with all branches. Keys are left out; what you wrote in a prompt is not.

        Args:
            path: Where to write; an existing file is replaced as a whole, and keeps its mode and links to it.

        Raises:
            SaveError: It cannot be written; what was there before is unchanged. It is an `OSError`, too.

        Example:
            ```python
            chat.save("chat.json")
            chat = nbs.Chat.load("chat.json")
            ```
        """
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | pathlib.Path) -> Self:
        """The chat that was saved to this file.

        Raises:
            UsageError: The file holds no chat, a damaged one, or one that a newer nbstream has saved.
            OSError: It cannot be read.
        """
        data = read_json(path)
        try:
            return cls.from_dict(data)
        except UsageError as error:
            raise UsageError(f"{path}: {error.happened}", remedies=error.remedies) from None

    def to_markdown(self) -> str:
        """The active path as inert Markdown: a heading line for each turn."""
        from nbstream.conversation.export import to_markdown

        return to_markdown(self.turns, self.system)

    def to_text(self) -> str:
        """The active path in plain words."""
        from nbstream.conversation.export import to_text

        return to_text(self.turns, self.system)

    def to_notebook(self) -> NotebookNode:
        """The active path as a notebook: a cell for each question, with the answer as its output.

        Raises:
            UsageError: nbformat is not installed.

        Example:
            ```python
            nbformat.write(chat.to_notebook(), "chat.ipynb")
            ```
        """
        from nbstream.conversation.export import to_notebook

        return to_notebook(self.turns, self.system, self.name, harmless(self.options))

    # --- copies -------------------------------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        """What `fork` makes, with the same name."""
        other = self.fork()
        other.name = self.name
        return other

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """The same: turns never change."""
        return self.__copy__()

    def __reduce__(self) -> tuple[Callable[[Any], Self], tuple[dict[str, Any]]]:
        """Pickle what `save` would write: turns and settings, without keys, clients and the answer in flight."""
        return type(self).from_dict, (self.to_dict(),)
