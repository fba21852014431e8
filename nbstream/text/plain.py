"""Text as it may be sent and shown: encodable, and without characters that act instead of showing. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["encodable", "encodable_json", "exception_line", "plain"]

# C0 and C1 controls and DEL move cursors, recolour, retitle windows and write clipboards. Tab and newline are text; ESC
# is shown, because what follows it would otherwise look like the model's words.
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in {0x09, 0x0A, 0x1B}}
_TABLE = {**_CONTROLS, 0x1B: "\u241b"}


def plain(text: str) -> str:
    r"""`text` without characters that act instead of showing.

    Example:
        >>> plain("red \x1b[31mtext\r\n")
        'red ␛[31mtext\n'
    """
    return text.translate(_TABLE)


def encodable(text: str) -> str:
    r"""`text` with surrogate halves joined into characters and lone ones replaced, because those cannot be encoded.

    Example:
        >>> encodable("\ud83d\ude00 \ud83d")
        '😀 \ufffd'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def encodable_json(value: Any) -> Any:
    r"""A copy of JSON values in which every text is `encodable`.

    Example:
        >>> encodable_json([{"text": "half: \ud83d"}])
        [{'text': 'half: \ufffd'}]
    """
    if isinstance(value, dict):
        return {encodable_json(name): encodable_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [encodable_json(each) for each in value]
    return encodable(value) if isinstance(value, str) else value


def exception_line(error: BaseException) -> str:
    """An exception's type and message, in one line that is safe to print.

    Example:
        >>> exception_line(ValueError("too large")), exception_line(KeyboardInterrupt())
        ('ValueError: too large', 'KeyboardInterrupt')
    """
    return f"{type(error).__name__}: {plain(str(error))}".rstrip(": ")
