"""The body of a response with an error status, whatever it came as: JSON, also cut off, an event stream, text, HTML."""

from __future__ import annotations

import contextlib
import html
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import jiter

from nbstream.transport.error_report import error_in

if TYPE_CHECKING:
    import openai

__all__ = ["ErrorDocument", "document_of", "error_document"]


class ErrorDocument(NamedTuple):
    """What it says.

    Attributes:
        error: The error object; `{"message": …}` for text, empty if there is nothing to read.
        page: The title of a page of HTML, which may be empty; `None` if it is none.
    """

    error: dict[str, Any]
    page: str | None = None


def document_of(error: openai.APIStatusError) -> ErrorDocument:
    """The body of the response that the SDK has raised."""
    try:
        return error_document(error.response.content)
    except Exception:  # noqa: BLE001  it was not read, which each HTTP library says in its own way
        return _of_value(error.body)


def error_document(body: bytes) -> ErrorDocument:
    """Read a body.

    Args:
        body: Its beginning, decompressed.

    Example:
        >>> error_document(b'[{"error": {"message": "API key not valid"}}]').error
        {'message': 'API key not valid'}
        >>> error_document(b"<html><title>Access denied</title>").page
        'Access denied'
    """
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    if text[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):  # what is missing of a long one is its end
            return _of_value(jiter.from_json(text.encode(), partial_mode="trailing-strings"))
    for line in re.split(r"[\r\n]+", text):
        if line.startswith("data:"):
            with contextlib.suppress(ValueError):
                value = jiter.from_json(line.removeprefix("data:").strip().encode())
                if isinstance(value, dict | list):
                    return _of_value(value)
    if text.startswith("<"):
        return ErrorDocument({}, _title(text))
    with contextlib.suppress(ValueError):
        return _of_value(jiter.from_json(text.encode()))
    return _of_value(text)


def _title(page: str) -> str:
    _, _, rest = page.partition("<title")
    title, end, _ = rest.partition(">")[2].partition("</title>")
    return html.unescape(title[:1000]).strip() if end else ""


def _of_value(value: Any) -> ErrorDocument:
    if isinstance(value, str):
        return ErrorDocument({"message": value})
    error = error_in(value)
    if error is None:  # the status says that it is one
        words = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
        error = value if isinstance(value, dict) else {"message": words} if words else {}
    return ErrorDocument(error)
