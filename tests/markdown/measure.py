"""How long each family takes, at one size and at twice that size: `python -m tests.markdown.measure --help`.

Every measurement is a process of its own, which the kernel ends once it has used up its processor time. So one that
never ends is reported like any other, whatever it does. Times are processor time: other work on the machine matters
little, but it does matter.
"""

from __future__ import annotations

import argparse
import gc
import io
import marshal
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nbstream.display.rich_terminal import RichTerminalSurface
from nbstream.ipython.interpolation import interpolate
from nbstream.markdown import IncrementalRenderer, inert, render
from nbstream.markdown.highlight import colouring_of
from nbstream.request import Endpoint, StreamRequest
from nbstream.result import StreamResult, StreamState
from nbstream.settings.credential import Credential
from nbstream.text.secret import Secret
from tests.markdown.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.markdown.families import Family, Kind

__all__ = ["STEP", "WAYS", "is_asked_for", "updates", "warm_up", "ways_of"]

STEP = 400
"""How many characters come at once."""

_CLOCK = time.thread_time
_LONGEST_UPDATE = 0.016
_SLOWEST = 2.3
_CLOSE_TO_NOTHING = 0.002  # below that, a ratio of times says nothing


# --- the ways ---------------------------------------------------------------------------------------------------------


def _incremental(text: str, step: int) -> Iterator[None]:
    renderer = IncrementalRenderer()
    for start in range(0, len(text), step):
        renderer.append(text[start : start + step])
        yield
    renderer.end()
    yield
    for _ in renderer.rest():
        yield


def _whole(text: str, _: int) -> Iterator[None]:
    render(text)
    yield


def _inert(text: str, _: int) -> Iterator[None]:
    inert(text)
    yield


