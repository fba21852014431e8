"""What tests of chats share: a chat with the scripted server, and a listener that remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nbstream as nbs
from nbstream.testing import FaultServer, RecordingSurface, chat_body, responses_body

if TYPE_CHECKING:
    from nbstream.conversation.chat_running import RunningTurn
    from nbstream.streaming.handle import StreamHandle

__all__ = ["PATIENCE", "Listener", "ask", "broken", "end", "half", "sent", "states", "texts", "whole"]

PATIENCE = 60.0


class Listener:
    """Remembers what it was told, and how many turns the chat had then."""

    def __init__(self, chat: nbs.Chat, surface: RecordingSurface | None = None) -> None:
        self.chat, self.surface = chat, surface
        self.told: list[tuple[str, int]] = []
        self.began: list[RunningTurn] = []
        self.ended: list[tuple[RunningTurn, nbs.StreamResult]] = []

    def turn_began(self, running: RunningTurn) -> RecordingSurface | None:
        self.told.append(("began", len(self.chat.turns)))
        self.began.append(running)
        return self.surface

    def turns_changed(self) -> None:
        self.told.append(("changed", len(self.chat.turns)))

    def turn_ended(self, running: RunningTurn, result: nbs.StreamResult) -> None:
        self.told.append(("ended", len(self.chat.turns)))
        self.ended.append((running, result))


def whole(*pieces: str, api: str = "chat", **options: Any) -> bytes:
    return chat_body(*pieces, **options) if api == "chat" else responses_body(*pieces, **options)


def half(*pieces: str, api: str = "chat") -> bytes:
    if api == "chat":
        return chat_body(*pieces, finish_reason=None, done=False)
    return responses_body(*pieces, status=None)


def ask(chat: nbs.Chat, prompt: Any, **options: Any) -> nbs.StreamResult:
    """Ask without drawing."""
    return chat.stream(prompt, **{"display": False, **options})


def end(handle: StreamHandle) -> nbs.StreamResult:
    """Wait for the end, whatever it is."""
    try:
        return handle.result(PATIENCE)
    except nbs.StreamError as error:
        return error.result


def broken(chat: nbs.Chat, server: FaultServer, prompt: str = "Q", *pieces: str) -> str:
    """Ask for an answer that breaks off after these pieces; return the id of its turn."""
    server.send(half(*pieces) if pieces else b"", then="close")
    end(chat.start(prompt, display=False))
    return chat.turns[-1].id


def sent(server: FaultServer, number: int = -1) -> list[dict[str, Any]]:
    """The messages of a request, in the form of Chat Completions."""
    body: dict[str, Any] = server.requests[number].json
    messages: list[dict[str, Any]] = body.get("messages") or [_as_message(item) for item in body["input"]]
    return messages


def _as_message(item: dict[str, Any]) -> dict[str, Any]:
    """The message that an input item stands for, if it is one."""
    if item["type"] != "message":
        return item
    message = {name: value for name, value in item.items() if name != "type"}
    if item["role"] == "assistant":
        message["content"] = "".join(part["text"] for part in item["content"])
    return message


def texts(chat: nbs.Chat) -> list[str]:
    return [turn.text for turn in chat.turns]


def states(chat: nbs.Chat) -> list[tuple[str, str, bool]]:
    return [(turn.text, str(turn.state), turn.included) for turn in chat.turns if turn.role == "assistant"]
