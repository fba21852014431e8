"""A batch: many requests in a file, answered in their own time. Moves only when it is told to, and knows no HTTP."""

from __future__ import annotations

import secrets
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from nbstream.demo.batch_fault import BatchFault
from nbstream.demo.batch_lines import answered, as_line, checked, unanswered
from nbstream.demo.errors import ApiError
from nbstream.demo.stored_files import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from nbstream.demo.pace import Pace

__all__ = ["Batch", "BatchStatus"]

BatchStatus = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]

_ENDED = {"failed", "completed", "expired", "cancelled"}
_DAY = 24 * 60 * 60

# A provider promises no order, so nobody may count on one: the output is written in groups, each turned around.
_GROUP = 8


class Batch:
    """One batch, from validation to its end.

    Args:
        source: The input file.
        endpoint: What each of its requests asks for, such as `/v1/responses`.
        metadata: What its maker attached to it.
        pace: The server's.
        keep: Takes the files that it makes.
    """

    def __init__(
        self,
        source: StoredFile,
        endpoint: str,
        metadata: Mapping[str, str] | None,
        pace: Pace,
        keep: Callable[[StoredFile], None],
    ) -> None:
        self.id = f"batch_demo_{secrets.token_hex(12)}"
        self.status: BatchStatus = "validating"
        self.fault = BatchFault()
        self.total = self.completed = self.failed = 0
        self._source, self._endpoint, self._metadata = source, endpoint, metadata
        self._pace, self._keep = pace, keep
        self._times = {"created_at": int(time.time())}
        self._errors: list[dict[str, Any]] = []
        self._lines: Iterator[bytes] = iter(())
        self._made = {
            "output": StoredFile(f"{self.id}_output.jsonl", "batch_output"),
            "error": StoredFile(f"{self.id}_error.jsonl", "batch_output"),
        }
        self._group: list[bytes] = []
        self._tokens = {"prompt": 0, "completion": 0}
        self._asked = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more will change."""
        return self.status in _ENDED

    def advance(self, lines: int) -> None:
        """Do the next thing: validate, answer so many lines, finish, or be cancelled.

        Args:
            lines: How many requests to answer at most.
        """
        if self.status == "validating":
            self._validate()
        elif self.status == "in_progress":
            self._answer(lines)
        elif self.status == "finalizing":
            self._end("completed")
        elif self.status == "cancelling":
            self._leave_out("cancelled")
            self._end("cancelled")

    def cancel(self) -> None:
        """Begin to end it early; what is answered stays.

        Raises:
            ApiError: It has ended.
        """
        if self.ended:
            raise ApiError(409, f"Cannot cancel a batch with status '{self.status}'.")
        if self.status != "cancelling":
            self._become("cancelling")

    def asked(self) -> None:
        """Count a question about its state, which a fault may refuse.

        Raises:
            ApiError: It does.
        """
        number, self._asked = self._asked, self._asked + 1
        if (refusal := self.fault.refusal(number)) is not None:
            raise refusal

    def present(self) -> dict[str, Any]:
        """The batch object."""
        made = {f"{kind}_file_id": file.id if self.ended and file.size else None for kind, file in self._made.items()}
        moments = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self._endpoint,
            "errors": {"object": "list", "data": self._errors} if self._errors else None,
            "input_file_id": self._source.id,
            "completion_window": "24h",
            "status": self.status,
            **made,
            "created_at": self._times["created_at"],
            "expires_at": self._times["created_at"] + _DAY,
            **{f"{moment}_at": self._times.get(moment) for moment in moments},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "usage": self._usage() if self.status == "completed" else None,
            "metadata": self._metadata,
        }

    def close(self) -> None:
        """Let go of files that nobody was given."""
        if not self.ended:
            for file in self._made.values():
                file.close()

    def _become(self, status: BatchStatus) -> None:
        self.status = status
        self._times[status] = int(time.time())

    def _validate(self) -> None:
        found = checked(self._source.lines(), self._endpoint)
        self.total, self._errors = found.count, found.errors
        try:
            self.fault = BatchFault.read(found.first)
        except ApiError as error:
            self._errors.append({"code": error.code, "message": error.message, "param": error.param, "line": 1})
        if self.fault.name == "invalid":
            said = {"code": "invalid_request", "message": "The batch asked to be found wrong.", "param": None}
            self._errors.append({**said, "line": 1})
        if self._errors:
            self.total = 0
            self._end("failed")
        else:
            self._lines = (line for line in self._source.lines() if line.strip())
            self._become("in_progress")

    def _answer(self, most: int) -> None:
        done = self.completed + self.failed
        left = self.total // 2 - done if self.fault.name == "expired" else self.total - done
        for line in islice(self._lines, max(0, min(most, left))):
            number = self.completed + self.failed
            fails = self.fault.name == "some_errors" and number % 3 == 1
            good, told = answered(line, self._endpoint, self._pace, fails=fails)
            self._note(told, good=good)
        if left <= most:
            self._write_group()
            if self.fault.name == "expired":
                self._leave_out("expired")
                self._end("expired")
            else:
                self._become("finalizing")

    def _note(self, told: dict[str, Any], *, good: bool) -> None:
        if not good:
            self.failed += 1
            self._made["error"].write([as_line(told)])
            return
        self.completed += 1
        usage = told["response"]["body"]["usage"]
        self._tokens["prompt"] += usage.get("prompt_tokens", usage.get("input_tokens", 0))
        self._tokens["completion"] += usage.get("completion_tokens", usage.get("output_tokens", 0))
        self._group.append(as_line(told))
        if len(self._group) == _GROUP:
            self._write_group()

    def _write_group(self) -> None:
        lines, self._group = self._group[::-1], []
        self._made["output"].write(_garbled(lines) if self.fault.name == "garbled" else lines)

    def _leave_out(self, why: str) -> None:
        self._write_group()
        self._made["error"].write(as_line(unanswered(line, why)) for line in self._lines)

    def _end(self, status: BatchStatus) -> None:
        self._become(status)
        for file in self._made.values():
            if file.size:
                self._keep(file)
            else:
                file.close()

    def _usage(self) -> dict[str, Any]:
        asked, said = self._tokens["prompt"], self._tokens["completion"]
        return {
            "input_tokens": asked,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": said,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": asked + said,
        }


def _garbled(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The first line of a group cut in half, the second twice, and lines that are none of ours."""
    yield b"\n\xff\xfe not a line\n[]\n" + as_line({"id": "x", "custom_id": "nobody", "response": {}, "error": None})
    for number, line in enumerate(lines):
        if number == 0:
            yield line[: len(line) // 2] + b"\n"
        elif number == 1:
            yield line + line
        else:
            yield line
