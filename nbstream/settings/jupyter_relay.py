"""Finds the relay of the Jupyter server that started this kernel, and what this kernel identifies itself with there."""

from __future__ import annotations

import json
import os
import pathlib
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.errors import UsageError
from nbstream.settings.credential import Credential
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["RELAY_PATH", "FoundRelay", "find_relay"]

RELAY_PATH = "nbstream/v1"
"""Where the relay is, below the address of a Jupyter server."""

_ADDRESS, _TOKEN = "NBSTREAM_RELAY_URL", "NBSTREAM_RELAY_TOKEN"
_HUB_TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105  the variable's name


class FoundRelay(NamedTuple):
    """A relay.

    Attributes:
        base_url: Its address.
        credential: Jupyter's own token for this user; `None` if nothing names one.
    """

    base_url: str
    credential: Credential | None


def find_relay(environment: Mapping[str, str] | None = None) -> FoundRelay:
    """The relay that `NBSTREAM_RELAY_URL` names, or that of the Jupyter server that this kernel belongs to.

    Args:
        environment: The variables; by default those of this process.

    Raises:
        UsageError: There is none.

    Example:
        >>> find_relay({"NBSTREAM_RELAY_URL": "http://hub/services/nbstream/v1", "JUPYTERHUB_API_TOKEN": "t"}).base_url
        'http://hub/services/nbstream/v1'
    """
    variables = os.environ if environment is None else environment
    if address := variables.get(_ADDRESS, "").strip():
        token = variables.get(_TOKEN, "").strip() or variables.get(_HUB_TOKEN, "").strip()
        return FoundRelay(address, _credential(token))
    server = _server_of(variables.get("JPY_PARENT_PID", ""))
    if server is None:
        raise UsageError(f"no Jupyter server was found that this kernel belongs to; {_ADDRESS} can name a relay")
    if server.get("sock"):
        raise UsageError(f"this kernel's Jupyter server listens on a socket file; {_ADDRESS} can name a relay")
    token = variables.get(_TOKEN, "").strip() or variables.get(_HUB_TOKEN, "").strip() or server.get("token") or ""
    return FoundRelay(f"{str(server['url']).rstrip('/')}/{RELAY_PATH}", _credential(str(token)))


def _credential(token: str) -> Credential | None:
    return Credential(Secret(token), "relay") if token else None


def _server_of(parent: str) -> dict[str, Any] | None:
    """What is known of the server that started this kernel; else of the only one that this user runs."""
    servers = list(_servers())
    own = [server for server in servers if parent and str(server.get("pid")) == parent]
    return own[0] if own else servers[0] if len(servers) == 1 else None


def _servers() -> Iterator[dict[str, Any]]:
    """What running servers of this user say of themselves, in files that only this user can read."""
    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return
    for path in sorted(pathlib.Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        try:
            server = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):  # it has just ended, or is just being written
            continue
        if isinstance(server, dict) and isinstance(server.get("url"), str) and _runs(server.get("pid")):
            yield server


def _runs(pid: Any) -> bool:
    """Whether there is such a process; a server that was killed leaves its file behind."""
    if not isinstance(pid, int) or os.name == "nt":  # where signal 0 would end the process
        return isinstance(pid, int)
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
