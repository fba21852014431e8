"""The settings of a chat as a panel shows and changes them: model, system prompt, parameters."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from nbstream.errors import UsageError
from nbstream.settings.config import settings
from nbstream.settings.target import chosen_model, resolve_target, target_options

if TYPE_CHECKING:
    from nbstream.conversation.chat import Chat

__all__ = ["checked", "model_of", "parameters_of", "system_of", "untrusted_of"]

_LONGEST_MODEL = 200
_LONGEST_LINE, _MOST_UNTRUSTED = 300, 20


def checked(name: str, value: str | float | None) -> str | float | None:
    """A value that the reader has given, as it is to be set; `None` is the endpoint's own choice.

    Raises:
        UsageError: There is no such setting, or the value is invalid.

    Example:
        >>> checked("model", " gpt-5-mini "), checked("system", ""), checked("max_tokens", 300.0)
        ('gpt-5-mini', None, 300)
    """
    match name, value:
        case ("model" | "system" | "temperature" | "max_tokens", None):
            return None
        case ("model" | "system", str()):
            if name == "model" and len(value) > _LONGEST_MODEL:
                raise UsageError("the name of the model is too long")
            return value.strip() or None
        case ("temperature", int() | float()) if math.isfinite(value) and value >= 0:
            return value
        case ("max_tokens", int() | float()) if math.isfinite(value) and value >= 1 and value == int(value):
            return int(value)
        case ("temperature", _):
            raise UsageError("the temperature must be a number, 0 or above")
        case ("max_tokens", _):
            raise UsageError("max tokens must be a whole number above 0")
    raise UsageError(f"a panel cannot set {name}")


def parameters_of(chat: Chat) -> dict[str, float | None]:
    """The numbers that go with a request."""
    return {name: chat.options.get(name) for name in ("temperature", "max_tokens")}


def model_of(chat: Chat) -> str:
    """The model that the next request asks; empty where none is chosen yet."""
    if chosen := chosen_model(settings(), chat.options.get("model")):
        return chosen
    try:
        return resolve_target(settings(), **target_options(chat.options)).model or ""
    except UsageError:
        return ""


def untrusted_of(chat: Chat) -> tuple[str, ...]:
    """What the file of a chat asks for and its reader has not allowed, a line for each.

    The lines are ASCII, because an address may hold letters that look like others.
    """
    return tuple(f"{name}: {_short(json.dumps(value))}" for name, value in [*chat.untrusted.items()][:_MOST_UNTRUSTED])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"


def system_of(chat: Chat) -> str | None:
    """The system prompt that goes with the next request."""
    return chat.system if chat.system is not None else settings().system
