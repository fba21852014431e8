"""How many steps a regular expression takes: a backtracking matcher that goes where Python's own goes, and counts.

Python's matcher tells nobody how long it looked. This one reads the same parsed pattern and takes the same alternatives
in the same order; only runs of single characters are left to the original, and counted by their length.
"""

from __future__ import annotations

import re
from functools import cache
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Matcher", "matcher"]

# Where the rest of the pattern ends if it matches from here, or None.
_Rest: TypeAlias = "Callable[[int], int | None]"
_ONE = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}
_GREEDY = {_constants.MAX_REPEAT, getattr(_constants, "POSSESSIVE_REPEAT", None)}
_REPEATS = {*_GREEDY, _constants.MIN_REPEAT}
_NEVER_MORE = _constants.MAXREPEAT


class Matcher:
    """One pattern.

    Args:
        pattern: The pattern, of a string.
        add: Told of steps as they are taken.

    Example:
        >>> steps = []
        >>> Matcher(re.compile(r"(?:a|a)*b"), steps.append).match("a" * 10, 0, 10), sum(steps) > 1000
        (None, True)
    """

    def __init__(self, pattern: re.Pattern[str], add: Callable[[int], None]) -> None:
        self.pattern = pattern
        self._add = add
        self._flags = pattern.flags
        # Its warnings have been given when the pattern was compiled.
        parsed = _parser.parse(pattern.pattern, pattern.flags & ~_DEBUG)
        self._state = parsed.state
        self._text = ""
        self._end = 0
        self._whole = False
        self._groups: dict[int, tuple[int, int]] = {}
        items = list(parsed)
        self._start = self._sequence(items, self._accept)
        first = self._first(items)
        self._candidates = None if first is None else self._compiled([(_constants.BRANCH, (None, first))]).search

    def match(self, text: str, start: int, end: int, *, whole: bool = False) -> int | None:
        """Return where a match that starts there ends, or None.

        Args:
            text: The text.
            start: Where to look.
            end: Where the text is taken to end.
            whole: Whether the match has to reach the end.
        """
        self._text, self._end, self._whole = text, end, whole
        self._groups.clear()
        return self._start(start)

    def search(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """Return where the first match starts and ends, or None."""
        at = start
        while at <= end:
            if self._candidates is not None:
                found = self._candidates(text, at, end)
                self._add(((found.start() if found else end) - at) // 4 + 1)
                if found is None:
                    return None
                at = found.start()
            self._add(1)
            if (stop := self.match(text, at, end)) is not None:
                return at, stop
            at += 1
        return None

    def _accept(self, at: int) -> int | None:
        return None if self._whole and at != self._end else at

    def _compiled(self, items: Sequence[Any]) -> re.Pattern[str]:
        compiled: re.Pattern[str] = _compiler.compile(
            _parser.SubPattern(self._state, list(items)), self._flags & ~_DEBUG
        )
        return compiled

    def _first(self, items: Sequence[Any]) -> list[Any] | None:
        """Alternatives of one character each with which every match begins, or None if that is not known."""
        for kind, value in items:
            if kind in _ONE:
                return [_parser.SubPattern(self._state, [(kind, value)])]
            if kind is _constants.SUBPATTERN:
                return self._first(list(value[3])) if not value[1] and not value[2] else None
            if kind in _REPEATS and value[0] > 0:
                return self._first(list(value[2]))
            if kind is _constants.BRANCH:
                firsts = [self._first(list(each)) for each in value[1]]
                return None if None in firsts else [one for first in firsts for one in first or ()]
            if kind is _constants.ASSERT_NOT or (kind is _constants.AT) or kind is _constants.ASSERT:
                continue  # takes nothing; what comes behind it still has to come
            return None
        return None

    # Each of the following returns what matches an item and then the rest.

    def _sequence(self, items: Sequence[Any], rest: _Rest) -> _Rest:
        for number in range(len(items) - 1, -1, -1):
            kind, value = items[number]
            rest = self._item(kind, value, rest)
        return rest

    def _item(self, kind: Any, value: Any, rest: _Rest) -> _Rest:
        if kind in _ONE or kind is _constants.AT:
            return self._original([(kind, value)], rest)
        if kind in _REPEATS:
            return self._repeat(kind, value, rest)
        if kind is _constants.SUBPATTERN:
            return self._group(value, rest)
        if kind is _constants.BRANCH:
            return self._branch([self._sequence(list(each), rest) for each in value[1]])
        if kind in {_constants.ASSERT, _constants.ASSERT_NOT}:
            return self._look(kind is _constants.ASSERT, value, rest)
        if kind is _constants.GROUPREF:
            return self._repeated_group(value, rest)
        if kind is getattr(_constants, "ATOMIC_GROUP", None):
            return self._atomic(self._sequence(list(value), lambda at: at), rest)
        if kind is _constants.GROUPREF_EXISTS:
            number, yes, no = value
            then, other = self._sequence(list(yes), rest), self._sequence(list(no or ()), rest)
            return lambda at: then(at) if number in self._groups else other(at)
        raise NotImplementedError(kind)

    def _original(self, items: Sequence[Any], rest: _Rest) -> _Rest:
        match, add = self._compiled(items).match, self._add

        def one(at: int) -> int | None:
            add(1)
            found = match(self._text, at, self._end)
            return rest(found.end()) if found else None

        return one

    def _repeat(self, kind: Any, value: Any, rest: _Rest) -> _Rest:
        least, most, body = value
        if kind not in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:  # possessive
            alone = self._repeat(_constants.MAX_REPEAT, value, lambda at: at)
            return self._atomic(alone, rest)
        if len(body) == 1 and body[0][0] in _ONE:
            if kind is _constants.MAX_REPEAT:
                return self._run(least, most, body[0], rest)
            return self._lazy_run(least, most, body[0], rest)
        return self._loop(least, most, list(body), rest, greedy=kind is _constants.MAX_REPEAT)

    def _run(self, least: int, most: int, item: Any, rest: _Rest) -> _Rest:
        match = self._compiled([(_constants.MAX_REPEAT, (least, most, _parser.SubPattern(self._state, [item])))]).match
        add = self._add

        def run(at: int) -> int | None:
            found = match(self._text, at, self._end)
            if found is None:
                add(1)
                return None
            add((found.end() - at) // 4 + 1)
            for end in range(found.end(), at + least - 1, -1):
                add(1)
                if (stop := rest(end)) is not None:
                    return stop
            return None

        return run

    def _lazy_run(self, least: int, most: int, item: Any, rest: _Rest) -> _Rest:
        match, add = self._compiled([item]).match, self._add

        def run(at: int) -> int | None:
            count = 0
            while True:
                add(1)
                if count >= least and (stop := rest(at)) is not None:
                    return stop
                if (most is not _NEVER_MORE and count >= most) or match(self._text, at, self._end) is None:
                    return None
                at, count = at + 1, count + 1

        return run

    def _loop(self, least: int, most: int, body: Sequence[Any], rest: _Rest, *, greedy: bool) -> _Rest:
        count, last = 0, -1

        def leave(at: int) -> int | None:
            nonlocal count, last
            if count < least:
                return None
            kept = count, last
            stop = rest(at)
            count, last = kept
            return stop

        def more(at: int) -> int | None:
            nonlocal count, last
            if (most is not _NEVER_MORE and count >= most) or (at == last and count >= least):
                return None  # what takes nothing is not repeated for ever
            kept = count, last
            count, last = count + 1, at
            stop = inside(at)
            count, last = kept
            return stop

        def loop(at: int) -> int | None:
            self._add(1)
            if greedy:
                stop = more(at)
                return leave(at) if stop is None else stop
            stop = leave(at)
            return more(at) if stop is None else stop

        inside = self._sequence(body, loop)

        def enter(at: int) -> int | None:
            nonlocal count, last
            kept = count, last
            count, last = 0, -1
            stop = loop(at)
            count, last = kept
            return stop

        return enter

    def _group(self, value: Any, rest: _Rest) -> _Rest:
        number, _, _, body = value
        if number is None:
            return self._sequence(list(body), rest)
        starts: list[int] = []

        def close(at: int) -> int | None:
            start = starts.pop()
            before = self._groups.get(number)
            self._groups[number] = start, at
            stop = rest(at)
            if before is None:
                self._groups.pop(number, None)
            else:
                self._groups[number] = before
            starts.append(start)
            return stop

        inside = self._sequence(list(body), close)

        def open_(at: int) -> int | None:
            starts.append(at)
            stop = inside(at)
            starts.pop()
            return stop

        return open_

    def _branch(self, ways: Sequence[_Rest]) -> _Rest:
        def branch(at: int) -> int | None:
            for way in ways:
                self._add(1)
                if (stop := way(at)) is not None:
                    return stop
            return None

        return branch

    def _look(self, wanted: bool, value: Any, rest: _Rest) -> _Rest:  # noqa: FBT001  the two kinds of it
        direction, body = value
        inside = self._sequence(list(body), lambda at: at)
        width = body.getwidth()[0] if direction < 0 else 0

        def look(at: int) -> int | None:
            self._add(1)
            found = at >= width and inside(at - width) is not None
            return rest(at) if found == wanted else None

        return look

    def _atomic(self, alone: _Rest, rest: _Rest) -> _Rest:
        def atomic(at: int) -> int | None:
            stop = alone(at)
            return None if stop is None else rest(stop)

        return atomic

    def _repeated_group(self, number: int, rest: _Rest) -> _Rest:
        def again(at: int) -> int | None:
            start, end = self._groups.get(number, (0, -1))
            self._add(max(1, end - start))
            if end < 0 or not self._text.startswith(self._text[start:end], at):
                return None
            return rest(at + end - start)

        return again


_DEBUG = int(re.DEBUG)


@cache
def matcher(pattern: re.Pattern[str], add: Callable[[int], None]) -> Matcher:
    """Return the matcher of a pattern."""
    return Matcher(pattern, add)
