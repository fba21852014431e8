"""The doubles as pytest fixtures. In your `conftest.py`: `pytest_plugins = ["nbstream.testing.fixtures"]`.

The one module of the package that imports pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbstream.testing.script import ScriptedStream
from nbstream.testing.server import FaultServer
from nbstream.testing.surface import RecordingSurface
from nbstream.testing.virtual_time import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fault_server", "manual_clock", "recording_surface", "scripted_stream"]

MODEL = "scripted"


@pytest.fixture
def fault_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A `FaultServer` that receives every stream that names no other server and no other model.

    It is announced in the environment (`OPENAI_BASE_URL`, `OPENAI_API_KEY`, `NBSTREAM_MODEL`), so notebooks that are
    executed in a kernel of their own use it too. The environment is restored, and the server closed, after the test.

    Example:
        ```python
        def test_the_reason_is_shown(fault_server):
            fault_server.send(error_body("Slow down"), status=429, headers={"x-should-retry": "false"})
            with pytest.raises(nbs.StreamError, match="Slow down"):
                nbs.stream("Hi")
        ```
    """
    with FaultServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", server.api_key)
        monkeypatch.setenv("NBSTREAM_MODEL", MODEL)
        yield server


@pytest.fixture
def recording_surface() -> RecordingSurface:
    """A `RecordingSurface`, to hand to `play`.

    Example:
        ```python
        def test_what_is_drawn(scripted_stream, recording_surface):
            play(scripted_stream.answering("Hi"), surface=recording_surface)
            assert recording_surface.final.text == "Hi"
        ```
    """
    return RecordingSurface()


@pytest.fixture
def manual_clock() -> ManualClock:
    """A `ManualClock`, which stands at 0 until the test advances it.

    Example:
        ```python
        def test_pace(manual_clock):
            async def main():
                task = asyncio.create_task(manual_clock.sleep(60))
                await manual_clock.advance(60)
                assert task.done()

            asyncio.run(main())
        ```
    """
    return ManualClock()


@pytest.fixture
def scripted_stream() -> type[ScriptedStream]:
    """The class `ScriptedStream`, to make streams with.

    Example:
        ```python
        def test_a_stall(scripted_stream):
            result = play(scripted_stream([TextDelta("Hel")], 3600.0))
            assert result.error.kind == "stalled"
        ```
    """
    return ScriptedStream
