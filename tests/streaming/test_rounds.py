"""One answer that takes several requests: one log, one surface, and the facts of each round."""

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.events import EndOfStream, Finished, TextDelta
from nbstream.streaming.rounds import Rounds
from nbstream.testing import LoopClock, RecordingSurface, ScriptedAttempts, ScriptedStream, run_virtually

if TYPE_CHECKING:
    from nbstream.result import StreamResult


def test_the_next_round_goes_on_from_the_one_before(make_request):
    surface = RecordingSurface()
    cut = ScriptedStream([TextDelta("Hel")], 1.0, [Finished("length"), EndOfStream(marked=True)])
    source = ScriptedAttempts(cut, ScriptedStream.answering("lo"))
    committed: list[StreamResult] = []

    class AnotherRound:
        async def next(self, _, result, show):
            show(replace(result, model="between"))
            return result if result.finish_reason == "stop" else make_request(earlier=result)

    async def main():
        rounds = Rounds(
            make_request(), surface, source, clock=LoopClock(), follow_up=AnotherRound(), commit=committed.append
        )
        return await rounds.run(), list(rounds.log)

    result, events = run_virtually(main())
    assert (result.text, result.state, len(source.requests)) == ("Hel\n\nlo", "completed", 2)
    assert [each.finish_reason for each in result.rounds] == ["length", "stop"]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hel", "lo"]
    assert surface.final is result
    assert committed == [result]


def test_an_answer_that_was_stopped_has_no_next_round(make_request):
    source = ScriptedStream([TextDelta("Hel")], 1e6)
    asked: list[StreamResult] = []

    class AnotherRound:
        async def next(self, _, result, __):
            asked.append(result)

    async def main():
        rounds = Rounds(make_request(), RecordingSurface(), source, clock=LoopClock(), follow_up=AnotherRound())
        rounds.cancel()
        return await rounds.run()

    assert run_virtually(main()).state == "cancelled"
    assert asked == []
