"""What an error that a server reports amounts to: its kind, whether sending again may help, what else does. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.events import Failed
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import encodable, plain
from nbstream.transport.error_report import read_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.transport.error_report import ErrorReport

__all__ = ["failed", "names_model", "names_previous_response"]


def failed(error: Mapping[str, Any], status: int | None = None, wait: float | None = None) -> Failed:
    """The event for an error object, whose fields vary between servers.

    Args:
        error: The object.
        status: The HTTP status, if the error is the body of a response that has one.
        wait: Seconds that the response's headers ask to wait.

    Example:
        >>> delayed = {"message": "You exceeded your current quota.", "details": [{"retryDelay": "0.2s"}]}
        >>> failed(delayed, 429).kind, failed(delayed, 429).retry_after
        ('rate_limit', 0.2)
        >>> failed({"message": "You exceeded your current quota."}, 429).kind
        'quota'
    """
    report = read_error(error)
    if wait is None:
        wait = report.retry_after
    verdict = _verdict(report, status or report.status, delayed=wait is not None)
    after = wait if verdict.retryable else None
    remedies = tuple(map(Remedy, verdict.remedies))
    return Failed(report.sentence or _quoted(error), report.code, verdict.kind, verdict.retryable, after, remedies)


def _quoted(error: Mapping[str, Any]) -> str:
    """The object itself, where it says nothing that is understood."""
    if not any(isinstance(each, dict | list) or name not in _SILENT for name, each in error.items() if each):
        return "no message"
    try:
        return plain(encodable(json.dumps(error, ensure_ascii=False)[:300]))
    except (TypeError, ValueError):  # a number with more digits than Python writes out
        return "no message"


_SILENT = {"message", "code", "type", "status", "param", "object"}


def names_model(event: Failed) -> bool:
    """Whether a report says that there is no such model."""
    return bool(_MODEL_CODE.search((event.code or "").lower()) or _MODEL.search(event.message.lower()))


def names_previous_response(event: Failed) -> bool:
    """Whether a report says that there is no such earlier response."""
    return event.code == "previous_response_not_found" or _PREVIOUS.search(event.message.lower()) is not None


class _Verdict(NamedTuple):
    kind: str
    retryable: bool = False
    remedies: tuple[RemedyKind, ...] = ()


_USED_UP = re.compile(
    r"insufficient.?(?:account.?)?(?:quota|credit|balance|fund)|credit balance|余额不足|欠费|"
    r"\b(?:have|has) (?:any|no|enough) credits|\bout of credits|\bused all (?:\w+ ){0,2}credits|"
    r"\bcredits? (?:(?:have|has|are|is|been) ){0,2}(?:expired|exhausted|depleted|used up)|"
    r"\bmonthly (?:\w+ ){0,2}(?:quota|limit|budget|credits)\b"
)
# What nbstream's own relay says, for which its operator has to do something.
_RELAY = re.compile(r"\brelay_(?:credit|identity|meter|no_key|no_models|no_price|quota)\b")
# What is also said of a limit for each minute, which then comes with a wait.
_PERHAPS_USED_UP = re.compile(r"billing|quota_?exceeded|current quota")
# More than a model takes, or than a minute allows for all requests together: no wait helps.
_TOO_LARGE = re.compile(r"request too large for|reduce your message size|tokens must be reduced")
_CONTEXT = re.compile(
    r"context_length|context.(length|window|size|limit)|maximum context|too many tokens|token limit|"
    r"(?:prompt|input|request)\b[^.]{0,20} too long|exceed\w* the available context|"
    r"(?:maximum|max) (?:prompt|input|sequence) length|range of input length|"
    r"input token count|exceeds the maximum number of tokens|reduce the length of (?:the|your)|"
    r"exceeds the maximum allowed (?:input |prompt )?length|tokens\b[^.]{0,5}\+[^.]{0,30} must be <=? ?\d|"
    r"\bmust have (?:less|fewer) than \d+ tokens"
)
_RATE = re.compile(
    r"rate.?limit|too.?many.?requests|throttl|capacity.?exceeded|resource_exhausted|"
    r"(?:concurrency|[rt]p[mds]|qps)\b[^.;]{0,20}\blimit|"
    r"(?:requests?|usage|daily|hourly|minute|concurren\w+)\b[^.;]{0,20}\blimits?\b[^.;]{0,20}\b(?:reached|exceeded)"
)
_SERVER = re.compile(r"server_?error|internal_?error|overloaded|unavailable|timeout|bad_gateway")
_AUTHENTICATION = re.compile(
    r"invalid_?api_?key|api_?key_?invalid|authentication|permission|unauthorized|forbidden|access_?denied"
)
_KEY = re.compile(r"api.?key\b[^.]{0,30}\b(?:not valid|invalid|incorrect|expired)|(?:invalid|incorrect) api.?key")
_REJECTED = re.compile(r"invalid_?request|invalid_value|invalid_argument|bad_?request|unprocessable")
_MODEL = re.compile(
    r"\bmodel\b(?:[^.;]|\.(?=\S)){0,200}?\b(?:not found|not exist|doesn't exist)|(?:unknown|no such|invalid) model\b|"
    r"not a valid model|have access to (?:the )?model|model_not_found|"
    r"\bmodel\b[^.;]{0,80}\bnot supported by any\b|\bdeployment\b[^.;]{0,80}\bnot (?:be )?(?:found|exist)"
)
_MODEL_CODE = re.compile(r"model_?not_?(?:found|supported)|deployment_?not_?found")
_PREVIOUS = re.compile(r"previous.?response\b[^;]{0,200}\bnot (?:be )?found|\bresponse with id\b[^;]{0,200}\bnot found")
_PLACE = re.compile(
    r"(?:country|countries|region|territor|location)\w*\b[^.;]{0,80}\b(?:not|un)[ -]?(?:supported|available|allowed)|"
    r"(?:not|un)[ -]?(?:supported|available|allowed)[^.;]{0,60}\b(?:country|countries|region|territor|location)|"
    r"unsupported_country|\bip[ _](?:address|not)|\byour ip\b|\bblocked your\b"
)
_BETWEEN = re.compile(
    r"cloudflare|firewall|\bprox(?:y|ies)\b|blocked by|captcha|web filter|zscaler|fortinet|error code:? 1\d{3}\b"
)
_FILTERED = re.compile(r"content_?(?:filter|policy)|content management policy|moderation|\bflagged\b")


def _verdict(report: ErrorReport, status: int | None, *, delayed: bool) -> _Verdict:
    code = " ".join(report.codes).lower()
    said = " ".join(report.messages).lower()
    if _RELAY.search(code):
        kind = "quota" if status == 429 else _by_status(code, said, status).kind
        return _Verdict(kind, remedies=(RemedyKind.ASK_OPERATOR,))
    return (
        _limited(code, said, status, delayed=delayed) or _refused(code, said, status) or _by_status(code, said, status)
    )


def _limited(code: str, said: str, status: int | None, *, delayed: bool) -> _Verdict | None:
    """What is too much: what was spent, what was asked at once, or what was asked too often."""
    if _TOO_LARGE.search(said):
        return _Verdict("context_length")
    about_use = status in {None, 400, 403, 429}
    if status == 402 or _USED_UP.search(code) or (about_use and _USED_UP.search(said)):
        return _Verdict("quota")
    used_up = _PERHAPS_USED_UP.search(code) or (status in {None, 403, 429} and _PERHAPS_USED_UP.search(said))
    if used_up and not delayed:
        return _Verdict("quota")
    if _CONTEXT.search(code) or (status != 429 and _CONTEXT.search(said)):
        return _Verdict("context_length")
    if status == 429 or used_up or (status is None and (_RATE.search(code) or _RATE.search(said))):
        return _Verdict("rate_limit", retryable=True)
    return None


def _refused(code: str, said: str, status: int | None) -> _Verdict | None:
    """What servers refuse with the status for a key that they do not accept, or with any other."""
    if status is not None and not 400 <= status < 500:
        return None
    kind = "authentication" if status in {401, 403} else "rejected"
    if _PLACE.search(code) or _PLACE.search(said):
        return _Verdict(kind, remedies=(RemedyKind.CHECK_LOCATION,))
    if status in {None, 400, 403} and (_FILTERED.search(code) or _FILTERED.search(said)):
        return _Verdict(kind, remedies=(RemedyKind.REPHRASE,))
    if _MODEL_CODE.search(code) or (status in {None, 400, 403, 404, 422} and _MODEL.search(said)):
        return _Verdict("not_found")
    if status == 407 or (status == 403 and _BETWEEN.search(said)):
        return _Verdict(kind, remedies=(RemedyKind.CHECK_PROXY,))
    return None


def _by_status(code: str, said: str, status: int | None) -> _Verdict:
    if status in {401, 403} or (status is None and _AUTHENTICATION.search(code)):
        return _Verdict("authentication")
    if status in {None, 400} and (_KEY.search(said) or "api_key_invalid" in code):
        return _Verdict("authentication")
    if status == 404:
        return _Verdict("not_found")
    if status is not None and status < 500:
        return _Verdict("rejected", retryable=status in {408, 409, 425})
    if status is None and _REJECTED.search(code):
        return _Verdict("rejected")
    return _Verdict("server", retryable=status is not None or bool(_SERVER.search(code)))
