"""Endpoints with a name: where a request goes, kept in the kernel, so that a cell names it in a word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbstream.errors import UsageError
from nbstream.text.address import bare
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from nbstream.request import Api
    from nbstream.text.key_function import KeyFunction
    from nbstream.text.secret import Secret

__all__ = ["EndpointBook", "NamedEndpoint"]


@dataclass(frozen=True, slots=True, repr=False)
class NamedEndpoint:
    """An endpoint as `nbs.endpoint` returns it. It shows whether it has a key, and nothing of the key.

    Attributes:
        name: What it is called.
        base_url: Its address; `None` for that of the settings.
        model: The model to ask there, unless a call names another.
        api: Which of the two OpenAI APIs to call there.
        api_key: The key, or the function that gives it.
        key_variable: The environment variable that holds the key.
        key_file: The file that holds the key.
    """

    name: str
    base_url: str | None = None
    model: str | None = None
    api: Api | None = None
    api_key: Secret | KeyFunction | None = field(default=None, compare=False)
    key_variable: str | None = None
    key_file: str | None = None

    @property
    def has_key(self) -> bool:
        """Whether a key was given with it, or where to find one."""
        return (self.api_key, self.key_variable, self.key_file) != (None, None, None)

    def __repr__(self) -> str:
        facts = [
            self.model,
            self.base_url and f"at {bare(self.base_url)}",
            self.api and f"by the {self.api} API",
            "with a key" if self.has_key else None,
        ]
        return f"<endpoint {self.name}: {', '.join(fact for fact in facts if fact)}>"


class EndpointBook:
    """The endpoints of a kernel, by their names.

    Example:
        >>> book = EndpointBook()
        >>> book.add(NamedEndpoint("local", "http://localhost:11434/v1", "llama3.2"))
        >>> book.named("local")
        <endpoint local: llama3.2, at http://localhost:11434/v1>
    """

    def __init__(self) -> None:
        self._endpoints: dict[str, NamedEndpoint] = {}

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they were given."""
        return list(self._endpoints)

    def add(self, endpoint: NamedEndpoint) -> None:
        """Keep an endpoint, in place of an earlier one of its name."""
        self._endpoints[endpoint.name] = endpoint

    def named(self, name: str | NamedEndpoint) -> NamedEndpoint:
        """The endpoint of a name; one that is given itself is taken as it is.

        Raises:
            UsageError: There is none.
        """
        if isinstance(name, NamedEndpoint):
            return name
        if not isinstance(name, str):
            raise UsageError(f"an endpoint is given by its name, not {name!r}")
        if name in self._endpoints:
            return self._endpoints[name]
        suggestion = did_you_mean(name, self._endpoints, 0.6)
        known = f"; there are {', '.join(self._endpoints)}" if self._endpoints and not suggestion else ""
        give = f'; name one with nbs.endpoint("{name}", base_url=…)' if not (suggestion or known) else ""
        raise UsageError(f"there is no endpoint called {name}{suggestion}{known}{give}")