class _Terminal(io.StringIO):
    """A terminal that nobody looks at."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


def _terminal(text: str, step: int) -> Iterator[None]:
    surface = RichTerminalSurface(_Terminal(), lambda: os.terminal_size((80, 24)))
    request = StreamRequest(endpoint=Endpoint("http://127.0.0.1:9/v1"), messages=(), model="m", api="chat")
    surface.open(request, lambda: None)
    try:
        surface.attend(True)
        for end in range(step, len(text), step):
            surface.draw(StreamResult(text[:end], StreamState.STREAMING))
            yield
        surface.close(StreamResult(text, StreamState.COMPLETED, "stop"))
    finally:
        surface.attend(False)  # or no other surface could paint
    yield


def _highlight(text: str, _: int) -> Iterator[None]:
    opening, code = text.split("\n", 1)
    language = opening.lstrip("`")
    colouring = colouring_of(code.removesuffix("```\n"), language)
    while colouring is not None and not colouring.advance(0.005):
        yield
    yield


def _interpolate(text: str, _: int) -> Iterator[None]:
    try:
        interpolate(text, {"a": 1})
    except Exception as error:  # noqa: BLE001  whatever is wrong with the prompt, it has to be said soon
        str(error)
    yield


def _redact(text: str, _: int) -> Iterator[None]:
    for key in ("sk-abcdef1234567890", "local"):
        Endpoint("http://127.0.0.1:9/v1", Credential(Secret(key))).redact(text)
        yield


WAYS: dict[str, Callable[[str, int], Iterator[None]]] = {
    "incremental": _incremental,
    "whole": _whole,
    "inert": _inert,
    "terminal": _terminal,
    "highlight": _highlight,
    "interpolate": _interpolate,
    "redact": _redact,
}
"""What is done with a text, update by update."""

_MARKDOWN = ("incremental", "whole", "inert", "terminal")
_WAYS_OF: dict[Kind, tuple[str, ...]] = {
    "markdown": _MARKDOWN,
    "code": (*_MARKDOWN, "highlight"),
    "prompt": ("interpolate",),
    "words": ("redact",),
}


def ways_of(family: Family) -> tuple[str, ...]:
    """Return what is done with the texts of a family."""
    return _WAYS_OF[family.kind]


def updates(way: str, text: str, step: int = STEP) -> Iterator[None]:
    """Do it; every value is the end of an update, by so many characters where they come piece by piece."""
    return WAYS[way](text, step)


# --- times ------------------------------------------------------------------------------------------------------------


class Job(NamedTuple):
    """One measurement: of several times the shortest counts, for each update."""

    family: Family
    way: str
    size: int
    times: int = 1
    frozen: bool = True  # whether Python's collector looks only at what is made meanwhile


class Taken(NamedTuple):
    """The processor time of a text, in seconds: all of it, and its longest update. None if it did not end."""

    total: float | None
    longest: float = 0.0
    failure: str = ""


def measured(jobs: Sequence[Job], limit: float) -> Iterator[Taken]:
    """Measure in a process of its own, in a new one whenever the kernel has ended it; starting one takes a while.

    Args:
        jobs: What to measure.
        limit: After how many seconds of processor time one is given up.
    """
    done = 0
    while done < len(jobs):
        sys.stdout.flush()
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            for job in jobs[done:]:
                os.write(theirs, marshal.dumps(tuple(_measure_here(job, limit))))
            os._exit(0)
        os.close(theirs)
        with open(ours, "rb") as reports, suppress(EOFError):  # noqa: PTH123  there is no path
            while done < len(jobs):
                yield Taken(*marshal.load(reports))
                done += 1
        _, status = os.waitpid(child, 0)
        if done < len(jobs):
            over = os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGVTALRM, signal.SIGALRM}
            yield Taken(None, failure=f"over {limit:g} s" if over else f"died: {status}")
            done += 1


def _measure_here(job: Job, limit: float) -> Taken:
    text = job.family.make(job.size)
    gc.collect()
    if job.frozen:  # what has been imported is nobody's fault, and would be looked at in some update or other
        gc.freeze()
    # Both signals end the process at once: no handler has to wait for the end of a regular expression.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    signal.setitimer(signal.ITIMER_REAL, 30 * limit)
    shortest: list[float] = []
    try:
        for _ in range(job.times):
            taken = list(_each_update(job.way, text))
            shortest = list(map(min, shortest, taken)) if shortest else taken
    except Exception as error:  # noqa: BLE001  it is reported
        return Taken(sum(shortest), max(shortest, default=0.0), f"{type(error).__name__}: {error}"[:60])
    return Taken(sum(shortest), max(shortest))


def _each_update(way: str, text: str) -> Iterator[float]:
    gc.collect()
    before = _CLOCK()
    for _ in updates(way, text):
        yield _CLOCK() - before
        before = _CLOCK()


# --- the command line -------------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    family: str
    way: str
    once: Taken
    twice: Taken

    @property
    def ratio(self) -> float:
        if self.once.total is None or self.twice.total is None:
            return float("inf")
        return self.twice.total / max(self.once.total, 1e-6)

    @property
    def worst(self) -> float:
        return float("inf") if self.twice.total is None else self.twice.total

    def bad(self, size: int) -> bool:
        """Whether it is clearly not linear, too slow for its size, or stops everything else for too long."""
        if self.twice.total is None or self.twice.failure or self.once.failure:
            return True
        grows = self.ratio > _SLOWEST and self.twice.total > _CLOSE_TO_NOTHING
        waits = self.way in {"incremental", "terminal", "highlight"} and self.twice.longest > _LONGEST_UPDATE
        return grows or waits or self.twice.total > 2 * size / 100_000

    def __str__(self) -> str:
        times = f"{_shown(self.once)} {_shown(self.twice)} {_ratio(self)} {_longest(self)}"
        return f"{self.family[:52]:52} {self.way:11} {times}"


def _shown(taken: Taken) -> str:
    if taken.failure:
        return f"{taken.failure[:20]:>10}"
    return f"{taken.total:10.4f}" if taken.total is not None else f"{'—':>10}"


def _ratio(row: _Row) -> str:
    return f"{row.ratio:6.2f}" if row.ratio != float("inf") else f"{'—':>6}"


def _longest(row: _Row) -> str:
    return f"{1000 * max(row.once.longest, row.twice.longest):8.1f}"


def _rows(chosen: Iterable[Family], asked: argparse.Namespace) -> Iterator[_Row]:
    pairs = [(each, way) for each in chosen for way in ways_of(each) if asked.way is None or way in asked.way]
    jobs = [
        Job(each, way, size, asked.best, not asked.whole)
        for each, way in pairs
        for size in (asked.size, 2 * asked.size)
    ]
    taken = measured(jobs, asked.limit)
    for each, way in pairs:
        yield _Row(each.name, way, next(taken), next(taken))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.markdown.measure", description=__doc__)
    parser.add_argument("--family", action="append", help="part of the name of a family, or =NAME; may be repeated")
    parser.add_argument("--families", type=argparse.FileType(), help="a file with the names of families, one per line")
    parser.add_argument("--kind", help="only families of that kind: markdown, code, prompt or words")
    parser.add_argument("--way", action="append", choices=WAYS, help="may be repeated")
    parser.add_argument("--size", type=int, default=20_000, help="in characters; twice that is measured too")
    parser.add_argument("--limit", type=float, default=15.0, help="seconds of processor time for one measurement")
    parser.add_argument("--best", type=int, default=1, help="measure so many times; the shortest time of each counts")
    parser.add_argument("--whole", action="store_true", help="let Python's collector look at the whole process")
    parser.add_argument("--bad", action="store_true", help="show only what is not linear, or too slow")
    parser.add_argument("--part", default="1/1", help="1/2 measures every other family, 2/2 those in between")
    asked = parser.parse_args()
    os.environ["TERM"] = "xterm-256color"
    part, parts = map(int, asked.part.split("/"))
    names = set(asked.families.read().splitlines()) if asked.families else None
    chosen = [each for each in FAMILIES if is_asked_for(each, asked.family, asked.kind)]
    chosen = [each for each in chosen if names is None or each.name in names][part - 1 :: parts]
    warm_up()
    print(
        f"{'family':52} {'way':11} {asked.size:>10,} {2 * asked.size:>10,} {'ratio':>6} {'longest ms':>8}", flush=True
    )
    for row in _rows(chosen, asked):
        if not asked.bad or row.bad(asked.size):
            print(row, flush=True)


def is_asked_for(family: Family, words: Iterable[str] | None, kind: str | None = None) -> bool:
    """Whether a family has one of the names, or part of one, and is of the kind."""
    named = not words or any(family.name == word[1:] if word[:1] == "=" else word in family.name for word in words)
    return named and kind in {None, family.kind}


def warm_up() -> None:
    """Import and compile everything once, or the first measurement of each way would pay for it."""
    text = "# a\n\n*b* `c` [d](e) $f$\n\n- g\n\n|h|\n|-|\n|i|\n\n```python\nj\n```\n"
    for way, do in WAYS.items():
        for _ in do(text if way != "interpolate" else "{{ a }}", STEP):
            pass


if __name__ == "__main__":
    main()
