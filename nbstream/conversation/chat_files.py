"""Saved chats on disk: written as a whole or not at all."""

from __future__ import annotations

import json
import os
import pathlib
import threading
from typing import Any

from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import encodable

__all__ = ["read_json", "write_json"]


def write_json(path: str | pathlib.Path, data: dict[str, Any]) -> None:
    """Write JSON to a file; one that is there is replaced, as a whole.

    Raises:
        OSError: It cannot be written.
    """
    path = pathlib.Path(path)
    # Of its own for each thread of each process: threads of two processes may have the same number.
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.write_text(encodable(json.dumps(data, ensure_ascii=False, indent=1)), "utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_json(path: str | pathlib.Path, max_bytes: int, otherwise: str) -> Any:
    """Read a file of JSON.

    Args:
        path: The file.
        max_bytes: How large it may be.
        otherwise: What to say of it if it is something else.

    Raises:
        UsageError: It holds something else, or is too large.
        OSError: It cannot be read.
    """
    with pathlib.Path(path).open("rb") as file:
        data = file.read(max_bytes + 1)  # a device, or a file that grows, does not say how large it is
    if len(data) > max_bytes:
        raise UsageError(f"{path} has more than {max_bytes:,} bytes", remedies=[Remedy(RemedyKind.LARGER_FILE)])
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is {otherwise}") from None
