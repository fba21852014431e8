"""How to reach an MCP server: an address, a command, or a server in this process. Nothing of it shows a secret."""

from __future__ import annotations

import collections
import os
import pathlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.address import bare, secrets_of
from nbstream.text.plain import exception_line, one_line, plain
from nbstream.text.redaction import Redaction
from nbstream.tools.mcp_guard import guarded
from nbstream.tools.mcp_http import http_client
from nbstream.tools.mcp_lines import LONGEST_MESSAGE, lines_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AsyncExitStack
    from typing import TextIO

__all__ = ["TOO_LARGE", "Reach", "reach_of"]

TOO_LARGE = f"it sent more than {LONGEST_MESSAGE // 1_000_000} MB at once"

_LONGEST_WORDS, _LONGEST_LINE = 300, 1000
_LISTEN_SECONDS = 0.2


@dataclass(frozen=True)
class Reach:
    """How to reach one server.

    Attributes:
        given: What the user gave: an address, a command as a list, a server or a transport of the SDK.
        label: What to call it in messages.
        env: More variables for the environment of a process.
        cwd: Where a process begins.
        headers: More headers for requests.
    """

    given: Any = field(repr=False)
    label: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    _errors: _Errors = field(default_factory=lambda: _Errors(), repr=False)  # noqa: PLW0108  it is defined below

    @property
    def is_process(self) -> bool:
        """Whether the server is a process that is started for it."""
        return isinstance(self.given, list)

    @property
    def is_address(self) -> bool:
        """Whether the server is somewhere else, and each request to it is one of HTTP."""
        return isinstance(self.given, str)

    async def transport(self, opened: AsyncExitStack, ended: Callable[[str], object]) -> Any:
        """What the SDK's client takes.

        Args:
            opened: Closes what has to be closed afterwards.
            ended: Called when the server has ended or has to, with what it has done that it has to; not of an object.
        """
        if self.is_address:
            from mcp.client.streamable_http import streamable_http_client

            client = await opened.enter_async_context(http_client(dict(self.headers)))
            return guarded(
                streamable_http_client(self.given, http_client=client, max_sse_event_size=LONGEST_MESSAGE), ended
            )
        from mcp.client.stdio import StdioServerParameters, stdio_client

        parameters = self.given
        if self.is_process:
            command, *arguments = self.given
            environment = {**_environment(), **self.env}
            parameters = StdioServerParameters(command=command, args=arguments, env=environment, cwd=self.cwd)
        if isinstance(parameters, StdioServerParameters):
            errors = opened.enter_context(self._errors.listen())
            encoding = lines_encoding(lambda: ended(TOO_LARGE))
            bounded = parameters.model_copy(update={"encoding": encoding, "encoding_error_handler": "replace"})
            return guarded(stdio_client(bounded, errlog=errors), ended)
        return guarded(self.given, ended) if hasattr(type(self.given), "__aenter__") else self.given

    def clean(self, text: str) -> str:
        """Words of the server, fit to be shown and sent: without the secrets that it was given, and not without end."""
        secrets = [*self.env.values(), *self.headers.values()]
        secrets += [part for value in self.headers.values() for part in value.split()]  # without the word Bearer
        secrets += [*secrets_of(self.given)] if isinstance(self.given, str) else []
        return Redaction("", [Redaction(secret) for secret in secrets if secret]).without_key(text)

    def last_words(self) -> str:
        """What a process said last of itself, on its way out."""
        return one_line(self.clean(self._errors.last()), _LONGEST_WORDS)

    def failure(self, error: BaseException | None, seconds: float, fault: str = "") -> UsageError:
        """What to raise if the server cannot be reached, or its list of tools be read.

        Args:
            error: What has happened.
            seconds: How long was waited.
            fault: What the server has done, if that is known.
        """
        error, said = _first_of(error), fault or self.last_words()
        if isinstance(error, FileNotFoundError) and self.is_process:
            return UsageError(f"there is no command {plain(str(self.given[0]))}")
        if isinstance(error, TimeoutError):
            happened = f"it did not answer within {seconds:g} s"
        elif said:
            happened = said
        elif error is None or not isinstance(error, Exception):
            happened = "the connection was closed"
        else:
            told = getattr(error, "message", None)  # which the SDK's own errors have
            words = told if isinstance(told, str) and told else exception_line(error)
            happened = one_line(self.clean(words), _LONGEST_WORDS)
        remedies = [] if self.is_process else [Remedy(RemedyKind.CHECK_SERVER)]
        return UsageError(f"the tools of {self.label} could not be read: {happened}", remedies=remedies)


