"""A client without HTTP manners: it sees the bytes, the segments and the end of a connection as they are."""

from __future__ import annotations

import json
import select
import socket
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.testing import FaultServer

PATIENCE = 60.0


class RawClient:
    def __init__(self, base_url: str) -> None:
        where = urlsplit(base_url)
        assert where.hostname is not None
        assert where.port is not None
        self.socket = socket.create_connection((where.hostname, where.port), timeout=PATIENCE)
        self._seen = b""

    def ask(self, target: str = "/v1/x", method: str = "GET", payload: Any = None, headers: str = "") -> RawClient:
        body = b"" if payload is None else json.dumps(payload).encode()
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.socket.sendall(head.encode() + body)
        return self

    def leave(self) -> None:
        self.socket.close()

    def read_until(self, end: bytes) -> bytes:
        while end not in self._seen:
            more = self.socket.recv(65536)
            assert more, f"the connection ended after {self._seen!r}"
            self._seen += more
        wanted, _, self._seen = self._seen.partition(end)
        return wanted + end

    def head(self) -> list[str]:
        """The status line and the headers."""
        return self.read_until(b"\r\n\r\n").decode().strip().split("\r\n")

    def exactly(self, count: int) -> bytes:
        while len(self._seen) < count:
            more = self.socket.recv(65536)
            assert more, f"the connection ended after {self._seen!r}"
            self._seen += more
        wanted, self._seen = self._seen[:count], self._seen[count:]
        return wanted

    def chunks(self) -> list[bytes]:
        """The chunks up to the one that ends the body."""
        chunks = []
        while size := int(self.read_until(b"\r\n"), 16):
            chunks.append(self.exactly(size))
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"
        return chunks

    def rest(self) -> bytes:
        """All up to the end of the connection."""
        while more := self.socket.recv(65536):
            self._seen += more
        rest, self._seen = self._seen, b""
        return rest

    def rest_until_reset(self) -> bytes:
        """All up to the reset of the connection, slowly, as a client that is busy reads."""
        try:
            while True:
                more = self.socket.recv(4096)
                assert more, "the connection was closed properly"
                self._seen += more
        except ConnectionResetError:
            rest, self._seen = self._seen, b""
            return rest

    @property
    def silent(self) -> bool:
        """Whether nothing has come that was not read, not even an end."""
        return not self._seen and not select.select([self.socket], [], [], 0)[0]

    @property
    def segments(self) -> int:
        """How many TCP segments with data have come (`tcpi_data_segs_in` of Linux's `tcp_info`)."""
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 156)
        counted: int = struct.unpack_from("I", info, 152)[0]
        return counted


@pytest.fixture
def connect(loopback: FaultServer) -> Iterator[Callable[[], RawClient]]:
    clients: list[RawClient] = []

    def connect() -> RawClient:
        clients.append(RawClient(loopback.base_url))
        return clients[-1]

    yield connect
    for client in clients:
        client.leave()


@pytest.fixture
def client(connect: Callable[[], RawClient]) -> RawClient:
    return connect()
