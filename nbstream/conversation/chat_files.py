"""Saved chats on disk: written as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import stat
import uuid
from typing import Any

from nbstream.errors import SaveError, UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import encodable

__all__ = ["read_json", "write_json"]


def write_json(path: str | pathlib.Path, data: dict[str, Any]) -> None:
    """Write JSON to a file; one that is there is replaced as a whole, and keeps its mode and the links to it.

    Raises:
        SaveError: It cannot be written; what was there is as it was.
    """
    content = encodable(json.dumps(data, ensure_ascii=False, indent=1)).encode()
    path = pathlib.Path(path)
    try:
        _replace(path, content)
    except OSError as error:
        raise SaveError(path, error) from None


def _replace(path: pathlib.Path, content: bytes) -> None:
    target = pathlib.Path(os.path.realpath(path))  # a link stays, and what it leads to is replaced
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        if stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.write_bytes(content)  # a pipe or a terminal, in whose place no file belongs
        return
    beside = target.with_name(f".nbstream-{uuid.uuid4().hex}")
    try:
        # Nobody else may read it before it has its mode.
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, 0o600 if before else 0o666)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a full disc may show only now
        if before is not None:
            _take_after(beside, before)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _take_after(file: pathlib.Path, before: os.stat_result) -> None:
    """Give a file the owner and the mode of another one."""
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):  # only an administrator may give files away
            os.chown(file, before.st_uid, before.st_gid)
    file.chmod(stat.S_IMODE(before.st_mode))


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
