"""How a stop reaches rows that run in other processes: workers connect to the map and hear when it ends.

A connection that breaks off means the same as a stop: nobody wants the answers any more. Nothing is sent over it, apart
from both sides' proof that they have the map's token.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Control", "ControlAddress", "listen_for_stop"]

_LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """Where workers connect to.

    Attributes:
        hosts: Addresses of the machine that the map runs on, the likeliest first.
        port: The port.
        token: What both sides must have. It is of this map alone, and opens nothing else.
    """

    hosts: tuple[str, ...]
    port: int
    token: bytes = field(repr=False)


class Control:
    """The map's end.

    Args:
        everywhere: Whether other machines may connect.
    """

    def __init__(self, *, everywhere: bool) -> None:
        token = secrets.token_bytes(32)
        self._listener = Listener(("0.0.0.0" if everywhere else _LOOPBACK, 0), backlog=256, authkey=token)  # noqa: S104  on purpose
        hosts = (_LOOPBACK, *_own_addresses()) if everywhere else (_LOOPBACK,)
        self.address = ControlAddress(hosts, self._listener.address[1], token)
        self._connections: list[Connection] = []
        self._closed = False
        self._thread = threading.Thread(target=self._accept, name="nbstream-map-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell all workers that nothing is wanted any more, which ends the rows that they ask."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError), socket.create_connection((_LOOPBACK, self.address.port), 1.0):
            pass  # which lets the thread look
        self._thread.join(_CONNECT_SECONDS)
        for each in self._connections:
            with contextlib.suppress(OSError):
                each.close()
        with contextlib.suppress(OSError):
            self._listener.close()

    def _accept(self) -> None:
        from multiprocessing import AuthenticationError

        while not self._closed:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue  # somebody else, or the end
            self._connections.append(connection)


def listen_for_stop(address: ControlAddress, stop: Callable[[], object]) -> None:
    """Call `stop` when the map ends; returns once that is sure, or cannot be had.

    Args:
        address: Where the map listens.
        stop: Ends the rows of the map in this process; on another thread.
    """
    for host in address.hosts:
        try:
            with socket.create_connection((host, address.port), _CONNECT_SECONDS):
                pass
            connection = Client((host, address.port), authkey=address.token)
        except Exception:  # noqa: BLE001, S112  not that way: another map's port, no way through, a broken handshake
            continue
        threading.Thread(target=_hear, args=(connection, stop), name="nbstream-map-stop", daemon=True).start()
        return


def _hear(connection: Connection, stop: Callable[[], object]) -> None:
    with contextlib.suppress(OSError, EOFError):
        connection.recv_bytes(16)
    stop()


def _own_addresses() -> tuple[str, ...]:
    """The addresses by which other machines may know this one."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(each[4][0]) for each in found if not str(each[4][0]).startswith("127.")))
