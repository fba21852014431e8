"""A surface that stops reading: it holds up nothing, and nothing piles up for it."""

import asyncio
import threading

import pytest

from nbstream.display.throttle import Throttle
from nbstream.result import StreamResult, StreamState
from nbstream.streaming.clock import SystemClock
from nbstream.streaming.painter import Painter
from nbstream.streaming.rounds import Rounds

PATIENCE = 60.0


class StoppedSurface:
    """Does not come back from a frame until it is released."""

    def __init__(self):
        self.reached, self.release = threading.Event(), threading.Event()
        self.drawn = []

    def open(self, request, stop):
        pass

    def draw(self, snapshot):
        self.drawn.append(snapshot.text)
        self.reached.set()
        assert self.release.wait(PATIENCE)

    def close(self, result):
        self.drawn.append(result.text)


@pytest.fixture
def surface():
    return StoppedSurface()


def test_while_a_frame_is_under_way_no_other_is_made(surface):
    text = "the beginning"
    made = []

    def snapshot():
        made.append(text)
        return StreamResult(text, StreamState.STREAMING)

    async def main():
        nonlocal text
        painter = Painter(surface, Throttle(max_rate=1000), SystemClock(), snapshot)
        painter.begin()
        painter.touch()
        await asyncio.to_thread(surface.reached.wait, PATIENCE)
        for number in range(1000):
            text = f"piece {number}"
            painter.touch()
            await asyncio.sleep(0)
        assert made == ["the beginning"], "nothing is kept for later"
        surface.reached.clear()
        surface.release.set()
        await asyncio.to_thread(surface.reached.wait, PATIENCE)
        await painter.close(StreamResult("the end", StreamState.COMPLETED), patience=PATIENCE)

    asyncio.run(main())
    assert surface.drawn == ["the beginning", "piece 999", "the end"]
    assert made == ["the beginning", "piece 999"]


def test_any_number_of_surfaces_may_have_stopped(make_request, scripted, surface):
    stopped = [StoppedSurface() for _ in range(40)]  # more than a loop has worker threads

    async def main():
        streams = [Rounds(make_request(), each, scripted.answering("slow")) for each in stopped]
        tasks = [asyncio.create_task(stream.run()) for stream in streams]
        for each in stopped:
            await asyncio.to_thread(each.reached.wait, PATIENCE)
        assert [stream.snapshot().text for stream in streams] == ["slow"] * 40, "they are read all the same"
        surface.release.set()
        other = await Rounds(make_request(), surface, scripted.answering("quick")).run()
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)  # which takes a worker thread of the loop
        assert not any(task.done() for task in tasks)
        for each in stopped:
            each.release.set()
        await asyncio.gather(*tasks)
        return other

    assert asyncio.run(main()).text == "quick"
    assert surface.drawn[-1] == "quick"
