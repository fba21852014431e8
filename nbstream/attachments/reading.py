"""Reading what is to be attached, with a clear word where that cannot be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from nbstream.attachments.parts import one_line
from nbstream.errors import UsageError
from nbstream.text.plain import plain

__all__ = ["Made", "read"]


class Made(NamedTuple):
    """A content part, and what the reader should know about how it was made."""

    part: dict[str, Any]
    notes: tuple[str, ...] = ()


def read(given: str | Path, most: int) -> tuple[str, bytes]:
    """The name and the bytes of a file.

    Args:
        given: Its path.
        most: How many bytes it may have.

    Raises:
        UsageError: It is missing, no file, too large, or cannot be read.
    """
    shown = one_line(plain(str(given))) or "an empty name"
    try:
        path = Path(given).expanduser()
        wrong = _wrong(path, shown, most) if str(given).strip() else "an empty name is no file"
        data = b"" if wrong else path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{shown} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if wrong:
        raise UsageError(wrong)
    return one_line(plain(path.name)) or "file", data


def _wrong(path: Path, shown: str, most: int) -> str | None:
    """Why a file cannot be read, if that can be seen beforehand."""
    if not path.exists():
        return f"there is no file {shown}"
    if not path.is_file():
        return f"{shown} is {'a folder' if path.is_dir() else 'not a file'}"
    return f"{shown} is too large; files can be up to {most // 1_000_000} MB" if path.stat().st_size > most else None
