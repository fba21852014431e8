"""What a user asks of moderation, as a value: who checks, what is checked, and what follows."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

from nbstream.errors import UsageError

__all__ = ["DEFAULT_MODEL", "Hook", "Moderate", "Moderation", "moderation_from"]

Hook: TypeAlias = Callable[[str], "Any | Awaitable[Any]"]
"""A function of the user's that checks a text; see `nbstream.moderation.judgement`."""

At: TypeAlias = Literal["prompt", "pieces", "answer"]

DEFAULT_MODEL = "omni-moderation-latest"
_NAMED = {"provider", "openai"}
_AT: tuple[At, ...] = ("prompt", "pieces", "answer")


@dataclass(frozen=True, slots=True)
class Moderation:
    """How prompts and answers are moderated.

    Attributes:
        check: Who checks: `"provider"`, which then moderates its own answer, and shows it only with its verdict;
            `"openai"`, the moderation endpoint; or a function, sync or async, that is given a text. It returns whether
            to flag it, or for what: a word, a list of words, nothing of the kind (`False`, `""`, `[]`) for a clean one.
            `None` is no answer.
        at: What is checked: the `"prompt"` before it is sent, `"pieces"` of the answer while it arrives, the whole
            `"answer"` at its end. Without `"pieces"`, nothing is shown before the end.
        on_flagged: `"block"` shows nothing before it was checked, and ends an answer that is flagged; `"notify"` shows
            everything, and marks what was flagged.
        on_failure: What follows if a check fails or takes too long: `"block"` ends the answer, without what was not
            checked; `"pass"` shows it, and says that it was not checked.
        piece: How many characters are checked at once, at least. A piece ends with a sentence or a line.
        window: How many characters at the end of a piece are held back until they were checked with what follows, so
            that nothing as long passes in two halves.
        timeout: Seconds that a check may take.
        model: The moderation model, for `"provider"` and `"openai"`.
        base_url: Whose moderation endpoint `"openai"` asks; by default the one of the server that is asked if that is
            OpenAI's or the demo model's, else OpenAI's.

    Raises:
        UsageError: One of them makes no sense.

    Example:
        ```python
        from nbstream.moderation import Moderation

        nbs.stream("…", moderate=Moderation("openai", at=["answer"], on_failure="pass"))
        ```
    """

    check: Literal["provider", "openai"] | Hook
    at: Sequence[At] = _AT
    on_flagged: Literal["block", "notify"] = "block"
    on_failure: Literal["block", "pass"] = "block"
    piece: int = 200
    window: int = 100
    timeout: float = 10.0
    model: str = DEFAULT_MODEL
    base_url: str | None = None

    def __post_init__(self) -> None:
        if not (callable(self.check) or self.check in _NAMED):
            raise UsageError(f'moderate must be "provider", "openai" or a function of a text, not {self.check!r}')
        given: Any = self.at
        at = (given,) if isinstance(given, str) else given
        if not isinstance(at, list | tuple | set | frozenset) or not at or not {*at} <= {*_AT}:
            raise UsageError(f"moderation is at one or more of {', '.join(_AT)}, not {self.at!r}")
        object.__setattr__(self, "at", tuple(each for each in _AT if each in at))
        for name, words in (("on_flagged", ("block", "notify")), ("on_failure", ("block", "pass"))):
            if getattr(self, name) not in words:
                raise UsageError(f"{name} must be {words[0]} or {words[1]}, not {getattr(self, name)!r}")
        for name, least in (("piece", 1), ("window", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"{name} must be a whole number, {least} or above, not {value!r}")
        if not (isinstance(self.timeout, int | float) and 0 < self.timeout < math.inf):
            raise UsageError(f"the timeout of moderation must be a number of seconds above 0, not {self.timeout!r}")

    @property
    def by(self) -> str:
        """The name of who checks.

        Example:
            >>> Moderation("openai").by, Moderation(print).by
            ('openai', 'print')
        """
        if isinstance(self.check, str):
            return self.check
        named = getattr(self.check, "__name__", type(self.check).__name__)
        return str(named)

    @property
    def holds(self) -> bool:
        """Whether an answer is held back until it was checked."""
        return self.on_flagged == "block" and self.at != ("prompt",)


Moderate: TypeAlias = Literal["provider", "openai"] | Hook | Moderation
"""What users give for it."""


def moderation_from(moderate: Any, on_flagged: Any = None) -> Moderation | None:
    """What a call asks for; `None` if it asks for no moderation.

    Args:
        moderate: Who checks, or all of it.
        on_flagged: What follows, if the call says so.

    Raises:
        UsageError: It makes no sense.

    Example:
        >>> moderation_from("openai", "notify").on_flagged
        'notify'
    """
    if moderate is None:
        if on_flagged is not None:
            raise UsageError("on_flagged says what becomes of what moderation flags, and there is no moderation")
        return None
    made = moderate if isinstance(moderate, Moderation) else Moderation(cast("Any", moderate))
    return made if on_flagged is None else replace(made, on_flagged=on_flagged)
