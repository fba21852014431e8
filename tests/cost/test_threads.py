"""Threads, tasks and frames of streams over real HTTP: while they go on, and once they have ended."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

import nbstream as nbs
from nbstream.streaming.engine import engine
from nbstream.testing import RecordingSurface, chat_body, chat_chunk

if TYPE_CHECKING:
    from nbstream.streaming.handle import StreamHandle
    from nbstream.testing import FaultServer

PATIENCE = 60.0
STREAMS = 30


def threads() -> set[threading.Thread]:
    """Those of this process that stream; the server has its own."""
    return {thread for thread in threading.enumerate() if "fault" not in thread.name.lower()}


def tasks() -> int:
    async def others() -> int:
        for _ in range(100):  # what is about to end gets the chance to
            await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1

    return engine().submit(others()).result(PATIENCE)


def begin(server: FaultServer, *, display: bool) -> tuple[threading.Event, list[StreamHandle]]:
    """Begin many streams, and wait until the first half of each answer has come."""
    gate = threading.Event()
    server.send(chat_chunk("Half"), gate, chat_body(" of it"))
    before = len(server.requests)
    started = [nbs.start("Hi", model="m", base_url=server.base_url, display=display) for _ in range(STREAMS)]
    server.wait(requests=before + STREAMS, timeout=PATIENCE)
    return gate, started


@pytest.mark.parametrize("kind", ["silent", "drawn"])
def test_streams_leave_no_thread_and_no_task(kind: str, loopback: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    surfaces: list[RecordingSurface] = []

    def surface(_: object) -> RecordingSurface:
        surfaces.append(RecordingSurface())
        return surfaces[-1]

    monkeypatch.setattr("nbstream.api.choose_surface", surface)
    loopback.send(chat_body("Hi"))
    nbs.stream("Hi", model="m", base_url=loopback.base_url, display=False)  # makes the engine and a client
    before, tasks_before = threads(), tasks()

    gate, handles = begin(loopback, display=kind == "drawn")
    for each in surfaces:
        assert each.drawn.wait(PATIENCE)
    while_they_go_on = threads() - before
    assert len(while_they_go_on) <= (STREAMS if kind == "drawn" else 0)
    gate.set()
    assert {handle.result(PATIENCE).text for handle in handles} == {"Half of it"}
    patient_until = time.monotonic() + PATIENCE
    for thread in threads() - before:
        thread.join(max(0.0, patient_until - time.monotonic()))
    assert threads() <= before
    assert tasks() <= tasks_before
    assert all(len(each.frames) <= 2 for each in surfaces), "a frame for each half at the most"
