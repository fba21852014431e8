"""A reader who is asked, and sees nothing: a listener of chats and a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.tools.approval import Question

__all__ = ["Reader"]


class Reader:
    """Answers each question with what a function does.

    Args:
        asked: Is given the question.
    """

    def __init__(self, asked: Callable[[Question], object]) -> None:
        self._asked = asked

    def turn_began(self, _: Any) -> Self:
        return self

    def turns_changed(self) -> None: ...
    def turn_ended(self, *_: Any) -> None: ...
    def open(self, *_: Any) -> None: ...
    def draw(self, _: Any) -> None: ...
    def close(self, _: Any) -> None: ...
    def withdraw(self, _: Question) -> None: ...

    def ask(self, question: Question) -> bool:
        self._asked(question)
        return True
