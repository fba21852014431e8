"""A chat as a JSON document and back: versioned, without keys, and checked on the way in. Must not know files.

    {"nbstream_chat": 1, "name": …, "system": …, "history": …, "max_turns": …, "max_history_tokens": …, "options": {…},
     "turns": [{"id": …, "parent": …, "active": true, "role": …, "content": …, …}, …]}

Parents come before their children, siblings in order; a field of a turn that has its usual value is left out.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from nbstream.address import bare
from nbstream.conversation.conversation import Conversation
from nbstream.conversation.messages import content_of
from nbstream.conversation.turn import Turn
from nbstream.errors import UsageError
from nbstream.plain import encodable_json
from nbstream.result import StreamState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMAT", "Document", "harmless"]

FORMAT = 1

# What opens doors, in any spelling, and what only the reader of a document may allow.
_SECRET = re.compile(
    r"(?i)api.?key|authorization|auth.?token|access.?token|bearer|secret|password|credential|headers"
    r"|(?:^|[_-])token$|(?:^|(?<!cache)[_-])key$"
)
_ADDRESS = re.compile(r"\s*[A-Za-z][\w+.-]*://\S+\s*\Z")
_NOT_SAVED = {"client", "images", "source"}

T = TypeVar("T")


@dataclass(slots=True)
class Document:
    """What is saved of a chat.

    Attributes:
        conversation: The turns and the system prompt.
        name: The chat's name.
        history: Who keeps the history, `"messages"` or `"server"`.
        max_turns: The limit in turns.
        max_history_tokens: The limit in tokens.
        options: The options for every turn; those that are no JSON, or may be secret, are not saved.

    Example:
        >>> document = Document(Conversation.from_messages([{"role": "user", "content": "Why?"}]), name="tutor")
        >>> Document.from_dict(document.to_dict()).conversation.messages()
        [{'role': 'user', 'content': 'Why?'}]
    """

    conversation: Conversation
    name: str | None = None
    history: Literal["messages", "server"] = "messages"
    max_turns: int | None = None
    max_history_tokens: int | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The document as JSON values."""
        tree = self.conversation.tree
        turns = [{**_as_dict(turn), "parent": tree.parent(turn.id), "active": tree.is_active(turn.id)} for turn in tree]
        return {
            "nbstream_chat": FORMAT,
            "name": self.name,
            "system": self.conversation.system,
            "history": self.history,
            "max_turns": self.max_turns,
            "max_history_tokens": self.max_history_tokens,
            "options": harmless(self.options),
            "turns": turns,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Document:
        """Read a document.

        Raises:
            UsageError: It is none, it is damaged, or a newer nbstream has made it.
        """
        data = encodable_json(data)  # a copy, which the turns may keep
        version = data.get("nbstream_chat") if isinstance(data, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            raise UsageError("this is no saved chat; chat.save(path) makes one")
        if version > FORMAT:
            raise UsageError(
                f"this chat was saved by a newer nbstream (format {version}, this one reads {FORMAT}); update nbstream"
            )
        try:
            made = cls(
                Conversation(_of(data, "system", str)),
                _of(data, "name", str),
                _history(data.get("history", "messages")),
                _of(data, "max_turns", int),
                _of(data, "max_history_tokens", int),
                harmless(_of(data, "options", dict) or {}),
            )
            entries = _required(data, "turns", list)
        except (LookupError, TypeError, ValueError) as error:
            raise UsageError(f"this saved chat is damaged: {error.args[0]}; take another copy of it") from None
        _add_turns(made.conversation, entries)
        return made


def harmless(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that may stand in a file: JSON, without keys, and without what only the reader may allow.

    Example:
        >>> harmless({"api_key": "sk-…", "base_url": "http://me:pw@localhost/v1?key=x", "images": "allow", "seed": 7})
        {'base_url': 'http://localhost/v1', 'seed': 7}
        >>> harmless({"tools": [{"type": "mcp", "server_url": "https://x.example/mcp?token=x", "token": "x"}]})
        {'tools': [{'type': 'mcp', 'server_url': 'https://x.example/mcp'}]}
    """
    kept = {}
    for name, value in options.items():
        if name not in _NOT_SAVED and not _SECRET.search(name) and _is_json(value):
            kept[name] = bare(str(value)) if name == "base_url" else _without_secrets(value)
    return kept


def _as_dict(turn: Turn) -> dict[str, Any]:
    values = {
        "included": None if turn.included else False,
        "state": None if turn.state is StreamState.COMPLETED else str(turn.state),
        "reasoning": turn.reasoning,
        "refusal": turn.refusal,
        "facts": copy.deepcopy(dict(turn.facts)),
        "extra": copy.deepcopy(dict(turn.extra)),
    }
    named = {name: value for name, value in values.items() if value not in (None, "", {})}
    return {"id": turn.id, "role": turn.role, "content": content_of(turn), **named}


def _add_turns(conversation: Conversation, entries: list[Any]) -> None:
    active = []
    for number, entry in enumerate(entries, 1):
        try:
            turn = _turn(entry)
            conversation.tree.attach(turn, _of(entry, "parent", str))
            if entry.get("active"):
                active.append(turn.id)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise UsageError(f"this saved chat is damaged at turn {number}; take another copy of it") from None
    for turn_id in active:
        conversation.tree.prefer(turn_id)


def _turn(entry: dict[str, Any]) -> Turn:
    content = entry["content"]
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        content = tuple(content)
    elif not isinstance(content, str | None):
        raise TypeError("content")
    turn = Turn(
        _required(entry, "id", str),
        _required(entry, "role", str),
        content,
        StreamState(entry.get("state", "completed")),
        included=entry.get("included") is not False,
        reasoning=_of(entry, "reasoning", str) or "",
        refusal=_of(entry, "refusal", str) or "",
        facts=_facts(_of(entry, "facts", dict) or {}),
        extra=_of(entry, "extra", dict) or {},
    )
    if not turn.state.terminal:
        raise ValueError("state")
    return turn


_COUNT = (int, type(None))
_FACTS: dict[str, tuple[type, tuple[type, ...]]] = {
    "usage": (dict, _COUNT),
    "spent": (dict, _COUNT),
    "cost": (float, ()),
    "spent_seconds": (float, ()),
    "timing": (dict, (float, *_COUNT)),
    "error": (dict, (str, *_COUNT)),
    "attempts": (int, ()),
    **dict.fromkeys(("model", "finish_reason", "request_id", "response_id", "context"), (str, ())),
}


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, if whatever shows them can rely on their types."""
    for name, (kind, within) in _FACTS.items():
        value = facts.get(name)
        fits = value is None or isinstance(value, kind)
        if not fits or (isinstance(value, dict) and not all(isinstance(each, within) for each in value.values())):
            raise TypeError(name)
    words = [*facts.get("warnings", ()), *([facts["error"]] if facts.get("error") else [])]
    if not all(isinstance(each[name], str) for each in words for name in ("kind", "message")):
        raise TypeError("words")
    shown = Turn("", "assistant", "", facts=facts)
    for usage in (shown.usage, shown.result.usage):
        if usage is not None and None in {usage.input_tokens, usage.output_tokens, usage.total_tokens}:
            raise TypeError("usage")
    shown.result.summary()
    return facts


def _of(data: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = data.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise TypeError(f"{name} is no {kind.__name__}")
    return value


def _required(data: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = _of(data, name, kind)
    if value is None:
        raise LookupError(f"it has no {name}")
    return value


def _history(value: Any) -> Literal["messages", "server"]:
    if value not in ("messages", "server"):
        raise ValueError("history is neither messages nor server")
    return cast('Literal["messages", "server"]', value)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items() if not _SECRET.search(str(name))}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return bare(value) if isinstance(value, str) and _ADDRESS.match(value) else value
