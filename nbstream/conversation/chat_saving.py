"""How a chat leaves its process: saved, exported, copied, pickled. Without keys, and only what has ended."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from nbstream.conversation import journal
from nbstream.conversation.chat_files import KnownFiles
from nbstream.conversation.chat_options import largest_file
from nbstream.conversation.chat_record import ChatRecord
from nbstream.conversation.document import Document, turn_to_dict
from nbstream.conversation.recovery import recover
from nbstream.conversation.saved_options import harmless
from nbstream.errors import ConnectionLostError, UsageError
from nbstream.result import StreamState
from nbstream.tools.journal import attempted, unsettled

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from nbformat import NotebookNode

    from nbstream.conversation.chat_running import RunningTurn
    from nbstream.result import StreamResult

__all__ = ["SavedChat"]

Chat = TypeVar("Chat", bound="SavedChat")

_log = logging.getLogger("nbstream")

_STILL_ARRIVING = "The answer was still arriving when it was saved."


class SavedChat(ChatRecord):
    """The part of `nbs.Chat` that saves; see there."""

    def to_dict(self) -> dict[str, Any]:
        """The chat as JSON values, with all branches, without keys; `from_dict` takes it back."""
        with self._lock:
            limits = self.max_turns, self.max_history_tokens
            options = self.options, self._untrusted
            return Document(self._conversation, self.name, self.history, *limits, *options).to_dict()

    @classmethod
    def from_dict(cls, data: Any, *, trust: bool = False) -> Self:
        """The chat from which `to_dict` made this.

        Args:
            data: What `to_dict` has returned.
            trust: Whether to use all that it asks for, its server's address included; see `untrusted`.

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
        made._take_options(document.options, document.untrusted)
        made._conversation = document.conversation
        made._loaded = frozenset(turn.id for turn in document.conversation.tree)
        if trust:
            made.trust()
        return made

    def save(self, path: str | pathlib.Path, *, replace: bool = False) -> None:
        """Write the chat to a JSON file, with all branches. Keys are left out; what you wrote in a prompt is not.

        Args:
            path: Where to write; an existing file is replaced as a whole, and keeps its mode and links to it.
            replace: Whether to replace it also if it has changed since this chat was loaded from it or saved to it.

        Raises:
            ChangedFileError: It has changed, as another process has saved to it; nothing was written.
            SaveError: It cannot be written; what was there before is unchanged. It is an `OSError`, too.

        Example:
            ```python
            chat.save("chat.json")
            chat = nbs.Chat.load("chat.json", trust=True)
            ```
        """
        with self._lock:
            before = list(self._conversation.tree)
        self._files.write(path, self.to_dict(), replace=replace)
        with self._lock, contextlib.suppress(OSError):  # what stays in the journal is known to be in the file
            arriving, tree = self.running, self._conversation.tree
            # An answer that has been continued meanwhile is not in the file as it is now.
            saved = {each.id for each in before if each.id in tree and tree[each.id] is each}
            saved -= set() if arriving is None else {arriving.id}
            journal.forget(journal.journal_of(self._files.path or path), saved)

    @classmethod
    def load(cls, path: str | pathlib.Path, *, trust: bool = False) -> Self:
        """The chat that was saved to this file.

        Args:
            path: The file.
            trust: Whether to use all that it asks for, its server's address included, or what your settings say.

        Raises:
            UsageError: The file holds no chat, a damaged one, or one that a newer nbstream has saved.
            OSError: It cannot be read.
        """
        files = KnownFiles()
        data = files.read(path, largest_file(), "not a saved chat; chat.save(path) makes one")
        try:
            made = cls.from_dict(data, trust=trust)
        except UsageError as error:
            raise UsageError(f"{path}: {error.happened}", remedies=error.remedies) from None
        made._files = files  # noqa: SLF001  of this class
        made._recover()  # noqa: SLF001  of this class
        if asked := made.untrusted:
            _log.warning("%s asks for %s, which is not used until you call chat.trust()", path, ", ".join(asked))
        return made

    def _recover(self) -> None:
        """Take back what the journal of its file has and the file has not."""
        path = journal.journal_of(self._files.path or "")
        lost = recover(self._conversation, journal.read(path, largest_file()), path)
        self._loaded = frozenset(turn.id for turn in self._conversation.tree)
        if lost:
            names = ", ".join(dict.fromkeys(each.name for each in lost))
            _log.warning("%s: the program ended while %s ran; nobody knows whether it was done", path.stem, names)

    def _journal_of(self, running: RunningTurn) -> journal.ChatJournal:
        """What keeps the calls of an exchange."""
        with self._lock:
            tree, asked, before = self._conversation.tree, running.user, running.parent
            if asked is None and before is not None:  # it is among the turns, but perhaps not in the file
                asked, before = tree[before], tree.parent(before)
            answers = [(turn.id, turn.answer.parts) for turn in tree if turn.answer is not None]
        loaded = [part for turn_id, parts in answers if turn_id in self._loaded for part in parts]
        every = [part for _, parts in answers for part in parts]
        question = None if asked is None else turn_to_dict(asked)
        head = {"parent": before, "question": question, "context": running.context}
        return journal.ChatJournal(self._files, running.id, head, attempted(loaded), unsettled(every))

    def to_markdown(self) -> str:
        """The active path as inert Markdown: a heading line for each turn."""
        from nbstream.conversation.export import to_markdown

        return to_markdown(self.turns, self.system)

    def _repr_markdown_(self) -> str:
        return self.to_markdown() or "*An empty chat.*"

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

    def with_arriving(self, running: RunningTurn, snapshot: StreamResult) -> Self:
        """A copy that also has the answer in flight, as one that broke off: what to save if no end may come."""
        with self._lock:
            other = self.__copy__()
            lost = ConnectionLostError(_STILL_ARRIVING)
            result = replace(snapshot, state=StreamState.FAILED, error=lost)
            running.commit(other._conversation, result)  # noqa: SLF001  another of this class
            return other

    def __copy__(self) -> Self:
        """What `fork` makes, with the same name."""
        other = self.fork()
        other.name = self.name
        return other

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """The same: turns never change."""
        return self.__copy__()

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...]]:
        """Pickle what `save` would write: turns and settings, without keys, clients and the answer in flight."""
        with self._lock:
            return _unpickled, (type(self), self.to_dict(), tuple(self._untrusted), self._files.digests)


def _unpickled(kind: type[Chat], data: Any, untrusted: tuple[str, ...], files: dict[str, bytes] | None = None) -> Chat:
    """The chat with what it trusted: a pickle, unlike a file of JSON, can run any code of whoever has made it."""
    made = kind.from_dict(data)
    asked = made.untrusted
    trusted = {name: asked.pop(name) for name in asked.keys() - set(untrusted)}
    made._take_options({**trusted, **made.options}, asked)  # noqa: SLF001  of this file
    made._files = KnownFiles(files)  # noqa: SLF001  of this file
    return made
