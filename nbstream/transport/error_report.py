"""Reads what servers say went wrong: the words, the codes, the HTTP status and the wait, wherever in the JSON they are.

Servers wrap errors in arrays and objects, have their own names for the fields, and quote each other: behind a gateway's
"Provider returned error" stands what the provider said, as an object or as JSON in a string. Names are compared without
capitals, underscores and hyphens. Pure.
"""

from __future__ import annotations

import ast
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ErrorReport", "error_in", "read_error", "text_of"]

# What an error object says, the general before the particular.
_WORDS = (
    *("error", "message", "errormessage", "errormsg", "errmsg", "msg", "statusmsg", "statusmessage", "faultstring"),
    *("title", "detail", "details", "description", "errordescription", "raw", "originalmessage"),
)
_SHOWN_CODES = ("code", "errorcode", "errcode", "retcode", "statuscode", "type")
_CODES = (*_SHOWN_CODES, "httpstatuscode", "status", "reason")
_STATUSES = ("code", "status", "statuscode", "httpstatuscode", "errorcode", "httpcode")
_WAITS = {"retrydelay": 1.0, "retryafter": 1.0, "retryafterseconds": 1.0, "retryafterms": 0.001}

# Where else an error may be: what was sent, which servers repeat, is not among them.
_WRAPPERS = {
    *("error", "errors", "errormsg", "exception", "fault", "cause", "innererror", "originalerror", "upstreamerror"),
    *("detail", "details", "metadata", "raw", "message", "baseresp", "baseresponse", "header", "response", "body"),
    *("data", "result", "status", "violations", "err", "failure", "responsemetadata"),
}
_ERRORS = {"error", "err", "failure", "fault", "exception"}
_DEEPEST, _LONGEST, _MOST = 5, 2000, 8

_GOOD = {"", "ok", "success", "succeeded", "none", "null", "true", "normal"}
_BAD_STATUS = re.compile(r"(?i)err|fail|denied|exhausted|invalid|unavailable|forbidden|unauthori[sz]ed|rejected")
_NAMED_ERROR = re.compile(r"(?i)[a-z]+exception|[A-Za-z]+Error")

_NO_ESCAPE = re.compile(r"\\[^\\'\"abfnrtvxuUN0-7\n]")  # Python would warn of it

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(
    r"(\d{1,9}(?:\.\d{1,9})?)\s{0,2}(ms|millisecond|msec|s(?:ec(?:ond)?)?s?|m(?:in(?:ute)?)?s?|h(?:(?:ou)?r)?s?|d(?:ay)?s?)s?(?![a-z])"
)
_WAIT_IN_WORDS = re.compile(rf"(?i)\b(?:retry|try)\b[^.;]{{0,40}}?\b(?:in|after)\s+((?:{_DURATION.pattern}\s*)+)")


class ErrorReport(NamedTuple):
    """What a server says went wrong.

    Attributes:
        messages: Its words, and those that it quotes: the outermost first.
        codes: Codes and types, as text.
        code: The one to show, the outermost.
        status: The HTTP status that the object names.
        retry_after: Seconds that the object asks to wait.
    """

    messages: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    code: str | None = None
    status: int | None = None
    retry_after: float | None = None

    @property
    def sentence(self) -> str:
        """The messages as one, without those that another repeats; empty if there are none.

        Example:
            >>> ErrorReport(("Provider returned error", "The input is too long.")).sentence
            'Provider returned error: The input is too long.'
        """
        said: list[str] = []
        for message in self.messages:
            if not any(message in each for each in said):
                said = [*(each for each in said if each not in message), message]
        return ": ".join([*(each.rstrip(".: ") for each in said[:-1]), *said[-1:]])[:_LONGEST]


def error_in(payload: Any, event: str = "") -> dict[str, Any] | None:
    """The error that JSON reports, as an object; `None` if it reports none.

    Args:
        payload: The JSON, from the stream or from a body with an error status.
        event: The SSE event name, for servers that say `event: error` and leave out the `error` key.

    Example:
        >>> error_in([{"error": {"code": 400, "message": "API key not valid"}}])
        {'code': 400, 'message': 'API key not valid'}
        >>> error_in({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})
        {'status_code': 1008, 'status_msg': 'insufficient balance'}
        >>> error_in({"choices": [], "base_resp": {"status_code": 0, "status_msg": "success"}})
    """
    if isinstance(payload, list):
        return next((error for each in payload[:_MOST] if (error := error_in(each, event)) is not None), None)
    if not isinstance(payload, dict):
        return None
    error, answers = payload.get("error"), bool(payload.get("choices"))
    if isinstance(error, dict) and (error or not answers):
        return error
    rest = {name: value for name, value in payload.items() if name != "choices"}
    if error:
        return rest
    if event == "error" or "error" in (payload.get("type"), payload.get("object"), payload.get("event")):
        return payload
    if answers:
        return None
    if payload.get("errors") or payload.get("success") is False:
        return rest
    if "detail" in payload and "type" not in payload:
        return payload  # FastAPI's habit
    return _in_own_words(payload)


