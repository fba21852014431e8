"""What both APIs' requests share: checked fields, messages, the demo's own extras. Knows no HTTP and no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

from nbstream.demo.errors import ApiError, unknown_model
from nbstream.demo.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MODEL = "demo"
Fault = Literal["cut", "stall", "error", "rate_limit"]

LARGEST_NUMBER = 2**53  # JSON has no bound for integers, floats have

T = TypeVar("T")
NOUNS: dict[type, str] = {str: "a string", bool: "a boolean", int: "an integer", float: "a number"}
NOUNS |= {list: "an array", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation; what is not text is left out."""

    role: str
    text: str


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
        body: The request as sent, for the fields that an answer repeats.
    """

    messages: tuple[Message, ...]
    stream: bool
    max_tokens: int | None
    stop: tuple[str, ...] = ()
    pace: Pace
    fault: Fault | None
    body: Mapping[str, Any]


def optional(body: Mapping[str, Any], name: str, kind: type[T], where: str = "") -> T | None:
    """The field `name` if it is there and not null; of another type it is an error that names it."""
    value = body.get(name)
    if value is None:
        return None
    if kind is float and type(value) is int:
        value = float(max(-LARGEST_NUMBER, min(value, LARGEST_NUMBER)))
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ApiError(
            400,
            f"Invalid type for '{where}{name}': expected {NOUNS[kind]}, but got {noun(value)} instead.",
            param=where + name,
            code="invalid_type",
        )
    return value


def noun(value: object) -> str:
    """What a JSON value is, in words."""
    return NOUNS.get(type(value), "null")


def invalid(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """The refusal of one field's value."""
    return ApiError(400, message, param=param, code=code)


def missing(param: str) -> ApiError:
    """The refusal of a request without a field it needs."""
    return ApiError(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def checked_model(body: Mapping[str, Any]) -> None:
    """Refuse a missing model and every other than the demo."""
    model = optional(body, "model", str)
    if model is None:
        raise missing("model")
    if model != MODEL:
        raise unknown_model(model)


def limit(body: Mapping[str, Any], *names: str) -> int | None:
    """The first of several names for the most tokens of the answer."""
    for name in names:
        value = optional(body, name, int)
        if value is not None:
            if value < 1:
                raise invalid(name, f"Invalid '{name}': expected a value from 1 up, but got {value}.")
            return value
    return None


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


def extras(body: Mapping[str, Any], pace: Pace) -> tuple[Pace, Fault | None]:
    """Read the demo's own body field, `"demo": {"first_token": …, "tokens_per_second": …, "fault": …}`."""
    demo = optional(body, "demo", dict) or {}
    if unknown := set(demo) - {"first_token", "tokens_per_second", "fault"}:
        raise invalid("demo", f"Unknown field of 'demo': {', '.join(sorted(unknown))}.", "unknown_parameter")
    first_token = optional(demo, "first_token", float, "demo.")
    rate = optional(demo, "tokens_per_second", float, "demo.")
    fault = optional(demo, "fault", str, "demo.")
    if fault is not None and fault not in get_args(Fault):
        raise invalid("demo.fault", f"Invalid 'demo.fault': expected one of {', '.join(get_args(Fault))}.")
    try:
        pace = Pace(
            pace.first_token if first_token is None else first_token,
            pace.tokens_per_second if rate is None else rate,
        )
    except ValueError as error:
        raise invalid("demo", f"Invalid 'demo': {error}.") from error
    return pace, cast("Fault | None", fault)
