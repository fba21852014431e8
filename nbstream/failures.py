"""What the exceptions of `nbstream.errors` have in common: what happened, what can be done about it, and how both read.

It does not import results: a result holds its failure, and the `StreamError` that is raised holds the result.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, ClassVar

from nbstream.text.place import Place
from nbstream.text.plain import encodable, plain
from nbstream.text.wording import told

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from nbstream.remedies import Remedy

__all__ = ["MapError", "NbstreamError", "StreamFailure", "UsageError"]


class NbstreamError(Exception):
    """Root of every exception that nbstream raises on purpose.

    Attributes:
        remedies: What can be done about it: alternatives, the best first.
        place: Where it is read, which decides how the remedies are worded.
    """

    def __init__(self, happened: str = "", *, remedies: Iterable[Remedy] = ()) -> None:
        super().__init__(plain(encodable(happened)))  # a server's words are in it, and a traceback prints it
        self.remedies = tuple(remedies)
        self.place = Place.PYTHON

    @property
    def happened(self) -> str:
        """What happened, without what can be done about it."""
        return plain(str(self.args[0])) if self.args else ""

    def told(self, place: Place) -> str:
        """What happened and what to do next, in the words of a place."""
        return plain(encodable(told(self.happened, self.remedies, place)))  # a remedy may name what a server named

    def __str__(self) -> str:
        return self.told(self.place)

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the reader's own frames and the message, without nbstream's own frames.

        It also keeps `%xmode Verbose`, which prints local variables, away from the frames that hold a key.
        """
        notes = getattr(self, "__notes__", [])
        return [*_own_frames(self.__traceback__), f"{type(self).__name__}: {self}", *notes]


class UsageError(NbstreamError, ValueError):
    """The call is wrong: nothing was sent. The magic shows it as IPython's one-line `UsageError`."""


class MapError(NbstreamError):
    """A map over rows stopped by itself before all of them were asked; what is done is kept.

    Example:
        ```python
        try:
            moods = nbs.map("Mood of: {{ review }}", df).result()
        except nbs.errors.MapError as error:
            print(error)
        ```
    """


class StreamFailure(NbstreamError):  # noqa: N818  what is raised is a `StreamError`
    """Why a stream failed: what a `StreamError` says, apart from the result.

    Attributes:
        kind: Which failure, as a stable word.
        status: The HTTP status code, if a response with an error status came.
        code: The server's own error code, or else the error's type, if it sent one.
        retryable: Whether the same request may succeed if it is sent again a little later.
        retry_after: Seconds that the server asks to wait before that, if it says.
        request_id: The `x-request-id` of a response with an error status.
    """

    kind: ClassVar[str] = "error"

    def __init__(
        self,
        happened: str,
        *,
        remedies: Iterable[Remedy] = (),
        status: int | None = None,
        code: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(happened, remedies=remedies)
        self.status = status
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.request_id = request_id

    @property
    def message(self) -> str:
        """What happened and what to do next, in one or two sentences: the same as `str(error)`."""
        return str(self)


def _own_frames(tb: TracebackType | None) -> list[str]:
    """One line for each of the reader's own frames; none below a magic, whose cell is visible anyway."""
    lines = []
    for frame, line in traceback.walk_tb(tb):
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("nbstream.ipython."):
            return []
        if module.partition(".")[0] in {"nbstream", "IPython", "ipykernel"}:
            continue
        code = frame.f_code
        # Cells have invented file names that say nothing; only the cell that runs has a module's level.
        if module == "__main__" and code.co_name == "<module>":
            lines.append(f"  line {line} of this cell")
            continue
        place = "the notebook" if module == "__main__" else code.co_filename
        lines.append(f"  line {line} of {place}, in {code.co_name}")
    return lines
