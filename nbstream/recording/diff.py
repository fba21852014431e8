"""What changed between two answers: in the question, in its parameters, and word by word in the answer."""

from __future__ import annotations

import difflib
import pathlib
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from nbstream.failures import UsageError
from nbstream.recording.described import described, differences, question_of
from nbstream.recording.player import text_of
from nbstream.recording.recording_file import read
from nbstream.request import StreamRequest
from nbstream.result import StreamResult
from nbstream.text.plain import encodable, exception_line, plain

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Change", "Diff", "diff", "shortened"]

What: TypeAlias = Literal["same", "removed", "added"]

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_WORDS = 10_000
_SAME_SHOWN = 200


class Change(NamedTuple):
    """A stretch of text.

    Attributes:
        what: Whether only the first has it, only the second, or both.
        text: The text.
    """

    what: What
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Diff:
    """What changed between two answers.

    Attributes:
        prompt: The last question; empty if it is not known of both.
        parameters: What else was asked otherwise, each in a few words.
        answer: The text of the answer.
    """

    prompt: tuple[Change, ...]
    parameters: tuple[str, ...]
    answer: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing changed."""
        return not self.parameters and all(each.what == "same" for each in (*self.prompt, *self.answer))

    def __repr__(self) -> str:
        sections = [("Prompt", _words(self.prompt)), ("Parameters", "\n".join(self.parameters))]
        shown = [f"{name}:\n{text}" for name, text in (*sections, ("Answer", _words(self.answer))) if text]
        return plain(encodable("\n\n".join(shown))) if shown else "nothing changed"

    def _repr_html_(self) -> str:
        """The same, with what was removed and added marked."""
        told = "".join(f"<li>{escape(plain(each))}</li>" for each in self.parameters)
        sections = [
            ("Prompt", _html(self.prompt)),
            ("Parameters", f"<ul>{told}</ul>" if told else ""),
            ("Answer", _html(self.answer)),
        ]
        shown = "".join(f"<p><strong>{name}</strong></p>{html}" for name, html in sections if html)
        return shown or "<p>Nothing changed.</p>"


def diff(before: StreamResult | str | os.PathLike[str], after: StreamResult | str | os.PathLike[str]) -> Diff:
    """Compare two answers.

    Args:
        before: A result, or the file of a recording.
        after: Another.

    Returns:
        What changed; in a notebook it shows that.

    Raises:
        UsageError: One of them is neither a result nor a recording.

    Example:
        ```python
        nbs.diff(first, second)
        nbs.diff("recordings/explain-sse-1f0c8a2b9d3e4f50.jsonl", stream_result)
        ```
    """
    (asked, said), (asked_again, said_again) = _read(before), _read(after)
    prompt: tuple[Change, ...] = ()
    parameters: list[str] = []
    if asked is not None and asked_again is not None:
        prompt = _changes(question_of(asked), question_of(asked_again))
        parameters = differences(_without_question(asked), _without_question(asked_again))
    return Diff(prompt, tuple(parameters), _changes(said, said_again))


def _read(given: Any) -> tuple[Mapping[str, Any] | None, str]:
    """What was asked, if that is known, and the text of the answer."""
    if isinstance(given, StreamResult):
        request = getattr(given.continuation, "request", None)
        return (described(request) if isinstance(request, StreamRequest) else None), given.text
    if not isinstance(given, str | pathlib.PurePath):
        raise UsageError(f"a result or the file of a recording can be compared, not {type(given).__name__}")
    try:
        recording = read(pathlib.Path(given).expanduser())
    except OSError as error:
        raise UsageError(f"{given} cannot be read: {exception_line(error)}") from None
    return recording.heading.request, text_of(recording)


def _without_question(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked beside the words of the last question, which are compared by themselves."""
    *before, last = asked.get("messages") or [{}]
    return {**asked, "messages": [*before, {name: value for name, value in last.items() if name != "content"}]}


def _changes(before: str, after: str) -> tuple[Change, ...]:
    one, two = _tokens(before), _tokens(after)
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    return tuple(_joined(matcher, one, two))


def _tokens(text: str) -> list[str]:
    """The words of a text; its lines, if there are too many words to compare."""
    words = _TOKEN.findall(text)
    return words if len(words) <= _MOST_WORDS else text.splitlines(keepends=True)


def _joined(matcher: difflib.SequenceMatcher[str], one: Sequence[str], two: Sequence[str]) -> Iterator[Change]:
    for tag, begin, end, begin_again, end_again in matcher.get_opcodes():
        if tag == "equal":
            yield Change("same", "".join(one[begin:end]))
            continue
        for what, text in (("removed", one[begin:end]), ("added", two[begin_again:end_again])):
            if text:
                yield Change(what, "".join(text))  # type: ignore[arg-type]  # one of the two words


def shortened(changes: Sequence[Change]) -> Iterator[Change]:
    """The changes, with only the ends of what both have.

    Args:
        changes: In their order.
    """
    for each in changes:
        if each.what != "same" or len(each.text) <= _SAME_SHOWN:
            yield each
        else:
            half = _SAME_SHOWN // 2
            yield Change("same", f"{each.text[:half]} … {each.text[-half:]}")


def _words(changes: Sequence[Change]) -> str:
    if all(each.what == "same" for each in changes):
        return ""
    forms = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(forms[each.what].format(each.text) for each in shortened(changes))


def _html(changes: Sequence[Change]) -> str:
    if all(each.what == "same" for each in changes):
        return ""
    names = {"same": "span", "removed": "del", "added": "ins"}
    marked = (f"<{names[what]}>{escape(plain(encodable(text)))}</{names[what]}>" for what, text in shortened(changes))
    return f'<p style="white-space: pre-wrap">{"".join(marked)}</p>'
