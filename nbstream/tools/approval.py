"""Who allows a call to run. An approval is a value: it names one call with its arguments, and is good for no other."""

from __future__ import annotations

import hashlib
import inspect
import json
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from nbstream.errors import UsageError

if TYPE_CHECKING:
    from nbstream.tools.tool import Tool

__all__ = [
    "Allowance",
    "Approve",
    "Approved",
    "Decision",
    "Denied",
    "Question",
    "QuestionKind",
    "checked_policy",
    "decided",
    "digest_of",
]


@dataclass(frozen=True, slots=True)
class Approved:
    """A call may run.

    Attributes:
        digest: Which call, with which arguments; see `digest_of`.
        arguments: The arguments to call with, if somebody has edited them.
        always: Whether later calls of the tool may run without asking, too.
    """

    digest: str
    arguments: dict[str, Any] | None = None
    always: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """A call must not run.

    Attributes:
        reason: Why, for the model to read.
    """

    reason: str = ""


Decision: TypeAlias = Approved | Denied


@dataclass(frozen=True)
class Allowance:
    """That all calls of a tool may run, which its reader has said and can take back.

    Attributes:
        tool: The tool.
    """

    tool: Tool

    def revoke(self) -> None:
        """Ask again before the next call."""
        self.tool.always = False


QuestionKind: TypeAlias = Literal["call", "remote", "input", "insert", "secret"]

Approve: TypeAlias = Literal["ask", "all", "none"] | Collection[str] | Callable[["Question"], "bool | Decision"]
"""Who allows a call: `"ask"` the reader, `"all"` may run, `"none"`, those that are named, or a function decides."""


@dataclass(frozen=True)
class Question:
    """Whether a call may run, what a tool wants to know, or whether code or a secret may go somewhere.

    Attributes:
        call_id: The call.
        tool: The name of the tool.
        arguments: What it is to be called with; of an `input`, what is filled in already.
        description: What the tool does, or asks.
        fault_of: What is wrong with other arguments; nothing if the tool takes them.
        kind: A `call` that runs here, whose arguments may be edited; a `remote` one, which somebody else runs; an
            `input` that a tool asks for in the middle of a call, which is then the arguments of the approval; the
            `insert` of an answer's code into a new cell, of which the arguments are `code` and `model`; or the sending
            of a `secret` that seems to be in the prompt, which the description tells of.
        digest: What an approval has to name.
    """

    call_id: str
    tool: str
    arguments: dict[str, Any]
    description: str = ""
    fault_of: Callable[[dict[str, Any]], str] = field(default=lambda _: "", repr=False, compare=False)
    kind: QuestionKind = "call"
    digest: str = field(init=False)
    _answered: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)
    _tell: list[Callable[[Decision], object]] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest_of(self.call_id, self.tool, self.arguments))

    def answer(self, decision: Decision) -> bool:
        """Answer it, from any thread; whether this was the first answer, which is the one that counts."""
        if isinstance(decision, Approved) and decision.digest != self.digest:
            return False  # it was given for another call, or for other arguments
        with self._answered:
            if not self._tell:
                return False
            tell = self._tell.pop()
        tell(decision)
        return True

    def when_answered(self, tell: Callable[[Decision], object]) -> None:
        """Call `tell` with the first answer, on the thread that gives it."""
        with self._answered:
            self._tell[:] = [tell]

    def withdraw(self) -> None:
        """Take no answer any more."""
        with self._answered:
            self._tell.clear()


def digest_of(call_id: str, tool: str, arguments: dict[str, Any]) -> str:
    """What names a call together with its arguments, however their JSON is written.

    Example:
        >>> digest_of("c1", "add", {"a": 1, "b": 2}) == digest_of("c1", "add", {"b": 2, "a": 1})
        True
    """
    canonical = json.dumps([call_id, tool, arguments], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def checked_policy(approve: Any) -> Approve:
    """The policy, if it is one; `None` asks the reader.

    Raises:
        UsageError: It is none.
    """
    if approve is None:
        return "ask"
    if inspect.iscoroutinefunction(approve):
        raise UsageError("approve cannot be an async function, because a call is decided on at once")
    if callable(approve) or (isinstance(approve, str) and approve in {"ask", "all", "none"}):
        return cast("Approve", approve)
    if isinstance(approve, list | tuple | set | frozenset) and all(isinstance(name, str) for name in approve):
        return frozenset(approve)
    raise UsageError(
        'approve must be "ask", "all", "none", a list of names of tools, or a function that is given the question, '
        f"not {approve!r}"
    )


def decided(question: Question, tool: Tool | None, approve: Approve) -> Decision | None:
    """What a policy says of a call; `None` if the reader is to be asked.

    Args:
        question: Whether it may run.
        tool: What is called, if it is called here.
        approve: The policy of the request.

    Raises:
        Exception: Whatever the policy's function raises.
    """
    approved = Approved(question.digest)
    if tool is not None and tool.approve is not None:
        approve = tool.approve
    if callable(approve):
        said = approve(question)
        return said if isinstance(said, Approved | Denied) else approved if said is True else Denied()
    if approve == "none":
        return Denied("The user allows no tools now.")
    safe = tool is not None and tool.safe
    if approve == "all" or safe or (not isinstance(approve, str) and question.tool in approve):
        return approved
    return None
