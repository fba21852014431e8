"""Saved chats on disk: written as a whole or not at all, and not over what another process has written meanwhile."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import stat
import time
import uuid
from typing import TYPE_CHECKING, Any

from nbstream.errors import ChangedFileError, SaveError, UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.plain import encodable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KnownFiles", "one_at_a_time", "read_json"]

# How long another process may take to put its file in place, in seconds.
_PATIENCE = 10.0


class KnownFiles:
    """The files that a chat was loaded from or saved to, and what they held then.

    Args:
        digests: Of what each of them held, by the path that links lead to.

    Attributes:
        path: The one that was read or written last; a copy of the chat has none until it is saved.
    """

    def __init__(self, digests: dict[str, bytes] | None = None) -> None:
        self.digests = dict(digests or {})
        self.path: str | None = None

    def copy(self) -> KnownFiles:
        """What is known, for a copy of the chat."""
        return KnownFiles(self.digests)

    def read(self, path: str | pathlib.Path, max_bytes: int, otherwise: str) -> Any:
        """As `read_json`, and remember what was there."""
        content = _content(path, max_bytes)
        data = _parsed(path, content, otherwise)
        self.path = os.path.realpath(path)
        self.digests[self.path] = _digest(content)
        return data

    def write(self, path: str | pathlib.Path, data: dict[str, Any], *, replace: bool = False) -> None:
        """Write JSON to a file; one that is there is replaced as a whole, and keeps its mode and the links to it.

        Args:
            path: The file.
            data: What to write.
            replace: Whether to replace also what has changed since it was read or written here.

        Raises:
            ChangedFileError: The file has changed since.
            SaveError: It cannot be written; what was there is as it was.
        """
        content = encodable(json.dumps(data, ensure_ascii=False, indent=1)).encode()
        path = pathlib.Path(path)
        try:
            target = os.path.realpath(path)  # a link stays, and what it leads to is replaced
        except ValueError as error:  # there is a NUL in it
            raise SaveError(path, OSError(errno.EINVAL, str(error))) from None
        known = None if replace else self.digests.get(target)
        try:
            changed = not _replace(pathlib.Path(target), content, known)
        except OSError as error:
            raise SaveError(path, error) from None
        if changed:
            raise ChangedFileError(path)
        self.path, self.digests[target] = target, _digest(content)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _replace(target: pathlib.Path, content: bytes, known: bytes | None) -> bool:
    """Put a file in the place of another one, unless that is not what it is known to be; whether it was done."""
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        if stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.write_bytes(content)  # a pipe or a terminal, in whose place no file belongs
        return True
    beside = target.with_name(f".nbstream-{uuid.uuid4().hex}")
    try:
        # Nobody else may read it before it has its mode.
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, 0o600 if before else 0o666)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a full disc may show only now
        if before is not None:
            _take_after(beside, before)
        with one_at_a_time(target.parent):
            if known is not None and _now(target) not in {None, known, _digest(content)}:
                return False
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return True


def _now(target: pathlib.Path) -> bytes | None:
    """The digest of what a file holds; `None` if there is none."""
    try:
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def one_at_a_time(folder: pathlib.Path) -> Iterator[None]:
    """Keep other processes from putting files into a folder in this way, where the system has locks.

    Raises:
        TimeoutError: Another one does so all the time.
    """
    try:
        import fcntl

        lock = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TimeoutError(errno.ETIMEDOUT, "another process is saving there") from None
                time.sleep(0.005)
            except OSError:  # some file systems have no locks
                break
            else:
                break
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing does not do it while a fork has it open
        os.close(lock)


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
    return _parsed(path, _content(path, max_bytes), otherwise)


def _content(path: str | pathlib.Path, max_bytes: int) -> bytes:
    with pathlib.Path(path).open("rb") as file:
        data = file.read(max_bytes + 1)  # a device, or a file that grows, does not say how large it is
    if len(data) > max_bytes:
        raise UsageError(f"{path} has more than {max_bytes:,} bytes", remedies=[Remedy(RemedyKind.LARGER_FILE)])
    return data


def _parsed(path: str | pathlib.Path, content: bytes, otherwise: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is {otherwise}") from None