def read_error(error: Mapping[str, Any]) -> ErrorReport:
    """What an error object says, however deep it is in it.

    Example:
        >>> raw = '{"error": {"message": "The maximum context length is 4096 tokens", "code": "too_long"}}'
        >>> read_error({"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}).messages
        ('Provider returned error', 'The maximum context length is 4096 tokens')
    """
    reading = _Reading()
    reading.take(dict(error), 0)
    wait = reading.retry_after
    if wait is None:
        wait = next((seconds for message in reading.messages if (seconds := _wait_in(message)) is not None), None)
    codes = tuple(dict.fromkeys(reading.codes))
    return ErrorReport(tuple(reading.messages), codes, reading.code, reading.status, wait)


def text_of(value: Any) -> str:
    """A value as text; nothing for a number with more digits than Python writes out."""
    try:
        return str(value)
    except ValueError:
        return ""


class _Reading:
    """What has been found so far."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.codes: list[str] = []
        self.code: str | None = None
        self.status: int | None = None
        self.retry_after: float | None = None

    def take(self, value: Any, depth: int) -> None:
        if depth > _DEEPEST or len(self.messages) >= _MOST:
            return
        if isinstance(value, str):
            self._take_text(value, depth)
        elif isinstance(value, list):
            self._take_list(value, depth)
        elif isinstance(value, dict):
            self._take_object(value, depth)

    def _take_object(self, value: dict[Any, Any], depth: int) -> None:
        fields = {_plain_name(name): each for name, each in value.items()}
        self._take_codes(fields)
        if self.status is None:
            self.status = _status_in(fields)
        if self.retry_after is None:
            self.retry_after = _wait_of(fields)
        words = fields.get("error")
        if isinstance(words, str) and re.fullmatch(r"\w+", words) and any(fields.get(name) for name in _WORDS[1:]):
            self.codes.append(plain(words[:_LONGEST]))  # a code in the place of words
            self.code = self.code or self.codes[-1]
            del fields["error"]
        for name in _WORDS:
            self.take(fields.get(name), depth + 1)
        if isinstance(form := fields.get("errors"), dict):
            self._say("; ".join(f"{name}: {_listed(each)}" for name, each in form.items() if _listed(each)))
        for name, each in fields.items():
            if (
                isinstance(each, dict | list)
                and name not in _WORDS
                and (name in _WRAPPERS or _NAMED_ERROR.fullmatch(name))
            ):
                self.take(each, depth + 1)

    def _take_codes(self, fields: Mapping[str, Any]) -> None:
        for name in _CODES:
            code = fields.get(name)
            if _is_code(code) and code not in {"", "error"}:
                self.codes.append(plain(encodable(str(code)[:_LONGEST])))
                if self.code is None and name in _SHOWN_CODES:
                    self.code = self.codes[-1]

    def _take_list(self, values: list[Any], depth: int) -> None:
        """Several things that are wrong, or facts about the one; of a form's fields it is said where (`loc`)."""
        places = [each for each in values if isinstance(each, dict) and isinstance(each.get("loc"), list)]
        if places or not any(isinstance(each, dict | list) for each in values):
            said = [_of_a_field(each) if isinstance(each, dict) else text_of(each) for each in values[: 2 * _MOST]]
            self._say("; ".join(filter(None, said)))
            return
        found = len(self.messages)
        for each in values[: 2 * _MOST]:
            self.take(each, depth + 1)
        self.messages[found:] = ["; ".join(self.messages[found:])] if len(self.messages) > found else []

    def _take_text(self, text: str, depth: int) -> None:
        quoted = _quoted_json(text)
        if quoted is None:
            self._say(text)
            return
        before, value = quoted
        found = len(self.messages)
        self._say(before)
        said = len(self.messages)
        self.take(value, depth + 1)
        if len(self.messages) == said:  # it quotes something else
            self.messages[found:] = []
            self._say(text)

    def _say(self, text: str) -> None:
        words = plain(encodable(text[:_LONGEST])).strip()
        if words and not words.startswith("<"):  # a page of HTML
            self.messages.append(words)


