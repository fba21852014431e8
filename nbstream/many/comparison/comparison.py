"""What `nbs.compare` returns: the answers in their order and by name, and the choice of one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from nbstream.errors import UsageError
from nbstream.many.comparison.blind import blinded
from nbstream.many.comparison.columns import LETTERS
from nbstream.many.comparison.document import Section, document
from nbstream.many.comparison.summary import HEADINGS, row_of, text_table
from nbstream.result import StreamResult, StreamState
from nbstream.text.place import Place
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nbstream.markdown import Images
    from nbstream.outcome import Usage
    from nbstream.recording.diff import Change, Diff

__all__ = ["Comparison"]


class Comparison(Sequence[StreamResult]):
    """The answers to one prompt. A number finds an answer by its place, a name by what it is called.

    Of a blind comparison, the names are letters until an answer is chosen. What an answer itself holds, such as its
    `model`, is not hidden from code that asks for it.

    Args:
        answers: Each with its name, in the order in which they are shown.
        blind: Whether the names are hidden until one is chosen.
        differences: Whether the word differences between the two are shown.
        images: Whether images from other servers are links or loaded.
        place: Where it is read.

    Example:
        ```python
        results = nbs.compare("Explain SSE", models=["gpt-5-mini", "gpt-5"])
        results[0].text, results["gpt-5"].timing.ttft
        {name: result.cost for name, result in results.items()}
        ```
    """

    def __init__(
        self,
        answers: Iterable[tuple[str, StreamResult]],
        *,
        blind: bool = False,
        differences: bool = False,
        images: Images = "link",
        place: Place = Place.PYTHON,
    ) -> None:
        answers = list(answers)
        self._names = tuple(name for name, _ in answers)
        self._results = tuple(result for _, result in answers)
        self._letters = tuple(LETTERS[: len(answers)]) if blind else ()
        self._differences, self._images, self._place = differences, images, place
        self._chosen: int | None = None
        self._hearers: list[Callable[[Comparison], object]] = []
        self._lock = threading.Lock()

    # --- the answers --------------------------------------------------------------------------------------------------

    @property
    def blind(self) -> bool:
        """Whether the names are hidden."""
        return bool(self._letters) and self._chosen is None

    @property
    def names(self) -> tuple[str, ...]:
        """What the answers are called, in their order."""
        return self._letters if self.blind else self._names

    def items(self) -> list[tuple[str, StreamResult]]:
        """The answers with their names."""
        return list(zip(self.names, self._results, strict=True))

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the answers that are complete, by name."""
        return {name: result.text for name, result in self.items() if result.state is StreamState.COMPLETED}

    @property
    def usages(self) -> dict[str, Usage | None]:
        """The token usage of the answers that are complete, by name."""
        return {name: result.usage for name, result in self.items() if result.state is StreamState.COMPLETED}

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[StreamResult]:
        return iter(self._results)

    def __contains__(self, value: object) -> bool:
        return value in self.names if isinstance(value, str) else value in self._results

    @overload
    def __getitem__(self, key: int | str) -> StreamResult: ...

    @overload
    def __getitem__(self, key: slice) -> Sequence[StreamResult]: ...

    def __getitem__(self, key: int | str | slice) -> StreamResult | Sequence[StreamResult]:
        if isinstance(key, str):
            return self._results[self._place_of(key, KeyError)]
        return self._results[key]

    def diff(self, one: int | str = 0, other: int | str = 1) -> Diff:
        """The word differences between two answers.

        Args:
            one: The name or the number of an answer.
            other: That of another.
        """
        from nbstream.recording.diff import diff

        return diff(self[one], self[other])

    # --- the choice ---------------------------------------------------------------------------------------------------

    @property
    def choice(self) -> str | None:
        """The name of the answer that was chosen."""
        return None if self._chosen is None else self._names[self._chosen]

    @property
    def chosen(self) -> StreamResult | None:
        """The answer that was chosen."""
        return None if self._chosen is None else self._results[self._chosen]

    def choose(self, name: int | str) -> StreamResult:
        """Choose an answer; of a blind comparison, that tells the names, also on the page.

        Args:
            name: Its name, or its number.

        Returns:
            The answer.

        Raises:
            UsageError: There is no such answer, or one of a blind comparison was chosen before.

        Example:
            ```python
            results = nbs.compare("Explain SSE", models=["gpt-5-mini", "gpt-5"], blind=True)
            results.choose("A")
            results.choice     # 'gpt-5'
            ```
        """
        place = self._place_of(name, UsageError) if isinstance(name, str) else name
        if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(self):
            raise UsageError(f"there are {len(self)} answers: {', '.join(self.names)}")
        with self._lock:
            if self._letters and self._chosen is not None:
                chosen = f"{self._letters[self._chosen]} ({self._names[self._chosen]})"
                raise UsageError(f"{chosen} was chosen already; with the names known, another choice is not blind")
            self._chosen = place
            hearers = list(self._hearers)
        for hear in hearers:
            hear(self)
        return self._results[place]

    def when_chosen(self, hear: Callable[[Comparison], object]) -> None:
        """Call `hear` with this whenever an answer is chosen, on the thread that does it."""
        with self._lock:
            self._hearers.append(hear)

    def _place_of(self, name: str, error: type[Exception]) -> int:
        for names in (self.names, self._letters):
            if name in names:
                return names.index(name)
        hidden = "; the names are hidden until one is chosen" if self.blind else did_you_mean(name, self.names, 0.6)
        raise error(f"there is no answer called {name}{hidden or '; there are ' + ', '.join(self.names)}")

    # --- what is shown of it ------------------------------------------------------------------------------------------

    def sections(self) -> list[Section]:
        """The answers as they may be seen, under the names that may be."""
        seen = [blinded(result) for result in self] if self.blind else list(self)
        return [Section(name, result) for name, result in zip(self._shown_names(), seen, strict=True)]

    def bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The output in a notebook, as (data, metadata)."""
        chosen = None if self._chosen is None else self._shown_names()[self._chosen]
        changes = self._changes() if self._differences else None
        about: dict[str, Any] = {"place": self._place, "blind": self.blind, "chosen": chosen}
        return document(self.sections(), self._images, changes=changes, **about)

    def _changes(self) -> list[Change]:
        """The word differences, with only the ends of what both answers have."""
        from nbstream.recording.diff import shortened

        changes = self.diff().answer
        return list(shortened(changes)) if any(change.what != "same" for change in changes) else []

    def told(self) -> str:
        """The numbers, as a table of text."""
        width = 2 if self.blind else len(HEADINGS)
        return text_table([HEADINGS[:width], *(row_of(*section)[:width] for section in self.sections())])

    def show(self) -> None:
        """Show it again: below the cell that runs now, or in the terminal."""
        from nbstream.many.comparison.shown import show

        show(*self.bundle())

    def _shown_names(self) -> list[str]:
        """The names; after a blind choice with the letters that they had."""
        if self._letters and not self.blind:
            return [f"{letter}: {name}" for letter, name in zip(self._letters, self._names, strict=True)]
        return list(self.names)

    def __repr__(self) -> str:
        states = (f"{name} {result.state}" for name, result in self.items())
        return f"<Comparison {', '.join(states)}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.bundle()

    def _ipython_display_(self) -> None:
        """Show nothing where the cell that runs now shows it already; else let IPython show it."""
        from nbstream.display.drawn import Drawn

        if not Drawn.here(self):
            raise NotImplementedError
