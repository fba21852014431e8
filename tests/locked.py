"""Files and folders that the tests may not touch, also where they run as root, which may do everything."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

__all__ = ["locked"]

_NOBODY = 65534


@contextlib.contextmanager
def locked(path: pathlib.Path, mode: int) -> Iterator[None]:
    """Give a file or a folder a mode, and be somebody to whom it applies.

    Args:
        path: What to lock.
        mode: Its mode, for everyone.
    """
    before = path.stat()
    is_root = os.geteuid() == 0
    path.chmod(mode)
    opened = []  # the folders on the way, which pytest has made for one user
    try:
        if is_root:
            for folder in path.parents:
                if not folder.stat().st_mode & 0o001:
                    opened.append((folder, folder.stat().st_mode))
                    folder.chmod(folder.stat().st_mode | 0o011)
            os.seteuid(_NOBODY)
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for folder, its in opened:
            folder.chmod(its)
        path.chmod(before.st_mode)
