"""The files that the server keeps: what batches read and write. On disk, bounded, gone with the server."""

from __future__ import annotations

import secrets
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from nbstream.demo.errors import ApiError, unknown_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["BYTES_KEPT", "CHUNK", "FileStore", "StoredFile"]

FILES_KEPT = 200
BYTES_KEPT = 512 * 1024 * 1024
CHUNK = 64 * 1024


@dataclass(eq=False, slots=True)
class StoredFile:
    """A file, as OpenAI describes it. Its content has no name on the disk, so that nothing is left of it.

    Attributes:
        name: What its sender calls it.
        purpose: `"batch"` or `"batch_output"`.
        size: Its bytes.
        id: Its id.
    """

    name: str
    purpose: str
    size: int = 0
    id: str = field(default_factory=lambda: f"file-demo-{secrets.token_hex(12)}")
    _created_at: int = field(default_factory=lambda: int(time.time()))
    _content: IO[bytes] = field(default_factory=tempfile.TemporaryFile, repr=False)

    def write(self, pieces: Iterable[bytes]) -> None:
        """Add to its end."""
        self._content.seek(self.size)
        for piece in pieces:
            self._content.write(piece)
            self.size += len(piece)

    def chunks(self) -> Iterator[bytes]:
        """Its content, piece by piece."""
        at = 0
        while not self._content.closed:
            self._content.seek(at)
            piece = self._content.read(CHUNK)
            if not piece:
                return
            at += len(piece)
            yield piece

    def lines(self) -> Iterator[bytes]:
        """Its lines, without their ends. Others may read and write in between."""
        rest = b""
        for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        if rest:
            yield rest

    def present(self) -> dict[str, Any]:
        """The file object."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.size,
            "created_at": self._created_at,
            "expires_at": None,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }

    def close(self) -> None:
        """Let go of its content."""
        self._content.close()

    def __del__(self) -> None:
        self.close()  # nobody can ask for it any more


class FileStore:
    """Files by their id. The oldest goes when there are too many, or too much in them."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}

    def __len__(self) -> int:
        return len(self._files)

    def keep(self, file: StoredFile) -> None:
        """Remember a file."""
        self._files[file.id] = file
        while len(self._files) > FILES_KEPT or sum(each.size for each in self._files.values()) > BYTES_KEPT:
            self.drop(next(iter(self._files)))

    def take(self, name: str, purpose: str, data: bytes) -> StoredFile:
        """Keep what was uploaded.

        Raises:
            ApiError: It is for something that this server does not do.
        """
        if purpose != "batch":
            raise ApiError(
                400, "The demo server keeps files for batches only: 'purpose' must be 'batch'.", param="purpose"
            )
        file = StoredFile(name, purpose)
        file.write([data])
        self.keep(file)
        return file

    def get(self, file_id: str) -> StoredFile:
        """The file with this id.

        Raises:
            ApiError: There is none.
        """
        if (file := self._files.get(file_id)) is None:
            raise unknown_file(file_id)
        return file

    def listed(self) -> list[dict[str, Any]]:
        """All of them, newest first."""
        return [file.present() for file in reversed(self._files.values())]

    def drop(self, file_id: str) -> dict[str, Any]:
        """Forget a file, and say so.

        Raises:
            ApiError: There is none.
        """
        self.get(file_id).close()
        del self._files[file_id]
        return {"id": file_id, "object": "file", "deleted": True}

    def close(self) -> None:
        """Forget every file."""
        for file_id in list(self._files):
            self.drop(file_id)
