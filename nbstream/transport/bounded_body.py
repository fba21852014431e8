"""Reads no more of a body than is needed of it: of a refusal what a message takes, of a list what a list takes.

The SDK reads the whole body of an error status, decompressed, whatever its size. Here an event hook of the HTTP client
reads the beginning of it, closes the connection, and leaves a response with a small body for the SDK to read.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = [
    "ENCODINGS",
    "REFUSAL_SECONDS",
    "Inflater",
    "body_pieces",
    "bound_body",
    "bound_refusal",
    "read_body",
    "unknown_encoding",
]

ENCODINGS = "gzip, deflate"
"""The compressions to ask for: those whose output can be bounded with the standard library."""

_LARGEST_REFUSAL = 64 * 1024
_LARGEST_PIECE = 256 * 1024
REFUSAL_SECONDS = 5.0
"""How long the words of a refusal may take, whose status is known by then."""

_KNOWN = {"gzip", "x-gzip", "deflate", "identity", ""}


class Inflater:
    """Decompresses up to a size, whatever the compressed bytes would become.

    Args:
        codings: The values of `Content-Encoding`, in the order in which they were applied.
        limit: The number of bytes at which it is full.

    Attributes:
        data: What there is so far.
    """

    def __init__(self, codings: list[str], limit: int) -> None:
        self.data = bytearray()
        self._limit = limit
        self._stages = [_Stage(coding) for coding in reversed(codings) if coding not in {"", "identity"}]

    @property
    def full(self) -> bool:
        """Whether nothing more is taken."""
        return len(self.data) >= self._limit

    def feed(self, raw: bytes) -> None:
        """Take the next bytes.

        Raises:
            zlib.error: They are not what `Content-Encoding` says.
        """
        left = self._limit - len(self.data)
        if left <= 0:  # to `zlib` no length is no limit
            return
        for stage in self._stages:
            raw = stage.inflate(raw, left)
        self.data += raw[:left]


class _Stage:
    def __init__(self, coding: str) -> None:
        self._gzip = coding in {"gzip", "x-gzip"}
        self._inflater: Any = zlib.decompressobj(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)
        self._begun = False

    def inflate(self, raw: bytes, limit: int) -> bytes:
        raw = self._inflater.unconsumed_tail + raw
        try:
            data: bytes = self._inflater.decompress(raw, limit)
        except zlib.error:
            if self._gzip or self._begun:
                raise
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # what some servers take "deflate" to mean
            data = self._inflater.decompress(raw, limit)
        self._begun = self._begun or bool(raw)
        return data


def unknown_encoding(headers: Mapping[str, str]) -> str | None:
    """The compression of a body that cannot be undone; `None` if it can.

    Example:
        >>> unknown_encoding({"content-encoding": "zstd"}), unknown_encoding({"content-encoding": "gzip"})
        ('zstd', None)
    """
    return next((coding for coding in _codings(headers) if coding not in _KNOWN), None)


async def read_body(response: Any, limit: int) -> bytes:
    """The beginning of a response's body, decompressed, and at most so many bytes of it.

    Args:
        response: The `httpx.Response` or `httpx2.Response`, whose body has not been read.
        limit: The number of bytes.

    Raises:
        Exception: The body broke off, or is not compressed as it says: an error of the HTTP library, or of `zlib`.
    """
    inflater = Inflater(_codings(response.headers), limit)
    await _read_into(inflater, response)
    return bytes(inflater.data)


async def body_pieces(response: Any) -> AsyncIterator[bytes]:
    """A response's body, decompressed, piece by piece: none is large, whatever the compressed bytes become.

    Args:
        response: The `httpx.Response` or `httpx2.Response`, whose body has not been read.

    Raises:
        Exception: The body broke off, or is not compressed as it says: an error of the HTTP library, or of `zlib`.
    """
    codings = _codings(response.headers)
    inflater = Inflater(codings, _LARGEST_PIECE)
    async for raw in response.stream:
        if not any(coding not in {"", "identity"} for coding in codings):
            yield raw
            continue
        inflater.feed(raw)
        while piece := bytes(inflater.data):
            yield piece
            inflater.data.clear()
            inflater.feed(b"")  # what was left over


async def bound_refusal(response: Any) -> None:
    """Cut the body of a response that is not a success; an event hook of the HTTP client.

    Args:
        response: The `httpx.Response` or `httpx2.Response`.
    """
    if 200 <= response.status_code < 300:
        return
    data = b""
    if unknown_encoding(response.headers) is None:
        inflater = Inflater(_codings(response.headers), _LARGEST_REFUSAL)
        # The status is what counts: half a sentence about it, or none, will do.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(REFUSAL_SECONDS):
                await _read_into(inflater, response)
        data = bytes(inflater.data)
    await _leave(response, data)


async def bound_body(response: Any, limit: int) -> bool:
    """Read a body, and leave a response with what it is up to a limit; within an event hook of the HTTP client.

    Args:
        response: The `httpx.Response` or `httpx2.Response`.
        limit: The number of bytes.

    Returns:
        Whether there is more of it.
    """
    if unknown_encoding(response.headers) is not None:
        await _leave(response, b"")
        return False
    inflater = Inflater(_codings(response.headers), limit + 1)
    with contextlib.suppress(Exception):  # whatever breaks it off
        await _read_into(inflater, response)
    await _leave(response, bytes(inflater.data[:limit]))
    return inflater.full


async def _leave(response: Any, data: bytes) -> None:
    """Close the connection of a response, and let this be its body."""
    with contextlib.suppress(Exception):
        await response.stream.aclose()
    response.stream = type(response)(response.status_code, content=data).stream
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        if name in response.headers:
            del response.headers[name]


async def _read_into(inflater: Inflater, response: Any) -> None:
    async for raw in response.stream:
        inflater.feed(raw)
        if inflater.full:
            break


def _codings(headers: Mapping[str, str]) -> list[str]:
    return [coding.strip().lower() for coding in (headers.get("content-encoding") or "").split(",")]
