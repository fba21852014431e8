"""The files that batches read and write, sent and read through the SDK: both piece by piece, whatever their size.

Source: the OpenAI API reference, "Files".
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import IO, TYPE_CHECKING, Any

import jiter
import openai

from nbstream.errors import ConnectionLostError, NotAStreamError, StalledError, StreamError, TotalTimeoutError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.transport import own_client
from nbstream.transport.batches import no_batches
from nbstream.transport.bounded_body import body_pieces, read_body, unknown_encoding
from nbstream.transport.fields import text_or_none
from nbstream.transport.translate import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nbstream.request import Target
    from nbstream.transport.open import ClientPool

__all__ = ["batch_lines", "upload_batch"]

_LARGEST_REPLY = 1024 * 1024

# A slow line may take long for a large file, and a provider for looking at it.
_UPLOAD_SECONDS, _SLOWEST_BYTES_PER_SECOND = 120.0, 50_000


async def upload_batch(pool: ClientPool, target: Target, name: str, content: IO[bytes], size: int) -> str:
    """Send an input file (`POST /files`), and return its id.

    Args:
        pool: Has the clients.
        target: Where it goes.
        name: What the provider calls it.
        content: Its content, from where it stands.
        size: How many bytes there are.

    Raises:
        StreamError: The server does not answer, does not accept the key, or keeps no files.
    """
    endpoint = target.endpoint
    timeout = openai.Timeout(None, connect=target.limits.connect)
    seconds = _UPLOAD_SECONDS + size / _SLOWEST_BYTES_PER_SECOND
    try:
        async with asyncio.timeout(seconds):
            with translated(target), own_client.asking():
                files: Any = (await pool.ready_client(target)).files.with_streaming_response
                async with files.create(file=(name, content), purpose="batch", timeout=timeout) as response:
                    made = await read_body(response.http_response, _LARGEST_REPLY)
        told = jiter.from_json(made)
    except TimeoutError:
        raise TotalTimeoutError(
            f"{endpoint.name} did not take the file within {seconds:.0f} s.", retryable=True
        ) from None
    except ValueError:
        told = None
    except StreamError as error:
        raise no_batches(endpoint, "/files", error) from None
    if not isinstance(told, dict) or not (file_id := text_or_none(told.get("id"))):
        raise NotAStreamError(f"{endpoint.name} did not say which id the file has.")
    return file_id


async def batch_lines(pool: ClientPool, target: Target, file_id: str) -> AsyncIterator[bytes]:
    """The lines of a file (`GET /files/{id}/content`), as they come.

    Only the beginning is given of a line that is longer than an answer may be.

    Args:
        pool: Has the clients.
        target: Where the file is.
        file_id: The file.

    Raises:
        StreamError: The server does not answer, does not accept the key, has no such file, or breaks off.
    """
    name = target.endpoint.name
    timeout = openai.Timeout(None, connect=target.limits.connect)
    lines = _Lines(target.sizes.event_bytes)
    async with contextlib.AsyncExitStack() as opened:
        with translated(target):
            files: Any = (await pool.ready_client(target)).files.with_streaming_response
            with own_client.asking():
                async with asyncio.timeout(target.limits.first_token):
                    response = await opened.enter_async_context(files.content(file_id, timeout=timeout))
        if unknown_encoding(response.headers) is not None:
            raise NotAStreamError(
                f"{name} sent a file compressed in a way that was not asked for.",
                remedies=[Remedy(RemedyKind.CHECK_PROXY), Remedy(RemedyKind.CHECK_SERVER)],
            )
        pieces = body_pieces(response.http_response)
        while True:
            try:
                async with asyncio.timeout(target.limits.stall):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise StalledError(f"{name} stopped in the middle of a file.", retryable=True) from None
            except Exception:  # noqa: BLE001  whatever reading raises: each HTTP library has errors of its own
                raise ConnectionLostError(f"The connection to {name} broke off.", retryable=True) from None
            if piece is None:
                break
            for line in lines.feed(piece):
                yield line
    if rest := lines.rest():
        yield rest


class _Lines:
    """Cuts bytes into lines; of one that is too long the beginning is enough.

    Args:
        longest: How many bytes a line may have.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._open = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in a piece."""
        *ended, rest = piece.split(b"\n")
        lines = []
        for end in ended:
            self._take(end)
            lines.append(bytes(self._open))
            self._open.clear()
        self._take(rest)
        return [line for line in lines if line.strip()]

    def rest(self) -> bytes:
        """What follows the last end of a line."""
        return bytes(self._open).strip()

    def _take(self, more: bytes) -> None:
        self._open += more[: self._longest - len(self._open)]
