"""What is played of every answer in the wire table is what was recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbstream.recording.choice import RecordingChoice
from nbstream.recording.library import Library
from nbstream.recording.trusted import TrustStore
from nbstream.testing import ScriptedBytes, play
from tests.wire_table import Case, cases, cut_at_random, outcome

if TYPE_CHECKING:
    import pathlib

    from nbstream.result import StreamResult

GROUPS = "ABCDEFGHI"


def facts(result: StreamResult) -> tuple[Any, ...]:
    return result.state, result.parts, result.usage, result.tool_calls, result.finish_reason, str(result.error)


def once(case: Case, folder: pathlib.Path) -> None:
    store = TrustStore(folder / "trusted")
    (pieces,) = cut_at_random(case.body, 1)
    timed = [step for piece in pieces for step in (0.02, piece)]
    source = ScriptedBytes(*timed, headers={"x-request-id": "req_7"})
    choice = RecordingChoice(folder, "record"), RecordingChoice(folder, "replay", speed=1)
    recorded = play(Library(choice[0], source, store=store), api=case.api, max_retries=0)
    played = play(Library(choice[1], ScriptedBytes(), store=store), api=case.api, max_retries=0)
    assert outcome(played, case.expect) == outcome(recorded, case.expect)
    assert facts(played) == facts(recorded)
    assert played.timing.total == pytest.approx(recorded.timing.total, abs=0.005)
    assert (played.timing.ttft or 0) == pytest.approx(recorded.timing.ttft or 0, abs=0.005)


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_played_is_what_was_recorded(group: str, tmp_path: pathlib.Path) -> None:
    chosen = [case for case in cases() if case.id[0] == group and not case.http_only and len(case.body) < 64_000]
    assert len(chosen) > 5
    failed = {}
    for number, case in enumerate(chosen):
        try:
            once(case, tmp_path / str(number))
        except AssertionError as error:
            failed[str(case)] = str(error)[:300]
    assert failed == {}
