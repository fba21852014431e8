"""The notebook variable that holds the last completed text, by the same rule as the magic's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.result import StreamState
from nbstream.text.names import is_variable_name

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from IPython.core.interactiveshell import InteractiveShell

    from nbstream.result import StreamResult

__all__ = ["BoundName", "checked_name"]


class BoundName:
    """One variable: set after a completed turn, unset when a turn begins and after anything else.

    So no cell mistakes half an answer, or an answer to an earlier question, for the answer.

    Args:
        name: The variable's name; `None` binds nothing.
        shell: The notebook's shell, if there is one.
        namespace: Where the variable is; by default among those of the shell.

    Raises:
        UsageError: The name is not a valid variable name, or there is neither a namespace nor a notebook.
    """

    def __init__(
        self, name: str | None, shell: InteractiveShell | None, namespace: MutableMapping[str, Any] | None = None
    ) -> None:
        self._name, self._shell = name, shell if namespace is None else None
        self._namespace = shell.user_ns if namespace is None and shell is not None else namespace
        if name is not None:
            checked_name(name)
            if self._namespace is None:
                raise UsageError("bind=… needs a notebook, whose variable it sets, or namespace=globals()")

    def begin(self) -> None:
        """A turn begins."""
        if self._name is not None and self._namespace is not None:
            self._namespace.pop(self._name, None)

    def end(self, result: StreamResult) -> None:
        """A turn has ended."""
        self.begin()
        if self._name is None or self._namespace is None or result.state is not StreamState.COMPLETED:
            return
        if self._shell is not None:
            self._shell.push({self._name: result.text}, interactive=True)
        else:
            self._namespace[self._name] = result.text


def checked_name(name: object) -> str:
    """The name, if a variable can have it.

    Raises:
        UsageError: It cannot.
    """
    if not isinstance(name, str) or not is_variable_name(name):
        raise UsageError(f"{name!r} is not a valid variable name")
    return name