def reach_of(server: Any, *, env: Mapping[str, str] | None, cwd: Any, headers: Mapping[str, str] | None) -> Reach:
    """Check what the user gave.

    Raises:
        UsageError: It is nothing that an MCP server can be reached by.
    """
    for name, values in (("env", env), ("headers", headers)):
        if values is not None and not _are_texts(values):
            raise UsageError(f'{name} is a dictionary of texts, such as {{"NAME": "value"}}')
    more: dict[str, Any] = {"env": dict(env or {}), "headers": dict(headers or {})}
    more["cwd"] = None if cwd is None else str(cwd)
    if isinstance(server, str):
        if (env is not None) or (cwd is not None):
            raise UsageError("env and cwd are for an MCP server that is a command; an address has headers")
        return Reach(server, f"the MCP server {_checked_address(server)}", **more)
    if headers is not None:
        raise UsageError("headers are for an MCP server at an address; a command has env")
    if isinstance(server, list | tuple):
        if not server or not all(isinstance(each, str | os.PathLike) for each in server):
            raise UsageError('a command is a list of texts, such as ["npx", "-y", "a-server"]')
        command = [os.fspath(each) for each in server]
        return Reach(command, f"the MCP server {plain(pathlib.PurePath(command[0]).name)}", **more)
    if env is not None or cwd is not None:
        raise UsageError("env and cwd are for an MCP server that is a command")
    if not _is_server(server):
        raise UsageError(
            'an MCP server is an address ("https://…"), a command (["npx", …]), or a server object of the package mcp, '
            f"not something of type {type(server).__name__}"
        )
    named = getattr(server, "name", None)
    return Reach(server, f"the MCP server {plain(named)}" if isinstance(named, str) else "the MCP server", **more)


def _checked_address(address: str) -> str:
    """The address as it may be shown.

    Raises:
        UsageError: It is not the address of a server, or holds a password.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not address.isprintable() or " " in address:
        raise UsageError(
            'the address of an MCP server must look like https://host/mcp; a command is a list: ["npx", …]'
        )
    if parts.username or parts.password:
        raise UsageError('the address of the MCP server contains a password; give it with headers={"Authorization": …}')
    return plain(bare(address))


def _is_server(value: Any) -> bool:
    """Whether the SDK's client takes it: a server in this process, or a transport."""
    from mcp.client.stdio import StdioServerParameters
    from mcp.server import Server
    from mcp.server.mcpserver import MCPServer

    return isinstance(value, StdioServerParameters | Server | MCPServer) or hasattr(type(value), "__aenter__")


def _are_texts(values: Any) -> bool:
    return hasattr(values, "items") and all(isinstance(each, str) for pair in values.items() for each in pair)


def _environment() -> dict[str, str]:
    """What a process needs besides what the SDK gives it: nothing that may be a key."""
    names = ("LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONUTF8", "NODE_PATH", "XDG_CACHE_HOME")
    return {name: os.environ[name] for name in names if name in os.environ}


class _Errors:
    """The last of what a process writes to its standard error."""

    def __init__(self) -> None:
        self._lines: collections.deque[str] = collections.deque(maxlen=20)
        self._reader: threading.Thread | None = None

    def listen(self) -> TextIO:
        """Listen to a new process; where it is to write."""
        reading, writing = os.pipe()
        self._lines.clear()
        self._reader = threading.Thread(target=self._read, args=(reading,), name="nbstream-mcp-errors", daemon=True)
        self._reader.start()
        return os.fdopen(writing, "w")

    def last(self) -> str:
        """The last line; waits a little for a process that has just ended."""
        if self._reader is not None:
            self._reader.join(_LISTEN_SECONDS)
        return next((line for line in reversed(tuple(self._lines)) if line.strip()), "")

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, errors="replace") as lines:
            while line := lines.readline(_LONGEST_LINE):
                self._lines.append(line)


def _first_of(error: BaseException | None) -> BaseException | None:
    """The error itself, where task groups have wrapped it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
