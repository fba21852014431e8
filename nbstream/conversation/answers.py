"""An answer as JSON values and back: parts, usage, timing, error. Checked on the way in.

A field that has its usual value is left out; the bytes of a medium are base64.
"""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

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
    Verdict,
)
from nbstream.text.json_fields import count_of, field_of, number_of, without_none, word_of
from nbstream.text.plain import encodable
from nbstream.text.saved_errors import error_from_dict, error_to_dict, remedies_from_dict, remedies_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.parts import RunState
    from nbstream.result import Part

__all__ = [
    "answer_from_dict",
    "answer_to_dict",
    "part_from_dict",
    "part_to_dict",
    "timing_from_dict",
    "usage_from_dict",
]

_KINDS: Mapping[str, type[Part]] = {
    made.type: made for made in (TextPart, ReasoningPart, RefusalPart, ToolCallPart, MediaPart, ActivityPart)
}
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
    values = {
        "state": str(answer.state),
        "parts": [part_to_dict(part) for part in answer.parts],
        "finish_reason": answer.finish_reason,
        "model": answer.model,
        "request_id": answer.request_id,
        "response_id": answer.response_id,
        "usage": answer.usage and without_none(asdict(answer.usage)),
        "timing": without_none(asdict(answer.timing)) if answer.timing != Timing() else None,
        "cost": answer.cost,
        "recorded_at": answer.recorded_at and answer.recorded_at.isoformat(),
        "attempts": answer.attempts if answer.attempts != 1 else None,
        "warnings": [
            {"kind": each.kind, "message": each.happened, **remedies_to_dict(each.remedies)} for each in answer.warnings
        ]
        or None,
        "moderation": [_verdict_to_dict(each) for each in answer.moderation] or None,
        "rounds": [_round_to_dict(each) for each in answer.rounds] or None,
        "error": answer.error and error_to_dict(answer.error),
    }
    return without_none(values)


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
        warnings=tuple(map(_warning_from_dict, warnings)),
        error=error_from_dict(field_of(data, "error", dict)),
        rounds=tuple(map(_round_from_dict, field_of(data, "rounds", list) or ())),
        recorded_at=_moment(data),
        moderation=tuple(map(_verdict_from_dict, field_of(data, "moderation", list) or ())),
    )


def _warning_from_dict(data: Mapping[str, Any]) -> StreamWarning:
    return StreamWarning(word_of(data, "kind"), word_of(data, "message"), remedies_from_dict(data))


def usage_from_dict(data: Mapping[str, Any] | None) -> Usage | None:
    """Read token counts.

    Raises:
        LookupError: A count is missing.
        TypeError: Something is of another type.
    """
    if data is None:
        return None
    given, made, total = (count_of(data[name]) for name in ("input_tokens", "output_tokens", "total_tokens"))
    cached, thought, written = (
        None if data.get(name) is None else count_of(data[name])
        for name in ("cached_tokens", "reasoning_tokens", "cache_write_tokens")
    )
    return Usage(given, made, total, cached, thought, written)


def _run_to_dict(run: ToolRun) -> dict[str, Any]:
    values = {name: value for name, value in asdict(replace(run, images=())).items() if value not in (None, "", ())}
    return values | ({"images": [without_none(_media_to_dict(image)) for image in run.images]} if run.images else {})


def _run_from_dict(data: Mapping[str, Any]) -> ToolRun:
    """What became of a call, as far as a file knows: what was running when it was written has an unknown end."""
    said = word_of(data, "state")
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


def _verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    return {name: value for name, value in asdict(verdict).items() if value not in ("", ())}


def _verdict_from_dict(data: Mapping[str, Any]) -> Verdict:
    subject, outcome = word_of(data, "subject"), word_of(data, "outcome")
    if subject not in {"prompt", "answer"} or outcome not in {"clean", "flagged", "unchecked"}:
        raise ValueError("moderation")
    categories = tuple(map(str, field_of(data, "categories", list) or ()))
    by, reason = field_of(data, "by", str) or "provider", field_of(data, "reason", str) or ""
    return Verdict(cast("Any", subject), cast("Any", outcome), categories, by, reason)


def _round_to_dict(made: Round) -> dict[str, Any]:
    values = asdict(replace(made, output=())) | {"state": str(made.state), "timing": without_none(asdict(made.timing))}
    del values["output"]  # it serves the next request of the same answer only
    values["usage"] = made.usage and without_none(asdict(made.usage))
    values["recorded_at"] = made.recorded_at and made.recorded_at.isoformat()
    return without_none(values)


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
    return without_none({**common, **own})


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    return {"annotation": _json(citation.annotation)} | without_none({"start": citation.start, "end": citation.end})


def part_from_dict(data: Mapping[str, Any]) -> Part:
    """Read a part.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
        ValueError: Something makes no sense.
    """
    kind = _KINDS.get(word_of(data, "type"))
    item_id = field_of(data, "item_id", str)
    if kind is ToolCallPart:
        call = field_of(data, "id", str), word_of(data, "name"), word_of(data, "arguments")
        custom, run = field_of(data, "custom", bool) or False, field_of(data, "run", dict)
        return ToolCallPart(
            *call, field_of(data, "index", int) or 0, item_id, custom, run=None if run is None else _run_from_dict(run)
        )
    if kind is MediaPart:
        return _media(data, item_id)
    if kind is ActivityPart:
        status, said = field_of(data, "status", str), field_of(data, "input", str) or ""
        return ActivityPart(word_of(data, "kind"), status, said, field_of(data, "item", dict) or {}, item_id)
    place = item_id, field_of(data, "content_index", int)
    new_paragraph = field_of(data, "new_paragraph", bool) or False
    if kind is TextPart:
        citations = tuple(map(_citation, field_of(data, "citations", list) or ()))
        return TextPart(word_of(data, "text"), *place, citations, new_paragraph, shown=field_of(data, "shown", str))
    if kind is ReasoningPart or kind is RefusalPart:
        return kind(word_of(data, "text"), *place, new_paragraph)
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


def _json(value: Any) -> Any:
    """A copy that any JSON reader takes: a server's JSON may hold NaN, which is not JSON, and half a character."""
    if isinstance(value, dict):
        return {encodable(str(name)): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return encodable(value) if isinstance(value, str) else value
