"""Reads which field of a request a server refuses: as such, not because of its value.

Servers say it in many ways: OpenAI and its followers by `param` and `code`, FastAPI and vLLM by a list of what is wrong
with which field, the others in words. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.transport.error_report import read_error, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["instead_of", "mentioned", "refused", "refuses_images", "refuses_prefill"]

_REFUSED = re.compile(
    r"unsupported|(?:not|n't) support|unknown|unrecogni[sz]ed|unexpected|not (?:permitted|allowed)|extra[_ ]forbidden|"
    r"cannot find field|no such|deprecated|no longer"
)
_CODES_OF_FIELDS = {"unsupported_parameter", "unknown_parameter"}
_CODES_OF_VALUES = {"unsupported_value", "invalid_value", "invalid_json_schema"}
_OF_A_VALUE = re.compile(r"\bvalues?\b|invalid schema")
_PREFILL = re.compile(
    r"(?:not|n't) (?:support|allow|accept)[^.]*\bprefill|"
    r"\bprefill\w*\b[^.]*(?:not|un)[ -]?(?:supported|allowed|accepted)|"
    r"(?:must|should|has to) end with an? user|\b(?:last|final) (?:message|role|turn)\b[^.]*\b(?:user|assistant)\b"
)
_IMAGES = re.compile(r"\bimages?\b|image_url|input_image|\bvision\b|multi-?modal|\bmmproj\b")
_NAME = r"[`'\"]?([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z]+)+)[`'\"]?"
_INSTEAD = re.compile(
    rf"\b(?i:use) (?:the )?(?:parameter |field )?{_NAME}(?: parameter| field)? instead|"
    rf"\b(?i:instead),? (?:please )?use {_NAME}|"
    rf"\b(?:renamed(?: to)?|replaced (?:by|with)|in favou?r of|(?i:did you mean)|(?i:please) use|superseded by) {_NAME}"
)
_CLAUSE = re.compile(r"[.;](?:\s|$)|\n")


def mentioned(error: Mapping[str, Any], fields: Iterable[str]) -> str | None:
    """The first of these fields that the error speaks of, whatever it says.

    Args:
        error: The error object of a response with an error status.
        fields: Names of fields that were sent.

    Example:
        >>> mentioned({"message": "Unknown parameter: 'stream_options'."}, ["max_tokens", "stream_options"])
        'stream_options'
    """
    text = " ".join([text_of(error.get("param")), *_texts(error), *read_error(error).messages])
    return next((field for field in fields if _names(text, field)), None)


def refused(error: Mapping[str, Any], fields: Iterable[str]) -> str | None:
    """The first of these fields that the error says the server does not take.

    A field whose value is refused (too large, of the wrong type) is not meant.

    Args:
        error: The error object of a response with an error status.
        fields: Names of fields that were sent.

    Example:
        >>> error = {"message": "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}
        >>> refused(error, ["max_tokens"])
        'max_tokens'
        >>> refused({"message": "max_tokens is too large: 99999", "param": "max_tokens"}, ["max_tokens"])
    """
    return next((field for field in fields if _refuses(error, field)), None)


def instead_of(error: Mapping[str, Any], field: str) -> str | None:
    """The name that an error says to use in place of a field's; `None` if it names none.

    Args:
        error: The error object of a response with an error status.
        field: The name that was sent.

    Example:
        >>> instead_of({"message": "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."}, "max_tokens")
        'max_completion_tokens'
    """
    texts = [*_texts(error), *read_error(error).messages]
    return next((name for text in texts if (name := _named_in(text, field)) is not None), None)


def refuses_prefill(message: str) -> bool:
    """Whether a message says that the beginning of an answer is not continued.

    Example:
        >>> refuses_prefill("This model does not support assistant message prefill.")
        True
    """
    return _PREFILL.search(message.lower()) is not None


def refuses_images(message: str) -> bool:
    """Whether a message says that images are not taken.

    Example:
        >>> refuses_images("unknown variant `image_url`, expected `text`"), refuses_images("The prompt is too long.")
        (True, False)
    """
    return _IMAGES.search(message.lower()) is not None


def _named_in(text: str, field: str) -> str | None:
    found = _INSTEAD.search(text)
    name = found and next(filter(None, found.groups()), None)
    return name if name and name != field else None


def _refuses(error: Mapping[str, Any], field: str) -> bool:
    param, code = error.get("param"), text_of(error.get("code"))
    if code in _CODES_OF_VALUES or (isinstance(param, str) and param and not f"{param}.".startswith(f"{field}.")):
        return False
    if code in _CODES_OF_FIELDS and param:
        return True
    said = _CLAUSE.split(" ".join(_texts(error)) + "\n" + "\n".join(read_error(error).messages))
    return any(
        _names(clause, field) and (_is_refusal(clause.lower()) or _named_in(clause, field) is not None)
        for clause in said
    )


def _is_refusal(clause: str) -> bool:
    return _REFUSED.search(clause) is not None and _OF_A_VALUE.search(clause) is None


def _names(text: str, field: str) -> bool:
    """Whether the text names the field, and not one whose name contains it."""
    return re.search(rf"(?<![\w-]){re.escape(field)}(?![\w-])", text) is not None


def _texts(value: Any) -> Iterable[str]:
    """What is said in an error object: in its message, or in each of several."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and not all(isinstance(each, dict) for each in value):
        yield " ".join(map(text_of, value))  # the place of a field
    elif isinstance(value, list):
        for each in value:
            yield " ".join(_texts({**each, "input": None})) + "\n"  # what was sent may be long, and says nothing
    elif isinstance(value, dict):
        for name in ("loc", "msg", "message", "detail", "error", "errors", "type"):
            yield from _texts(value.get(name))
