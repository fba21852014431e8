"""What both APIs' requests share: messages, model, sampling, the demo's own extras. Knows no HTTP and no answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nbstream.demo.errors import unknown_model
from nbstream.demo.fault import FAULT_FIELDS, Fault
from nbstream.demo.fields import invalid, limit, missing, noun, optional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbstream.demo.pace import Pace

MODEL = "demo"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation; what is neither text nor a call is left out.

    Attributes:
        role: Who says it; the result of a call is a tool's.
        text: What is said.
        calls: The tools that it calls, each with its arguments.
    """

    role: str
    text: str
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request, read and checked.

    Attributes:
        messages: The conversation, the system prompt first.
        stream: Whether the answer is streamed.
        max_tokens: Where the answer is cut, if anywhere.
        stop: Texts before which the answer ends.
        pace: How fast it is answered.
        fault: How it is answered badly, if asked for.
        store: Whether the server remembers the answer.
        background: Whether it is generated to its end with or without a reader.
        tools: The schemas of the parameters of the tools that may be called, by name.
        schema: What the answer is held to, if it is JSON.
        misfits: How many answers of a conversation do not fit it.
        body: The request as sent, for the fields that an answer repeats.
    """

    messages: tuple[Message, ...]
    stream: bool
    max_tokens: int | None
    stop: tuple[str, ...] = ()
    pace: Pace
    fault: Fault | None
    store: bool = False
    background: bool = False
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    misfits: int = 0
    body: Mapping[str, Any]

    @property
    def conversation(self) -> tuple[Message, ...]:
        """What is to be answered: the messages but for an assistant's at the end, which is to be continued."""
        return self.messages[:-1] if self._is_begun else self.messages

    @property
    def begun(self) -> str:
        """The beginning of the answer, as the request has it."""
        return self.messages[-1].text if self._is_begun else ""

    @property
    def _is_begun(self) -> bool:
        last = self.messages[-1]
        return last.role == "assistant" and last.text != ""


def checked_model(body: Mapping[str, Any]) -> None:
    """Refuse a missing model and every other than the demo."""
    model = optional(body, "model", str)
    if model is None:
        raise missing("model")
    if model != MODEL:
        raise unknown_model(model)


def check_sampling(body: Mapping[str, Any]) -> None:
    """Check what a sampling model would use, though scripted answers do not."""
    for name, most in (("temperature", 2), ("top_p", 1)):
        value = optional(body, name, float)
        if value is not None and not 0 <= value <= most:
            raise invalid(name, f"Invalid '{name}': expected a value from 0 to {most}, but got {value}.")


def text_of(content: object, where: str) -> str:
    """The text of a message's content: a string, or a list of parts of which the text ones count."""
    if content is None:  # an assistant's message that only calls tools
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(where, f"Invalid '{where}': expected a string or an array, but got {noun(content)}.")
    return "".join(_part_texts(content, where))


def _part_texts(parts: list[object], where: str) -> Iterator[str]:
    for index, part in enumerate(parts):
        if not isinstance(part, dict):
            raise invalid(f"{where}[{index}]", f"Invalid '{where}[{index}]': expected an object.")
        if part.get("type") in ("text", "input_text", "output_text"):
            yield optional(part, "text", str, f"{where}[{index}].") or ""


def tools_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The functions and custom tools that the request tells of, in the words of either API, by name."""
    tools: dict[str, Mapping[str, Any]] = {}
    for index, told in enumerate(optional(body, "tools", list) or []):
        where = f"tools[{index}]"
        if not isinstance(told, dict):
            raise invalid(where, f"Invalid '{where}': expected an object, but got {noun(told)}.")
        function = optional(told, "function", dict, f"{where}.") or told
        name = optional(function, "name", str, f"{where}.")
        if told.get("type") == "function" and name:
            tools[name] = optional(function, "parameters", dict, f"{where}.") or {}
        custom = optional(told, "custom", dict, f"{where}.") or told
        if told.get("type") == "custom" and (name := optional(custom, "name", str, f"{where}.")):
            tools[name] = {"type": "custom", "required": ["input"]}
        label = optional(told, "server_label", str, f"{where}.")
        if told.get("type") == "mcp" and label:
            tools[label] = {"type": "mcp", "asks": told.get("require_approval") != "never"}
    return tools


def call_of(name: object, arguments: object) -> str:
    """A call in a few words."""
    return f"{name} {arguments}"


def extras(body: Mapping[str, Any], pace: Pace) -> tuple[Pace, Fault | None]:
    """Read the demo's own body field, `"demo": {"first_token": …, "tokens_per_second": …, "fault": …}`."""
    demo = optional(body, "demo", dict) or {}
    if unknown := set(demo) - {"first_token", "tokens_per_second", "misfits", "moderation", "batch"} - FAULT_FIELDS:
        raise invalid("demo", f"Unknown field of 'demo': {', '.join(sorted(unknown))}.", "unknown_parameter")
    given = {name: optional(demo, name, float, "demo.") for name in ("first_token", "tokens_per_second")}
    try:
        pace = replace(pace, **{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise invalid("demo", f"Invalid 'demo': {error}.") from error
    return pace, Fault.read(demo)


def misfits_of(body: Mapping[str, Any]) -> int:
    """How many answers of a conversation are not to fit their schema, by the demo's own field `misfits`."""
    return limit(optional(body, "demo", dict) or {}, "misfits", where="demo.") or 0


def schema_of(told: Mapping[str, Any] | None, where: str, *, inner: str = "") -> Mapping[str, Any] | None:
    """The JSON schema that an answer is held to; `None` if it is text.

    Args:
        told: How the request says so.
        where: The name of the field.
        inner: The field of it that holds name and schema, if they are not its own.

    Raises:
        ApiError: It asks for anything else than text or a schema.
    """
    kind = (told or {}).get("type", "text")
    if told is None or kind == "text":
        return None
    if kind != "json_schema":
        raise invalid(where, "The demo model writes text, or JSON that fits a schema (type 'json_schema').")
    holder = (optional(told, inner, dict, f"{where}.") or {}) if inner else told
    schema = optional(holder, "schema", dict, f"{where}.")
    if schema is None:
        raise missing(where)
    return schema
