"""The options of a chat: what holds for every turn, which server its key is for, and what its file asks for besides."""

from __future__ import annotations

import threading
from typing import Any

from nbstream.errors import UsageError
from nbstream.settings.config import settings
from nbstream.settings.options import OPTIONS
from nbstream.settings.resolution import refuse_slips
from nbstream.settings.target import current_address
from nbstream.text.key_function import KeyFunction
from nbstream.text.secret import Secret, takes_key

__all__ = ["ChatOptions", "check_options", "largest_file"]

_NOT_OPTIONS = {"display", "input", "messages", "prompt", "self"}
_OF_A_QUESTION = {option.name for option in OPTIONS if option.of_a_question}
_OF_THE_CHAT = {"history", "max_history_tokens", "max_turns", "name"}


def check_options(names: set[str]) -> None:
    """Raise for what is no option of a turn, but would reach the request as a field of this name.

    Raises:
        UsageError: One of the names is a setting of the chat itself, of another kind, or a slip of an option.

    Example:
        >>> check_options({"model", "seed"})
    """
    if taken := sorted(_NOT_OPTIONS & names):
        raise UsageError(f"{', '.join(taken)} cannot be an option for every turn of a chat")
    if taken := sorted(_OF_A_QUESTION & names):
        raise UsageError(f'{taken[0]} goes with a question, as in chat.stream("…", {taken[0]}=…)')
    if taken := sorted(_OF_THE_CHAT & names):
        names_of_it = ", ".join(taken)
        raise UsageError(f"{names_of_it} cannot be an option: set it on the chat itself, as in chat.{taken[0]} = …")
    refuse_slips(names, _OF_THE_CHAT)


def largest_file() -> int:
    """How many bytes a file with a chat may have."""
    return settings().max_file_bytes


class ChatOptions:
    """The part of `nbs.Chat` that holds options; see there.

    Attributes:
        options: The options for every turn: `model`, `temperature` and whatever else `nbs.start` takes.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.options: dict[str, Any] = {}
        self._untrusted: dict[str, Any] = {}

    @takes_key
    def configure(self, /, **options: Any) -> None:
        """Set options for every later turn; `None` takes one away.

        A key goes only to the server that it is given for: the chat's at this moment.

        Args:
            **options: Any option of `nbs.start` other than `display`.

        Raises:
            UsageError: A chat does not have this option.

        Example:
            ```python
            chat.configure(model="gpt-5-mini", temperature=None)
            ```
        """
        if "system" in options:
            raise UsageError("system cannot be an option for every turn of a chat")
        check_options(set(options))
        with self._lock:
            # New dictionaries, because another thread may be reading the old ones.
            both = {**self.options, **options}
            if isinstance(key := options.get("api_key"), Secret | KeyFunction):
                both["api_key"] = key.meant_for(current_address(settings(), both.get("base_url")))
            self.options = {name: value for name, value in both.items() if value is not None}
            self._untrusted = {name: value for name, value in self._untrusted.items() if name not in options}
        self._changed()

    @property
    def untrusted(self) -> dict[str, Any]:
        """What the file of this chat asks for, and what is not used until `trust` is called.

        A file may come from anybody. The address of a server, tools and other fields of the request could take your
        words elsewhere.

        Example:
            ```python
            chat = nbs.Chat.load("from_a_colleague.json")
            chat.untrusted      # {"base_url": "http://gateway.example/v1"}
            ```
        """
        return dict(self._untrusted)

    def trust(self) -> None:
        """Use what the file of this chat asks for. A key that was given before does not go to its server.

        Example:
            ```python
            chat.untrusted
            chat.trust()
            ```
        """
        with self._lock:
            self.options = {**self._untrusted, **self.options}
            self._untrusted = {}
        self._changed()

    def distrust(self) -> None:
        """Forget what the file of this chat asks for; a file that is saved from now on does not ask for it."""
        with self._lock:
            self._untrusted = {}
        self._changed()

    def _take_options(self, options: dict[str, Any], untrusted: dict[str, Any]) -> None:
        """Begin with these, which have been checked; keys in them stay with their servers."""
        self.options, self._untrusted = dict(options), dict(untrusted)

    def _changed(self) -> None:
        raise NotImplementedError