def _in_own_words(payload: dict[str, Any], depth: int = 0) -> dict[str, Any] | None:
    """The object that has a code which does not mean success and words about it: the payload or one in it."""
    fields = {_plain_name(name): value for name, value in payload.items()}
    words = [fields.get(name) for name in _WORDS if name != "title"]
    if any(isinstance(said, str) and said.strip().lower() not in _GOOD for said in words) and _has_failed(fields):
        return payload
    for name, each in payload.items():
        if not isinstance(each, dict) or depth > 1:
            continue
        if _NAMED_ERROR.fullmatch(str(name)):
            return {"code": name, **each}
        if _plain_name(name) in _ERRORS and each:
            return each
        if _plain_name(name) in _WRAPPERS and (inner := _in_own_words(each, depth + 1)) is not None:
            return inner
    return None


def _has_failed(fields: Mapping[str, Any]) -> bool:
    """Whether a code says so. A status in words may be any state of an answer, so it must speak of an error."""
    for name in ("code", "errorcode", "errcode", "errno", "ret", "retcode", "statuscode", "httpstatuscode"):
        code = fields.get(name)
        if _is_code(code) and not _is_good(code):
            return True
    status = fields.get("status")
    return _status_of(status) is not None or (isinstance(status, str) and _BAD_STATUS.search(status) is not None)


def _is_code(value: Any) -> TypeGuard[str | int]:
    """Whether a value can be a code; Python refuses to write very large numbers out."""
    return isinstance(value, str) or (type(value) is int and abs(value) < 10**18)


def _is_good(code: str | int) -> bool:
    text = str(code).strip().lower()
    if text.removeprefix("-").isdecimal():
        return int(text[:9]) == 0 or (len(text) == 3 and text.startswith("2"))
    return text in _GOOD


def _plain_name(name: Any) -> str:
    return str(name).lower().replace("_", "").replace("-", "")


def _listed(value: Any) -> str:
    """The words about one field of a form."""
    words = [each for each in value if isinstance(each, str)] if isinstance(value, list) else [value]
    return ", ".join(each for each in words if isinstance(each, str))


def _of_a_field(detail: dict[Any, Any]) -> str:
    said, place = detail.get("msg") or detail.get("message"), detail.get("loc")
    if not isinstance(said, str):
        return ""
    return f"{'.'.join(map(text_of, place))}: {said}" if isinstance(place, list) and place else said


def _quoted_json(text: str) -> tuple[str, Any] | None:
    """The JSON, or Python's notation of it, that a text ends with, and what stands before it."""
    if len(text) > 100 * _LONGEST:
        return None
    if text.startswith('"'):  # a string in a string
        inner = _parsed(text)
        return _quoted_json(inner) if isinstance(inner, str) and len(inner) < len(text) else None
    for start in sorted(at for mark in "{[" if (at := text.find(mark)) >= 0):
        quoted = text[start:].rstrip(" .\n")
        value = _parsed(quoted)
        if isinstance(value, dict | list):
            return text[:start].rstrip(" -:\n"), value
    return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    if len(text) > 10 * _LONGEST or _NO_ESCAPE.search(text):
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _status_in(fields: Mapping[str, Any]) -> int | None:
    return next((status for name in _STATUSES if (status := _status_of(fields.get(name))) is not None), None)


def _status_of(value: Any) -> int | None:
    """The HTTP status of an error that a value is, if it is one."""
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return value if type(value) is int and 400 <= value < 600 else None


def _wait_of(fields: Mapping[str, Any]) -> float | None:
    for name, unit in _WAITS.items():
        value = fields.get(name)
        if isinstance(value, dict):  # a protobuf duration in full
            parts = [value.get("seconds") or 0, value.get("nanos") or 0]
            value = sum(_number(part) or 0.0 for part in parts[:1]) + (_number(parts[1]) or 0.0) / 1e9
        number = _number(value)
        seconds = number * unit if number is not None else _duration(value) if isinstance(value, str) else None
        if seconds is not None and seconds >= 0:
            return seconds
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _wait_in(message: str) -> float | None:
    found = _WAIT_IN_WORDS.search(message[:_LONGEST])
    return None if found is None else _duration(found[1])


def _duration(text: str) -> float | None:
    """Seconds of `"0.2s"`, `"250ms"`, `"1m30s"`, `"2 minutes"`."""
    pieces: Iterable[tuple[str, str]] = _DURATION.findall(text[:100].lower())
    seconds = [float(count) * _unit(unit) for count, unit in pieces]
    return sum(seconds) if seconds else None


def _unit(name: str) -> float:
    return _UNITS["ms"] if name.startswith(("ms", "milli")) else _UNITS[name[:1]]
