"""An answer as JSON values and back: parts, usage, timing, error. Checked on the way in.

A field that has its usual value is left out; the bytes of a medium are base64.
"""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from nbstream.errors import StreamError, error_class
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import (
    ActivityPart,
    Citation,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    Round,
    StreamResult,
    StreamState,
    StreamWarning,
    TextPart,
    Timing,
    ToolCallPart,
    ToolRun,
    Usage,
)
from nbstream.text.plain import encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.parts import RunState
    from nbstream.result import Part

__all__ = [
    "answer_from_dict",
    "answer_to_dict",
    "error_from_dict",
    "field_of",
    "number_of",
    "part_from_dict",
    "part_to_dict",
    "timing_from_dict",
    "usage_from_dict",
]

T = TypeVar("T")

_KINDS: Mapping[str, type[Part]] = {
    made.type: made for made in (TextPart, ReasoningPart, RefusalPart, ToolCallPart, MediaPart, ActivityPart)
}
_REMEDIES = set(RemedyKind)
_LARGEST = 1e15
_RUN_STATES = {"completed", "failed", "denied", "unknown"}
_MEDIA = {"image", "audio", "video", "file"}
_CUT_OFF = {
    "running": "The program ended while the tool ran; it may have done its work. Ask the user before you try again.",
    "waiting": "The program ended before the call was allowed.",
}


def answer_to_dict(answer: StreamResult) -> dict[str, Any]:
    """The answer as JSON values.

    Example:
        >>> answer_to_dict(StreamResult("Hi", StreamState.COMPLETED, "stop"))
        {'state': 'completed', 'parts': [{'type': 'text', 'text': 'Hi'}], 'finish_reason': 'stop'}
    """
    error = answer.error
    values = {
        "state": str(answer.state),
        "parts": [part_to_dict(part) for part in answer.parts],
        "finish_reason": answer.finish_reason,
        "model": answer.model,
        "request_id": answer.request_id,
        "response_id": answer.response_id,
        "usage": answer.usage and _without_none(asdict(answer.usage)),
        "timing": _without_none(asdict(answer.timing)) if answer.timing != Timing() else None,
        "cost": answer.cost,
        "recorded_at": answer.recorded_at and answer.recorded_at.isoformat(),
        "attempts": answer.attempts if answer.attempts != 1 else None,
        "warnings": [
            {"kind": each.kind, "message": each.happened, **_remedies_to_dict(each.remedies)}
            for each in answer.warnings
        ]
        or None,
        "rounds": [_round_to_dict(each) for each in answer.rounds] or None,
        "error": error
        and _without_none({"kind": error.kind, "message": error.happened, "code": error.code, "status": error.status})
        | _remedies_to_dict(error.remedies),
    }
    return _without_none(values)


def answer_from_dict(data: Mapping[str, Any]) -> StreamResult:
    """Read an answer.

    Args:
        data: What `answer_to_dict` makes, perhaps damaged.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
        ValueError: Something makes no sense.
    """
    state = StreamState(data["state"])
    if not state.terminal:
        raise ValueError("state")
    warnings = field_of(data, "warnings", list) or []
    return StreamResult(
        parts=tuple(map(part_from_dict, data["parts"])),
        state=state,
        finish_reason=field_of(data, "finish_reason", str),
        model=field_of(data, "model", str),
        request_id=field_of(data, "request_id", str),
        response_id=field_of(data, "response_id", str),
        usage=usage_from_dict(field_of(data, "usage", dict)),
        timing=timing_from_dict(field_of(data, "timing", dict) or {}),
        cost=number_of(data, "cost"),
        attempts=field_of(data, "attempts", int) or 1,
        warnings=tuple(
            StreamWarning(_word(each, "kind"), _word(each, "message"), _remedies_from(each)) for each in warnings
        ),
        error=error_from_dict(field_of(data, "error", dict)),
        rounds=tuple(map(_round_from_dict, field_of(data, "rounds", list) or ())),
        recorded_at=_moment(data),
    )


def usage_from_dict(data: Mapping[str, Any] | None) -> Usage | None:
    """Read token counts.

    Raises:
        LookupError: A count is missing.
        TypeError: Something is of another type.
    """
    if data is None:
        return None
    given, made, total = (_count(data[name]) for name in ("input_tokens", "output_tokens", "total_tokens"))
    cached, thought = (
        None if data.get(name) is None else _count(data[name]) for name in ("cached_tokens", "reasoning_tokens")
    )
    return Usage(given, made, total, cached, thought)


