"""A function that a model may call."""

from __future__ import annotations

import functools
import inspect
import json
import re
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, overload

from nbstream.errors import UsageError
from nbstream.text.faults import faults_told
from nbstream.tools.custom import checked_format, custom_definition, takes_text
from nbstream.tools.schema import parameters_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from nbstream.streaming.errands import Errands
    from nbstream.tools.captured import Captured
    from nbstream.tools.outputs import Returned

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
        custom: Whether the model gives free text instead of JSON; the function then takes one `str`.
        format: What that text is held to, in OpenAI's words: `{"type": "grammar", "syntax": "lark" | "regex",
            "definition": …}`. It makes the tool a custom one.

    Attributes:
        always: Whether the reader has allowed all calls to come; set it to `False` to be asked again.

    Raises:
        UsageError: It is no function, or a model cannot be told how to call it.
    """

    approve: Any = None
    """Who allows its calls, see `nbstream.tools.approval`; `None` leaves that to the request."""

    _allowed: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        safe: bool = False,
        timeout: float = _SECONDS,
        custom: bool = False,
        format: Mapping[str, Any] | None = None,  # noqa: A002  the field's name
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
        self.timeout = timeout
        self.custom = custom or format is not None
        self.format = checked_format(format, self.name)
        self._model, self._names = parameters.model, parameters.names
        if self.custom and not takes_text(self.parameters):
            raise UsageError(f"the tool {self.name} is given free text, so its function takes one parameter: text: str")

    @property
    def always(self) -> bool:
        """Whether the reader has allowed all calls to come; set it to `False` to be asked again."""
        return self._who in self._allowed

    @always.setter
    def always(self, always: bool) -> None:
        (self._allowed.add if always else self._allowed.discard)(self._who)

    @property
    def _who(self) -> Any:
        """What is allowed: the function itself, because each request that is given it makes another tool of it."""
        return self.function if inspect.isfunction(self.function) else self

    @property
    def is_async(self) -> bool:
        """Whether calling it gives something to await."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.function))

    @property
    def left_running(self) -> str:
        """What to say of a call that nobody waits for any more."""
        return "" if self.is_async else "It could not be stopped, and may still be running."

    @property
    def told(self) -> Callable[..., Any]:
        """The function, which gives what the model is sent of its value; see `nbstream.tools.outputs`."""
        from nbstream.tools.outputs import returned

        async def awaited(**arguments: Any) -> Any:
            return returned(await self.function(**arguments))

        def called(**arguments: Any) -> Any:
            return returned(self.function(**arguments))

        return awaited if self.is_async else called

    def definition(self, api: str) -> dict[str, Any]:
        """What the model is told, in the words of an API.

        Example:
            >>> @tool
            ... def now() -> str:
            ...     '''The time.'''
            >>> now.definition("responses")["name"], now.definition("chat")["function"]["name"]
            ('now', 'now')
        """
        if self.custom:
            return custom_definition(api, self.name, self.description, self.format)
        told = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", **told} if api == "responses" else {"type": "function", "function": told}

    def given(self, words: str, *, free: bool) -> dict[str, Any]:
        """The arguments of a call, by name, as the model gave them; they fit.

        Args:
            words: What the model gave.
            free: Whether that is free text, not JSON.

        Raises:
            ArgumentsError: It is not JSON, or does not fit the parameters.
        """
        if free and self.custom:
            [name] = self._names.values()
            given: dict[str, Any] = {name: words}
            self.arguments(given)
            return given
        self.arguments(words)
        return dict(json.loads(words.strip() or "{}"))

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

    async def run(
        self, arguments: dict[str, Any], errands: Errands, ask: Callable[[Any], Awaitable[Any]], captured: Captured
    ) -> Returned:
        """Run a call that is allowed; what the model is sent of its result.

        Args:
            arguments: As `arguments` gives them.
            errands: Runs functions where the caller is.
            ask: Asks the reader a question in the middle of the call, and gives the decision; `None` if nobody can be
                asked.
            captured: Takes what it prints where no cell shows that.

        Raises:
            CallError: There is no result.
            OutputError: The result cannot be told to a model.
            Exception: Whatever the function raises.
        """
        del ask
        told: Returned = await errands.call(self.told, arguments, captured)
        return told

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function itself."""
        return self.function(*arguments, **named)

    def __repr__(self) -> str:
        allowed = ", always allowed" if self.always else ""
        return f"<Tool {self.name}{inspect.signature(self.function)}{allowed}>"


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    safe: bool = False,
    timeout: float = _SECONDS,
    custom: bool = False,
    format: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a tool: what a model may call, if you give it with `tools=[…]` or `--tool NAME`.

    The model is told the function's name, its docstring and the types of its parameters. What it gives is checked
    against these types before the function runs, and you are asked before, unless the tool is `safe`.

    Args:
        function: The function, which may be asynchronous. Every parameter needs a type.
        **options: `name` and `description` for the model; `safe`, whether it may run without asking you; `timeout`,
            the seconds that one call may take (60 by default); `custom`, whether the model gives one free text, and
            `format`, the grammar that holds it to something.

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
