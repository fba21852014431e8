"""Lets the prompt of a `%stream` line end with a question mark, which IPython takes for a request for help.

`%stream?` and `%stream??` still ask for help.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign, TokenTransformBase

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["install", "remove"]

_BEFORE_HELP = 0  # IPython's own priorities: 5 for help, 10 for magics


class PromptLine(EscapedCommand):
    """`%stream What is this?`, before IPython looks for help."""

    priority = _BEFORE_HELP

    @classmethod
    def find(cls, tokens_by_line: Any) -> Any:
        """The first such line."""
        for line in tokens_by_line:
            words = [token for token in line if token.string.strip()]
            if _is_prompt([word.string for word in words]):
                return cls(words[0].start)
        return None


class AssignedPromptLine(TokenTransformBase):
    """`answer = %stream What is this?`; it begins where the line does, for what begins first is transformed first."""

    priority = _BEFORE_HELP

    def __init__(self, start: tuple[int, int], magic: tuple[int, int]) -> None:
        super().__init__(start)  # type: ignore[no-untyped-call]
        self._assigned = MagicAssign(magic)  # type: ignore[no-untyped-call]

    @classmethod
    def find(cls, tokens_by_line: Any) -> Any:
        """The first such line."""
        for line in tokens_by_line:
            words = [token for token in line if token.string.strip()]
            behind = [*itertools.dropwhile(lambda word: word.string != "=", words)][1:]
            if _is_prompt([word.string for word in behind]):
                return cls(words[0].start, behind[0].start)
        return None

    def transform(self, lines: list[str]) -> Any:
        """Call the magic."""
        return self._assigned.transform(lines)


def install(shell: InteractiveShell) -> None:
    """Begin to transform."""
    remove(shell)
    shell.input_transformer_manager.token_transformers += [PromptLine, AssignedPromptLine]


def remove(shell: InteractiveShell) -> None:
    """Transform no more."""
    transformers = shell.input_transformer_manager.token_transformers
    # By name, because a reload of the extension makes new classes.
    transformers[:] = [each for each in transformers if each.__name__ not in {"PromptLine", "AssignedPromptLine"}]


def _is_prompt(words: list[str]) -> bool:
    return words[:2] == ["%", "stream"] and any(word not in {"?", "??"} for word in words[2:])
