"""One connection of a server, close to the socket: requests in, segments out, and the moment when a client leaves."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys

from nbstream.testing.answers import Received

__all__ = ["ClientReader", "read_request", "reset", "write"]

_LONGEST_LINE = 1024 * 1024

# Linux's SIOCOUTQNSD and SIOCOUTQ. The first matters because small writes are joined while earlier ones are in flight,
# even with Nagle's algorithm off; the second because a reset discards what is in flight.
_UNSENT, _UNDELIVERED = 0x894B, 0x5411
_IMPATIENT_LOOKS = 50


class ClientReader(asyncio.StreamReader):
    """Says when the client has left, even while nobody reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=_LONGEST_LINE, loop=loop)
        self.gone: asyncio.Future[None] = loop.create_future()

    def feed_eof(self) -> None:
        """Note that the connection was closed."""
        super().feed_eof()
        self._has_gone()

    def set_exception(self, exc: Exception) -> None:
        """Note that the connection broke."""
        super().set_exception(exc)
        self._has_gone()

    def _has_gone(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


async def read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    """Read one request; `None` if the client has no more, or sends something else."""
    first = await reader.read(1)
    if not first.isalpha():  # a TLS hello, for one, may hold no line end to wait for
        return None
    line = first + await reader.readline()
    method, target, _ = line.decode("latin-1").split()
    headers: dict[str, str] = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, target, headers, body, connection)


async def write(data: bytes, writer: asyncio.StreamWriter) -> None:
    """Send data as one piece: it has left before more is written, so the kernel cannot join the two."""
    writer.write(data)
    await writer.drain()
    await _emptied(writer, _UNSENT)


async def reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection once the client's system has all that was sent, because a reset discards the rest."""
    await _emptied(writer, _UNDELIVERED)
    linger = struct.pack("ii", 1, 0)  # closing with a linger time of 0 resets
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def _emptied(writer: asyncio.StreamWriter, queue: int) -> None:
    """Wait until the kernel has nothing left to send or, with `_UNDELIVERED`, until the client's kernel has it."""
    looks = 0
    while _queued(writer, queue):
        looks += 1  # usually microseconds, but not if the client does not read
        await asyncio.sleep(0 if looks < _IMPATIENT_LOOKS else 0.001)


def _queued(writer: asyncio.StreamWriter, queue: int) -> int:
    """How many bytes are in one of the kernel's queues; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    import fcntl

    count = bytearray(4)
    try:
        fcntl.ioctl(writer.get_extra_info("socket").fileno(), queue, count)
    except (OSError, ValueError):  # the socket is closed
        return 0
    return int.from_bytes(count, sys.byteorder)
