"""A chat as a JSON document and back: versioned, without keys, and checked on the way in.

    {"nbstream_chat": 2, "name": …, "system": …, "history": …, "max_turns": …, "max_history_tokens": …, "options": {…},
     "deleted": …, "turns": [{"id": …, "parent": …, "active": true, "role": …, "content": …, …},
               {"id": …, "parent": …, "active": true, "role": "assistant", "answer": {"parts": […], …}, …}, …]}

Parents come before their children, siblings in order; a field of a turn that has its usual value is left out. An answer
that was streamed is saved as its parts. The first format is read, too.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from nbstream.conversation.answers import answer_from_dict, answer_to_dict, usage_from_dict
from nbstream.conversation.conversation import Conversation, Spent
from nbstream.conversation.messages import content_of
from nbstream.conversation.saved_options import harmless, vetted
from nbstream.conversation.turn import Turn, answered_turn, answered_turn_v1
from nbstream.errors import UsageError
from nbstream.text.json_fields import field_of, number_of
from nbstream.text.plain import portable_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMAT", "Document", "turn_from_dict", "turn_to_dict"]

FORMAT = 2

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
        options: The options for every turn; those that are not JSON, or may be secret, are not saved.
        untrusted: What the file asks for besides, and which applies only when the reader has agreed.

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
    untrusted: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The document as JSON values.

        Raises:
            UsageError: Something in it is nested too deeply to be saved.
        """
        tree = self.conversation.tree
        turns = [
            {**turn_to_dict(turn), "parent": tree.parent(turn.id), "active": tree.is_active(turn.id)} for turn in tree
        ]
        spent = _spent_as_dict(self.conversation.deleted)
        values = {
            "nbstream_chat": FORMAT,
            "name": self.name,
            "system": self.conversation.system,
            "history": self.history,
            "max_turns": self.max_turns,
            "max_history_tokens": self.max_history_tokens,
            "options": harmless({**self.untrusted, **self.options}),
            **({"deleted": spent} if spent else {}),
            "turns": turns,
        }
        try:
            made: dict[str, Any] = portable_json(values)
        except ValueError as error:
            raise UsageError(f"this chat cannot be saved: {error}") from None
        return made

    @classmethod
    def from_dict(cls, data: Any) -> Document:
        """Read a document.

        Raises:
            UsageError: It is not a chat, it is damaged, or a newer nbstream has made it.
        """
        try:
            data = portable_json(data)  # a copy, which the turns may keep
        except ValueError as error:
            raise UsageError(f"this saved chat is damaged: {error}; use another copy of it") from None
        version = data.get("nbstream_chat") if isinstance(data, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            raise UsageError("this is not a saved chat; chat.save(path) makes one")
        if version > FORMAT:
            raise UsageError(
                f"this chat was saved by a newer nbstream (format {version}, this one reads {FORMAT}); update nbstream"
            )
        try:
            made = cls(
                Conversation(field_of(data, "system", str), deleted=_spent(field_of(data, "deleted", dict))),
                field_of(data, "name", str),
                _history(data.get("history", "messages")),
                field_of(data, "max_turns", int),
                field_of(data, "max_history_tokens", int),
                *vetted(field_of(data, "options", dict) or {}),
            )
            entries = _required(data, "turns", list)
        except (LookupError, TypeError, ValueError) as error:
            raise UsageError(f"this saved chat is damaged: {error.args[0]}; use another copy of it") from None
        _add_turns(made.conversation, entries, version)
        return made


def _spent_as_dict(spent: Spent) -> dict[str, Any] | None:
    if spent == Spent():
        return None
    return {**spent._asdict(), "usage": None if spent.usage is None else asdict(spent.usage)}


def _spent(data: dict[str, Any] | None) -> Spent:
    if data is None:
        return Spent()
    usage = usage_from_dict(field_of(data, "usage", dict))
    return Spent(usage, number_of(data, "seconds") or 0.0, number_of(data, "cost"))


def turn_to_dict(turn: Turn) -> dict[str, Any]:
    """A turn as JSON values."""
    values: dict[str, Any] = {
        "included": None if turn.included else False,
        "context": turn.context or None,
    }
    content, extra = content_of(turn), copy.deepcopy(dict(turn.extra))
    if turn.answer is None:
        values |= {"content": content, "extra": extra or None}
    else:
        usual = answered_turn(turn.id, turn.answer, included=turn.included)
        values |= {
            "answer": answer_to_dict(turn.answer),
            "content": None if content == usual.content else content,
            "extra": None if extra == usual.extra else extra,
        }
    return {"id": turn.id, "role": turn.role, **{name: value for name, value in values.items() if value is not None}}


def _add_turns(conversation: Conversation, entries: list[Any], version: int) -> None:
    active = []
    for number, entry in enumerate(entries, 1):
        try:
            turn = turn_from_dict(entry, version)
            conversation.tree.attach(turn, field_of(entry, "parent", str))
            if entry.get("active"):
                active.append(turn.id)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise UsageError(f"this saved chat is damaged at turn {number}; use another copy of it") from None
    for turn_id in active:
        conversation.tree.prefer(turn_id)


def turn_from_dict(entry: dict[str, Any], version: int = FORMAT) -> Turn:
    """Read a turn.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
        ValueError: Something makes no sense.
    """
    content, included = entry.get("content"), entry.get("included") is not False
    if isinstance(content, list) and all(
        isinstance(each, dict) and isinstance(each.get("type"), str) for each in content
    ):
        content = tuple(content)
    elif not isinstance(content, str | None):
        raise TypeError("content")
    turn_id, role, extra = _required(entry, "id", str), _required(entry, "role", str), _extra(entry)
    said = Turn(turn_id, role, content, included=included, extra=extra or {})
    if version == 1:
        return answered_turn_v1(said, entry)
    if (answer := field_of(entry, "answer", dict)) is None:
        return said
    context = field_of(entry, "context", str) or ""
    usual = answered_turn(turn_id, answer_from_dict(answer), included=included, context=context)
    return replace(
        usual,
        role=role,
        content=usual.content if content is None else content,
        extra=usual.extra if extra is None else extra,
    )


def _extra(entry: dict[str, Any]) -> dict[str, Any] | None:
    """The other keys of an OpenAI message, which the rest of nbstream relies on."""
    extra = field_of(entry, "extra", dict)
    calls = extra and extra.get("tool_calls")
    if extra and {"role", "content"} & extra.keys():
        raise ValueError("extra")
    if not (calls is None or (isinstance(calls, list) and all(isinstance(call, dict) for call in calls))):
        raise TypeError("tool_calls")
    return extra


def _required(data: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = field_of(data, name, kind)
    if value is None:
        raise LookupError(f"it has no {name}")
    return value


def _history(value: Any) -> Literal["messages", "server"]:
    if value not in ("messages", "server"):
        raise ValueError("history is neither messages nor server")
    return cast('Literal["messages", "server"]', value)
