"""What modules cost that were loaded by `tests.counting.loader`: steps that are the same on every machine.

A step of Python is a call or a turn of a loop. What a built-in method looks at, copies or compares is counted by its
length, at a fraction of that; a regular expression by the steps of its matcher. So nothing that grows faster than the
text stays unseen, in whatever language it runs.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, deque
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from tests.counting.patterns import matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["METER", "TooManySteps", "hooks"]

# What one step of each sort takes, about, in units of what it takes to copy a few characters.
_TURN, _ATTEMPT, _FOREIGN, _SCANNED, _COPIED = 16, 8, 8, 2, 1


class TooManySteps(BaseException):
    """The budget is spent. No `except Exception` is meant to stop it."""


class Meter:
    """Counts.

    Attributes:
        count: How many steps there were.
        budget: How many there may be.
        places: How many were taken by which line, if that is asked for: it takes long.
    """

    def __init__(self) -> None:
        self.count = 0
        self.budget = 1 << 60
        self.places: Counter[str] | None = None

    def add(self, steps: int) -> None:
        """Count some steps."""
        self.count += steps
        if self.places is not None:
            self.places[_place()] += steps
        if self.count > self.budget:
            self.budget = 1 << 60  # so that what cleans up can do so
            raise TooManySteps

    def attempt(self, steps: int) -> None:
        """Count steps of a regular expression."""
        self.add(_ATTEMPT * steps)


def _place() -> str:
    """The line that is being counted."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  there is no other way
    while frame is not None and "count_steps_turn" not in frame.f_globals:
        frame = frame.f_back
    return f"{frame.f_globals['__name__']}:{frame.f_lineno} {frame.f_code.co_name}" if frame is not None else "?"


METER = Meter()
_add = METER.add
_attempt = METER.attempt


# --- what the loader puts into the modules ----------------------------------------------------------------------------


def _turn() -> None:
    _add(_TURN)


