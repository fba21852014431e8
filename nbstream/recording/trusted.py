"""Which recordings this user has made or accepted: hashes of their files, kept outside the project.

A recording that came with somebody's notebook is as hostile as any server, so it plays only once it was accepted.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nbstream.recording.choice import data_directory

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

__all__ = ["TrustStore"]


class TrustStore:
    """The hashes of the recordings that may play.

    Args:
        path: The file; by default one in the user's own data directory, or in `NBSTREAM_DATA_DIR`.

    Raises:
        UsageError: `NBSTREAM_DATA_DIR` names a file.
    """

    def __init__(self, path: pathlib.Path | None = None) -> None:
        self._path = path or data_directory() / "trusted_recordings"

    def accept(self, paths: Iterable[pathlib.Path]) -> int:
        """Let these files play from now on, as they are now.

        Args:
            paths: The files of recordings.

        Returns:
            How many of them were not accepted before.

        Raises:
            OSError: One of them cannot be read, or the store cannot be written.
        """
        known = self._known()
        new = {digest for path in paths if (digest := _digest(path)) not in known}
        if new:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # One write for all, at the end of the file, so that several processes may do it at once.
            with self._path.open("ab", buffering=0) as file:
                file.write("".join(f"{each}\n" for each in sorted(new)).encode())
        return len(new)

    def accepts(self, path: pathlib.Path) -> bool:
        """Whether a file may play.

        Raises:
            OSError: The file cannot be read.
        """
        return _digest(path) in self._known()

    def _known(self) -> set[str]:
        try:
            return set(self._path.read_text(encoding="ascii", errors="replace").split())
        except FileNotFoundError:
            return set()


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
