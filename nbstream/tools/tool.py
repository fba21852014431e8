"""A function that a model may call."""

from __future__ import annotations

import functools
import inspect
import re
from typing import TYPE_CHECKING, Any, overload

from nbstream.errors import UsageError
from nbstream.text.faults import faults_told
from nbstream.tools.schema import parameters_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nbstream.streaming.errands import Errands

__all__ = ["ArgumentsError", "CallError", "Tool", "tool"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECONDS = 60.0


class ArgumentsError(ValueError):
    """What a model gave does not fit the parameters; the words are for the model."""


class CallError(Exception):
    """A call has no result; the words are for the model.

    Args:
        words: What happened.
        kind: The same as a stable word.
        unknown: Whether it may have been done all the same.
    """

    def __init__(self, words: str, kind: str, *, unknown: bool = False) -> None:
        super().__init__(words)
        self.kind = kind
        self.unknown = unknown


class Tool:
    """A function that a model may call; it can still be called as the function that it is.

    Args:
        function: The function, which may be asynchronous.
        name: What the model calls it; by default the function's own name.
        description: What the model is told of it; by default its docstring.
        safe: Whether it may run without being asked for, because it changes nothing and costs nothing.
        timeout: Seconds that one call may take.

    Raises:
        UsageError: It is no function, or a model cannot be told how to call it.
    """

    approve: Any = None
    """Who allows its calls, see `nbstream.tools.approval`; `None` leaves that to the request."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        safe: bool = False,
        timeout: float = _SECONDS,
    ) -> None:
        if not callable(function) or inspect.isclass(function):
            raise UsageError(f"a tool is a function, not {_said(function)}")
        functools.update_wrapper(self, function)  # first, because it brings the function's own attributes
        self.name = str(name or getattr(function, "__name__", ""))
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"a tool cannot be called {self.name!r}: a name has letters, digits, _ and -, at most 64; "
                "give another with @nbs.tool(name=…)"
            )
        if not timeout > 0:
            raise UsageError(f"the timeout of a tool is a number of seconds above 0, not {timeout!r}")
        parameters = parameters_of(function, self.name)
        self.function = function
        self.description = parameters.description if description is None else description
        self.parameters = parameters.schema
        self.safe = safe
        self.always = False  # whether the reader has allowed all calls to come; set it to False to be asked again
        self.timeout = timeout
        self._model, self._names = parameters.model, parameters.names

    @property
    def is_async(self) -> bool:
        """Whether calling it gives something to await."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.function))

    def definition(self, api: str) -> dict[str, Any]:
        """What the model is told, in the words of an API.

        Example:
            >>> @tool
            ... def now() -> str:
            ...     '''The time.'''
            >>> now.definition("responses")["name"], now.definition("chat")["function"]["name"]
            ('now', 'now')
        """
        told = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", **told} if api == "responses" else {"type": "function", "function": told}

    def arguments(self, given: str | dict[str, Any]) -> dict[str, Any]:
        """The keyword arguments of a call.

        Args:
            given: What the model, or a reader who edited it, gave: JSON.

        Raises:
            ArgumentsError: It is not JSON, or does not fit the parameters.
        """
        from pydantic import ValidationError

        try:
            checked = (
                self._model.model_validate_json(given.strip() or "{}")
                if isinstance(given, str)
                else self._model.model_validate(given)
            )
        except ValidationError as error:
            raise ArgumentsError(faults_told(error.errors(include_url=False))) from None
        return {parameter: getattr(checked, field) for field, parameter in self._names.items()}

    def fault_of(self, given: dict[str, Any]) -> str:
        """What is wrong with arguments; nothing if they fit."""
        try:
            self.arguments(given)
        except ArgumentsError as error:
            return str(error)
        return ""

    async def run(self, arguments: dict[str, Any], errands: Errands, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run a call that is allowed; what it returns.

        Args:
            arguments: As `arguments` gives them.
            errands: Runs functions where the caller is.
            ask: Asks the reader a question in the middle of the call, and gives the decision; `None` if nobody can be
                asked.

        Raises:
            CallError: There is no result.
            Exception: Whatever the function raises.
        """
        del ask
        return await errands.call(self.function, arguments)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function itself."""
        return self.function(*arguments, **named)

    def __repr__(self) -> str:
        return f"<Tool {self.name}{inspect.signature(self.function)}>"


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, safe: bool = False, timeout: float = _SECONDS
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a tool: what a model may call, if you give it with `tools=[…]` or `--tool NAME`.

    The model is told the function's name, its docstring and the types of its parameters. What it gives is checked
    against these types before the function runs, and you are asked before, unless the tool is `safe`.

    Args:
        function: The function, which may be asynchronous. Every parameter needs a type.
        **options: `name` and `description` for the model; `safe`, whether it may run without asking you; `timeout`,
            the seconds that one call may take (60 by default).

    Raises:
        UsageError: It is no function, or a model cannot be told how to call it.

    Example:
        ```python
        @nbs.tool(safe=True)
        def population(country: str) -> int:
            \"\"\"How many people live in a country.\"\"\"
            return int(table.loc[country, "population"])

        nbs.stream("Do more people live in Norway or in Denmark?", tools=[population])
        ```
    """
    if function is None:
        return functools.partial(Tool, **options)
    return Tool(function, **options)


def _said(value: Any) -> str:
    return f"the class {value.__name__}" if inspect.isclass(value) else f"something of type {type(value).__name__}"
