"""Files: uploaded, described, read, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.demo.fields import missing
from nbstream.demo.handlers.stream import StreamHandler

if TYPE_CHECKING:
    from collections import deque

    from nbstream.demo.record import RequestRecord
    from nbstream.demo.stored_files import FileStore

__all__ = ["ContentHandler", "FileHandler", "FilesHandler"]


class _FileStoreHandler(StreamHandler):
    """What the requests about files share."""

    def initialize(  # type: ignore[override]  # tornado calls it with this route's own arguments
        self,
        *,
        files: FileStore,
        records: deque[RequestRecord],
    ) -> None:
        """Take where files are kept."""
        super().initialize(records=records)
        self._files = files


class FilesHandler(_FileStoreHandler):
    """All files."""

    async def post(self) -> None:
        """Take one."""
        await self.work(self._take())

    def get(self) -> None:
        """List them."""
        self.finish_json({"object": "list", "data": self._files.listed(), "has_more": False})

    async def _take(self) -> None:
        sent = self.request.files.get("file", [])
        if len(sent) != 1:
            raise missing("file")
        purpose = self.get_body_argument("purpose", "")
        if not purpose:
            raise missing("purpose")
        self.finish_json(self._files.take(sent[0].filename, purpose, sent[0].body).present())


class FileHandler(_FileStoreHandler):
    """One file."""

    async def get(self, file_id: str) -> None:
        """Describe it."""
        await self.work(self._describe(file_id))

    async def delete(self, file_id: str) -> None:
        """Forget it."""
        await self.work(self._delete(file_id))

    async def _describe(self, file_id: str) -> None:
        self.finish_json(self._files.get(file_id).present())

    async def _delete(self, file_id: str) -> None:
        self.finish_json(self._files.drop(file_id))


class ContentHandler(_FileStoreHandler):
    """What is in a file."""

    async def get(self, file_id: str) -> None:
        """Send it piece by piece, as fast as it is read."""
        await self.work(self._send(file_id))

    async def _send(self, file_id: str) -> None:
        file = self._files.get(file_id)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(file.size))
        for chunk in file.chunks():
            self.write(chunk)
            await self.flush()
        self.finish()