def error_from_dict(data: Mapping[str, Any] | None) -> StreamError | None:
    """Read an error; one of an unknown kind is a plain `StreamError`.

    Raises:
        LookupError: Its kind or message is missing.
        TypeError: Something is of another type.
    """
    if not data:
        return None
    try:
        kind = error_class(_word(data, "kind"))
    except KeyError:
        kind = StreamError
    return kind(
        _word(data, "message"),
        remedies=_remedies_from(data),
        code=field_of(data, "code", str),
        status=field_of(data, "status", int),
    )


def _remedies_to_dict(remedies: Iterable[Remedy]) -> dict[str, Any]:
    """The field for what can be done, if there is anything."""
    values = [_without_none({"kind": str(each.kind), "value": each.value}) for each in remedies]
    return {"remedies": values} if values else {}


def _remedies_from(data: Mapping[str, Any]) -> tuple[Remedy, ...]:
    """What can be done; an unknown remedy is left out, because it has no wording here."""
    remedies = []
    for each in field_of(data, "remedies", list) or []:
        kind, value = _word(each, "kind"), each.get("value")
        if not (value is None or isinstance(value, str | int | float)):
            raise TypeError("value")
        if kind in _REMEDIES:
            remedies.append(Remedy(RemedyKind(kind), value))
    return tuple(remedies)


