"""Files as they are sent: text in any encoding becomes text, and a PDF is handed to the server as it is."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

from nbstream.attachments.parts import pdf_part, text_part, uploaded
from nbstream.attachments.reading import Made, read
from nbstream.errors import UsageError

__all__ = ["decoded", "made_file"]

_LARGEST = 32_000_000  # as large a PDF as the servers take that take the least
_BOMS = (  # that of UTF-16 is the beginning of that of UTF-32
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMONEST = "cp1252"  # in a short text, every encoding of one byte may seem as likely
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # what stands in no text; ESC colours the output of programs
_IMAGES = re.compile(
    rb"\x89PNG\r|\xff\xd8\xff|GIF8|RIFF....WEBP|BM....\0\0|II\*\0|MM\0\*|....ftyp(?:heic|avif|mif1)", re.DOTALL
)


def made_file(given: Any) -> Made:
    """The content part of a file.

    Args:
        given: A path, bytes, or the id of a file that was uploaded to the provider, see `nbs.upload`.

    Raises:
        UsageError: It is nothing of this kind, missing, empty, too large, or neither text nor a PDF.

    Example:
        >>> print(made_file(b"a,b").part["text"])
        File file:
        <BLANKLINE>
        ```
        a,b
        ```
    """
    if isinstance(given, bytes | bytearray | memoryview):
        called, name, data = "the file", "file", bytes(given)
    elif uploaded(given):
        return Made({"type": "file", "file": {"file_id": given}})
    elif isinstance(given, str | Path):
        if "://" in str(given):
            raise UsageError("a file is not loaded from an address; download it and give its path")
        name, data = read(given, _LARGEST)
        called = name
    else:
        raise UsageError(
            f"a file is a path or bytes, not {type(given).__name__}; put the value into the prompt as text"
        )
    if not data:
        raise UsageError(f"{called} is empty")
    if len(data) > _LARGEST:
        raise UsageError(f"{called} is too large; files can be up to {_LARGEST // 1_000_000} MB")
    if data.startswith(b"%PDF-"):
        return Made(pdf_part(name if "." in name else f"{name}.pdf", data))
    if _IMAGES.match(data):
        raise UsageError(f"{called} is an image; attach it as an image, not as a file")
    text, guessed = decoded(data, called)
    return Made(text_part(name, text), (f"{called} was read as {guessed}, which is a guess",) if guessed else ())


def decoded(data: bytes, name: str) -> tuple[str, str | None]:
    """The text that bytes hold, and its encoding if that had to be guessed.

    Args:
        data: The bytes.
        name: What messages call them.

    Raises:
        UsageError: They are no text.

    Example:
        >>> decoded("Grüße".encode(), "a.txt"), decoded("Grüße".encode("utf-16"), "a.txt")
        (('Grüße', None), ('Grüße', None))
    """
    announced = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)
    try:
        text, guessed = data.decode(announced or "utf-8"), None
    except UnicodeDecodeError:
        if announced:
            raise UsageError(f"{name} begins as {announced.upper()} does, but is damaged; save it as UTF-8") from None
        text, guessed = _guessed(data, name)
    if _NO_TEXT.search(text):
        raise _neither(name)
    return text, guessed


def _guessed(data: bytes, name: str) -> tuple[str, str]:
    if b"\0" in data:
        raise _neither(name)
    from charset_normalizer import from_bytes

    matches = from_bytes(data)
    if (best := matches.best()) is None:
        raise _neither(name)
    as_likely = [each for each in matches if (each.chaos, each.coherence) == (best.chaos, best.coherence)]
    if any(_COMMONEST in each.could_be_from_charset for each in as_likely):
        return data.decode(_COMMONEST), _COMMONEST
    return str(best), best.encoding


def _neither(name: str) -> UsageError:
    return UsageError(f"{name} is neither text nor a PDF, and models take no other files; convert it to one of them")
