"""Saved chats on disk: written as a whole or not at all."""

from __future__ import annotations

import json
import pathlib
import threading
from typing import Any

from nbstream.errors import UsageError
from nbstream.text.plain import encodable

__all__ = ["read_json", "write_json"]


def write_json(path: str | pathlib.Path, data: dict[str, Any]) -> None:
    """Write JSON to a file; one that is there is replaced, as a whole.

    Raises:
        OSError: It cannot be written.
    """
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{threading.get_ident()}")
    try:
        beside.write_text(encodable(json.dumps(data, ensure_ascii=False, indent=1)), "utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_json(path: str | pathlib.Path) -> Any:
    """Read a file of JSON.

    Raises:
        UsageError: It holds something else.
        OSError: It cannot be read.
    """
    try:
        return json.loads(pathlib.Path(path).read_bytes())
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not a saved chat; chat.save(path) makes one") from None
