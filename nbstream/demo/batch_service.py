"""The files and batches of a server, and what may be asked of them. Knows no HTTP, and leaves time to its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.demo.batch import Batch
from nbstream.demo.batch_lines import ENDPOINTS
from nbstream.demo.errors import unknown_batch
from nbstream.demo.fields import invalid, limit, missing, optional
from nbstream.demo.stored_files import FileStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.demo.pace import Pace

__all__ = ["LARGEST_FILE", "BatchService"]

LARGEST_FILE = 32 * 1024 * 1024
"""What may be uploaded at once, in bytes: less than OpenAI takes, because it is held in memory for a moment."""

BATCHES_KEPT = 100
MOST_METADATA = 16
LONGEST_KEY, LONGEST_VALUE = 64, 512
_PAGE, _LARGEST_PAGE = 20, 100


class BatchService:
    """Batches by their id, and the files they read and write. The oldest goes when there are too many.

    Args:
        pace: How fast lines are answered.

    Attributes:
        files: The files.
    """

    def __init__(self, pace: Pace) -> None:
        self.files = FileStore()
        self._pace = pace
        self._batches: dict[str, Batch] = {}

    def create(self, body: Mapping[str, Any]) -> Batch:
        """Make a batch of an uploaded file.

        Raises:
            ApiError: It cannot be.
        """
        file_id, endpoint, window = (_needed(body, name) for name in ("input_file_id", "endpoint", "completion_window"))
        if endpoint not in ENDPOINTS:
            raise invalid("endpoint", f"Invalid 'endpoint': expected one of {', '.join(ENDPOINTS)}.")
        if window != "24h":
            raise invalid("completion_window", "Invalid 'completion_window': expected '24h'.")
        source = self.files.get(file_id)
        if source.purpose != "batch":
            raise invalid("input_file_id", "Invalid 'input_file_id': the purpose of the file is not 'batch'.")
        batch = Batch(source, endpoint, _metadata(body), self._pace, self.files.keep)
        self._batches[batch.id] = batch
        if len(self._batches) > BATCHES_KEPT:
            ended = (each.id for each in self._batches.values() if each.ended)
            self._batches.pop(next(ended, next(iter(self._batches)))).close()
        return batch

    def get(self, batch_id: str) -> Batch:
        """The batch with this id.

        Raises:
            ApiError: There is none.
        """
        if (batch := self._batches.get(batch_id)) is None:
            raise unknown_batch(batch_id)
        return batch

    def listed(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the batches, newest first.

        Args:
            query: May hold `limit` and `after`, the id that the page begins after.

        Raises:
            ApiError: It holds something else.
        """
        batches = list(reversed(self._batches.values()))
        most = limit(query, "limit") or _PAGE
        if most > _LARGEST_PAGE:
            raise invalid("limit", f"Invalid 'limit': expected at most {_LARGEST_PAGE}, but got {most}.")
        if (after := query.get("after")) is not None:
            batches = batches[batches.index(self.get(after)) + 1 :]
        page = [batch.present() for batch in batches[:most]]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
        return {"object": "list", "data": page, **ends, "has_more": len(batches) > most}

    def close(self) -> None:
        """Forget everything."""
        for batch in self._batches.values():
            batch.close()
        self._batches.clear()
        self.files.close()


def _needed(body: Mapping[str, Any], name: str) -> str:
    if (value := optional(body, name, str)) is None:
        raise missing(name)
    return value


def _metadata(body: Mapping[str, Any]) -> dict[str, str] | None:
    given = optional(body, "metadata", dict)
    if given is None:
        return None
    if len(given) > MOST_METADATA:
        raise invalid("metadata", f"Invalid 'metadata': expected at most {MOST_METADATA} pairs.")
    for key in given:
        value = optional(given, key, str, "metadata.") or ""
        if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            told = f"Invalid 'metadata': a key has at most {LONGEST_KEY} characters, a value {LONGEST_VALUE}."
            raise invalid("metadata", told)
    return given