def _call(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """A call of something that has a name."""
    if type(function) is BuiltinMethodType and not isinstance(function.__self__, ModuleType):
        return _method(function.__self__, function.__name__, *args, **named)
    _before_foreign(function, args)
    return function(*args, **named)


def _method(owner: Any, name: str, /, *args: Any, **named: Any) -> Any:
    """A call of a method."""
    sort = type(owner)
    if sort is re.Pattern:
        return _pattern(owner, name, *args, **named)
    if owner is re and name in _OF_PATTERNS:
        pattern, *rest = args
        flags = named.pop("flags", 0)
        return _pattern(re.compile(pattern, flags), name, *rest, **named)
    count = _METHODS.get(sort, {}).get(name)
    if count is None:
        function = getattr(owner, name)
        if isinstance(owner, str | list | dict | set | frozenset | tuple):
            _add(_SCANNED + _COPIED * len(owner) if name in _WHOLE else _SCANNED)
        else:
            _before_foreign(function, args)
        return function(*args, **named)
    if args and name in _TAKES_ITERABLE and not hasattr(args[0], "__len__"):
        args = (list(args[0]), *args[1:])
    before = len(owner)
    result = getattr(owner, name)(*args, **named)
    _add(count(owner, before, result, args))
    return result


def _before_foreign(function: Any, args: tuple[Any, ...]) -> None:
    """What is not instrumented itself is taken to look at all that it is given."""
    inner = function.__func__ if type(function) is MethodType else function
    inner = getattr(inner, "__wrapped__", inner)  # a cache looks at a string once
    if type(inner) is FunctionType and "count_steps_turn" in inner.__globals__:
        return
    if isinstance(inner, type) and inner not in _BUILT_IN:
        _add(_TURN)  # holds what it is given; what its own functions do is counted there
        return
    _add(_SCANNED + _FOREIGN * sum(len(each) for each in args if type(each) is str))


def _slice(owner: Any, piece: slice) -> Any:
    result = owner[piece]
    if type(result) in _SIZED:
        _add(_SCANNED + _COPIED * len(result))
    return result


def _contains(owner: Any, item: Any) -> bool:
    if type(owner) is str:
        at = owner.find(item)
        _add(_SCANNED * (1 + (len(owner) if at < 0 else at) // 4))
        return at >= 0
    found: bool = item in owner
    if type(owner) in {list, tuple, deque}:
        _add(_SCANNED * len(owner))
    return found


def _equal(one: Any, other: Any) -> Any:
    if type(one) in _SIZED and type(one) is type(other) and len(one) == len(other):
        _add(_SCANNED + _COPIED * len(one))
    return one == other


def _plus(one: Any, other: Any) -> Any:
    return _made(one + other)


def _made(result: Any) -> Any:
    if type(result) in _SIZED:
        _add(_SCANNED + _COPIED * len(result))
    return result


def _each(items: Any) -> Any:
    """What goes over all of it in one go."""
    if type(items) in _SIZED or isinstance(items, dict | set | frozenset):
        _add(_SCANNED * (1 + len(items)))
        return items
    return _counted(items)


def _counted(items: Any) -> Iterator[Any]:
    for item in items:
        _add(_SCANNED)
        yield item


def hooks() -> dict[str, Any]:
    """Return the names that instrumented modules use."""
    return {
        "count_steps_turn": _turn,
        "count_steps_call": _call,
        "count_steps_method": _method,
        "count_steps_slice": _slice,
        "count_steps_contains": _contains,
        "count_steps_equal": _equal,
        "count_steps_plus": _plus,
        "count_steps_made": _made,
        "count_steps_each": _each,
    }


# --- what methods cost ------------------------------------------------------------------------------------------------

_SIZED = {str, list, tuple, bytes}
_BUILT_IN = {*_SIZED, dict, set, frozenset, bytearray, deque, Counter}
_WHOLE = {"copy", "items", "values", "keys", "isidentifier", "encode", "casefold", "title", "expandtabs"}
_OF_PATTERNS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
_TAKES_ITERABLE = {"join", "extend", "update", "union", "isdisjoint", "intersection", "difference"}


def _looked_forward(_: str, before: int, result: int, args: tuple[Any, ...]) -> int:
    start, end = _bounds(before, args)
    return _SCANNED * (1 + ((result if result >= 0 else end) - start) // 4)


def _looked_back(_: str, before: int, result: int, args: tuple[Any, ...]) -> int:
    start, end = _bounds(before, args)
    return _SCANNED * (1 + (end - (result if result >= 0 else start)) // 4)


def _bounds(size: int, args: tuple[Any, ...]) -> tuple[int, int]:
    start, end, _ = slice(*(args[1:3] if len(args) > 2 else (args[1] if len(args) > 1 else None, None))).indices(size)
    return start, max(start, end)


def _all(_: Any, before: int, result: Any, __: Any) -> int:
    return _SCANNED + _COPIED * (before + (len(result) if type(result) in _SIZED else 0))


def _none(*_: Any) -> int:
    return _SCANNED


def _prefix(_: str, __: int, ___: bool, args: tuple[Any, ...]) -> int:  # noqa: FBT001  the result of the method
    prefixes = args[0] if isinstance(args[0], tuple) else (args[0],)
    return _SCANNED + _COPIED * sum(map(len, prefixes))


def _joined(_: str, __: int, result: str, args: tuple[Any, ...]) -> int:
    return _SCANNED * (1 + len(args[0])) + _COPIED * len(result)


def _argument(_: Any, __: int, ___: Any, args: tuple[Any, ...]) -> int:
    return _SCANNED * (1 + sum(len(each) for each in args if hasattr(each, "__len__")))


def _shifted(_: Any, before: int, __: Any, args: tuple[Any, ...]) -> int:
    """Items move up or down behind the place."""
    return _SCANNED + (_COPIED * (before - args[0] % max(1, before)) if args else 0)


def _disjoint(_: Any, before: int, __: Any, args: tuple[Any, ...]) -> int:
    """Only of two sets it is the smaller one that is gone through."""
    other = args[0]
    return _SCANNED * (1 + (min(before, len(other)) if isinstance(other, set | frozenset) else len(other)))


_Count = "Callable[[Any, int, Any, tuple[Any, ...]], int]"
_METHODS: dict[type, dict[str, Any]] = {
    str: {
        **dict.fromkeys(("find", "index"), _looked_forward),
        **dict.fromkeys(("rfind", "rindex"), _looked_back),
        **dict.fromkeys(("startswith", "endswith"), _prefix),
        **dict.fromkeys(("count", "replace", "split", "rsplit", "splitlines", "translate", "lower", "upper"), _all),
        **dict.fromkeys(("partition", "rpartition", "strip", "rstrip", "lstrip", "casefold", "encode"), _all),
        **dict.fromkeys(("removeprefix", "removesuffix", "ljust", "rjust", "format", "isspace", "isalpha"), _all),
        **dict.fromkeys(("isprintable", "isalnum", "isdigit", "expandtabs"), _all),
        "join": _joined,
    },
    list: {
        **dict.fromkeys(("append", "__len__"), _none),
        **dict.fromkeys(("copy", "clear", "sort", "reverse", "index", "count", "remove"), _all),
        **dict.fromkeys(("pop", "insert"), _shifted),
        "extend": _argument,
    },
    dict: {
        **dict.fromkeys(("get", "setdefault", "pop", "keys", "items", "values"), _none),
        **dict.fromkeys(("copy", "clear"), _all),
        "update": _argument,
    },
    set: {"add": _none, "update": _argument, "isdisjoint": _disjoint, "copy": _all, "union": _argument},
    frozenset: {"isdisjoint": _disjoint, "copy": _all, "union": _argument},
}


def _pattern(pattern: re.Pattern[Any], name: str, /, *args: Any, **named: Any) -> Any:
    function = getattr(pattern, name)
    if name not in _OF_PATTERNS or isinstance(pattern.pattern, bytes):
        return function(*args, **named)
    if name in {"sub", "subn"}:
        text, start, end = args[1], 0, len(args[1])
        _find_all(pattern, text, start, end)
        return _made(function(*args, **named))
    text = args[0]
    start, end, _ = slice(*(args[1:3] if len(args) > 2 else (args[1] if len(args) > 1 else 0, None))).indices(len(text))
    counting = matcher(pattern, _attempt)
    _add(_TURN)
    if name == "match":
        counting.match(text, start, end)
    elif name == "fullmatch":
        counting.match(text, start, end, whole=True)
    elif name == "search":
        counting.search(text, start, end)
    elif name == "finditer":
        return _found_one_by_one(pattern, text, start, end)
    else:
        _find_all(pattern, text, start, end)
    return function(*args, **named)


def _find_all(pattern: re.Pattern[str], text: str, start: int, end: int) -> None:
    for _ in _found_one_by_one(pattern, text, start, end):
        pass


def _found_one_by_one(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    counting = matcher(pattern, _attempt)
    at = start
    for found in pattern.finditer(text, start, end):
        counting.search(text, at, end)
        _add(_TURN)
        at = found.end() + (found.end() == found.start())
        yield found
    counting.search(text, at, end)