def field_of(data: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    """A field that may be missing.

    Raises:
        TypeError: It is there, and of another type.
    """
    value = data.get(name)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise TypeError(f"{name} is not of type {kind.__name__}")
    return value


def _run_to_dict(run: ToolRun) -> dict[str, Any]:
    values = {name: value for name, value in asdict(replace(run, images=())).items() if value not in (None, "", ())}
    return values | ({"images": [_without_none(_media_to_dict(image)) for image in run.images]} if run.images else {})


def _run_from_dict(data: Mapping[str, Any]) -> ToolRun:
    """What became of a call, as far as a file knows: what was running when it was written has an unknown end."""
    said = _word(data, "state")
    state = {"waiting": "denied", "running": "unknown"}.get(said, said)
    if state not in _RUN_STATES:
        raise TypeError("state")
    output, error, arguments, printed = (
        field_of(data, name, str) for name in ("output", "error", "arguments", "printed")
    )
    images = tuple(_media(each, None) for each in field_of(data, "images", list) or ())
    words = output or _CUT_OFF.get(said, "")
    return ToolRun(cast("RunState", state), words, error, arguments, number_of(data, "seconds"), images, printed or "")


def _media_to_dict(part: MediaPart) -> dict[str, Any]:
    # A preview is nothing to keep.
    data = base64.b64encode(part.data).decode() if part.data and not part.partial else None
    about = {"media_type": part.media_type, "url": part.url, "name": part.name}
    return {"kind": part.kind, **about, "partial": part.partial or None, "data": data}


def _round_to_dict(made: Round) -> dict[str, Any]:
    values = asdict(replace(made, output=())) | {"state": str(made.state), "timing": _without_none(asdict(made.timing))}
    del values["output"]  # it serves the next request of the same answer only
    values["usage"] = made.usage and _without_none(asdict(made.usage))
    values["recorded_at"] = made.recorded_at and made.recorded_at.isoformat()
    return _without_none(values)


def _round_from_dict(data: Mapping[str, Any]) -> Round:
    return Round(
        StreamState(data["state"]),
        field_of(data, "finish_reason", str),
        usage_from_dict(field_of(data, "usage", dict)),
        timing_from_dict(field_of(data, "timing", dict) or {}),
        number_of(data, "cost"),
        field_of(data, "model", str),
        field_of(data, "request_id", str),
        field_of(data, "response_id", str),
        field_of(data, "attempts", int) or 1,
        recorded_at=_moment(data),
    )


def _moment(data: Mapping[str, Any]) -> datetime | None:
    """When it was recorded, if it was."""
    written = field_of(data, "recorded_at", str)
    return None if written is None else datetime.fromisoformat(written)


def part_to_dict(part: Part) -> dict[str, Any]:
    """A part as JSON values."""
    common = {"type": part.type, "item_id": part.item_id}
    match part:
        case TextPart() | ReasoningPart() | RefusalPart():
            cited = part.citations if isinstance(part, TextPart) else ()
            own: dict[str, Any] = {
                "text": part.text,
                "content_index": part.content_index,
                "new_paragraph": part.new_paragraph or None,
                "citations": [_citation_to_dict(each) for each in cited] or None,
                "shown": part.shown if isinstance(part, TextPart) else None,
            }
        case ToolCallPart():
            own = {
                "id": part.id,
                "name": part.name,
                "arguments": part.arguments,
                "index": part.index or None,
                "custom": part.custom or None,
                "run": part.run and _run_to_dict(part.run),
            }
        case MediaPart():
            own = _media_to_dict(part)
        case ActivityPart():
            item = _json(dict(part.item)) or None
            own = {"kind": part.kind, "status": part.status, "input": part.input or None, "item": item}
    return _without_none({**common, **own})


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    return {"annotation": _json(citation.annotation)} | _without_none({"start": citation.start, "end": citation.end})


def part_from_dict(data: Mapping[str, Any]) -> Part:
    """Read a part.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
        ValueError: Something makes no sense.
    """
    kind = _KINDS.get(_word(data, "type"))
    item_id = field_of(data, "item_id", str)
    if kind is ToolCallPart:
        call = field_of(data, "id", str), _word(data, "name"), _word(data, "arguments")
        custom, run = field_of(data, "custom", bool) or False, field_of(data, "run", dict)
        return ToolCallPart(
            *call, field_of(data, "index", int) or 0, item_id, custom, run=None if run is None else _run_from_dict(run)
        )
    if kind is MediaPart:
        return _media(data, item_id)
    if kind is ActivityPart:
        status, said = field_of(data, "status", str), field_of(data, "input", str) or ""
        return ActivityPart(_word(data, "kind"), status, said, field_of(data, "item", dict) or {}, item_id)
    place = item_id, field_of(data, "content_index", int)
    new_paragraph = field_of(data, "new_paragraph", bool) or False
    if kind is TextPart:
        citations = tuple(map(_citation, field_of(data, "citations", list) or ()))
        return TextPart(_word(data, "text"), *place, citations, new_paragraph, shown=field_of(data, "shown", str))
    if kind is ReasoningPart or kind is RefusalPart:
        return kind(_word(data, "text"), *place, new_paragraph)
    raise ValueError("type")


def _media(data: Mapping[str, Any], item_id: str | None) -> MediaPart:
    kind = data["kind"]
    if kind not in _MEDIA:
        raise ValueError("kind")
    try:
        content = base64.b64decode(field_of(data, "data", str) or "", validate=True)
    except binascii.Error:
        raise ValueError("data") from None
    partial, name = field_of(data, "partial", bool) or False, field_of(data, "name", str)
    about = field_of(data, "media_type", str), field_of(data, "url", str), item_id
    return MediaPart(kind, content, *about, partial=partial, name=name)


def _citation(data: Any) -> Citation:
    start, end = field_of(data, "start", int), field_of(data, "end", int)
    if (start is None) != (end is None) or (start is not None and end is not None and not 0 <= start <= end):
        raise ValueError("span")
    return Citation(data["annotation"], start, end)


def timing_from_dict(data: Mapping[str, Any]) -> Timing:
    """Read times.

    Raises:
        TypeError: Something is of another type.
    """
    return Timing(
        number_of(data, "ttft"),
        number_of(data, "total") or 0.0,
        number_of(data, "tokens_per_second"),
        number_of(data, "startup") or 0.0,
    )


def number_of(data: Mapping[str, Any], name: str) -> float | None:
    """A number that may be missing.

    Raises:
        TypeError: It is something else.
        ValueError: No number of seconds or dollars is as large.
    """
    value = data.get(name)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise TypeError(f"{name} is not a number")
    if value is not None and abs(value) > _LARGEST:  # seconds and dollars are added up
        raise ValueError(f"{name} is out of range")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or abs(value) > _LARGEST:
        raise TypeError("a count is not a whole number")
    return value


def _word(data: Mapping[str, Any], name: str) -> str:
    value = field_of(data, name, str)
    if value is None:
        raise LookupError(f"it has no {name}")
    return value


def _json(value: Any) -> Any:
    """A copy that any JSON reader takes: a server's JSON may hold NaN, which is not JSON, and half a character."""
    if isinstance(value, dict):
        return {encodable(str(name)): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return encodable(value) if isinstance(value, str) else value


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
