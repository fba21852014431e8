"""Reads which field of a request a server refuses: as such, not because of its value.

Servers say it in many ways: OpenAI and its followers by `param` and `code`, FastAPI and vLLM by a list of what is wrong
with which field, the others in words. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["mentioned", "refused"]

_REFUSED = re.compile(
    r"unsupported|(?:not|n't) support|unknown|unrecogni[sz]ed|unexpected|not (?:permitted|allowed)|extra[_ ]forbidden|"
    r"cannot find field|no such"
)
_CODES_OF_FIELDS = {"unsupported_parameter", "unknown_parameter"}
_CODES_OF_VALUES = {"unsupported_value", "invalid_value", "invalid_json_schema"}
_OF_A_VALUE = re.compile(r"\bvalues?\b|invalid schema")
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
    text = " ".join([str(error.get("param")), *_texts(error)])
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


def _refuses(error: Mapping[str, Any], field: str) -> bool:
    param, code = error.get("param"), error.get("code")
    if code in _CODES_OF_VALUES or (isinstance(param, str) and param and not f"{param}.".startswith(f"{field}.")):
        return False
    if code in _CODES_OF_FIELDS and param:
        return True
    said = _CLAUSE.split(" ".join(_texts(error)))
    return any(_names(clause, field) and _is_refusal(clause.lower()) for clause in said)


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
        yield " ".join(map(str, value))  # the place of a field
    elif isinstance(value, list):
        for each in value:
            yield " ".join(_texts({**each, "input": None})) + "\n"  # what was sent may be long, and says nothing
    elif isinstance(value, dict):
        for name in ("loc", "msg", "message", "detail", "error", "errors", "type"):
            yield from _texts(value.get(name))
