"""What passes moderation is what would have come without it, for every answer in the wire table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbstream.moderation import Moderation
from nbstream.moderation.stage import ModerationStage
from nbstream.testing import ScriptedBytes, play
from tests.wire_table import Case, cases, cut_at_random, outcome

if TYPE_CHECKING:
    from nbstream.result import StreamResult

GROUPS = "ABCDEFGHI"


def clean(_: str) -> bool:
    return False


def facts(result: StreamResult) -> tuple[Any, ...]:
    kinds = sorted(warning.kind for warning in result.warnings)
    return result.state, result.parts, result.usage, result.finish_reason, result.choices, kinds


def once(case: Case) -> None:
    (pieces,) = cut_at_random(case.body, 1)
    timed = [step for piece in pieces for step in (0.02, piece)]
    plain = play(ScriptedBytes(*timed), api=case.api, max_retries=0)
    stage = ModerationStage(Moderation(clean, piece=20, window=10), None, 10_000_000)
    moderated = play(ScriptedBytes(*timed), api=case.api, max_retries=0, stages=[stage])
    assert outcome(moderated, case.expect) == outcome(plain, case.expect)
    assert facts(moderated) == facts(plain)
    assert all(each.outcome == "clean" for each in moderated.moderation if each.by != "provider")


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_clean_is_as_it_was(group: str) -> None:
    chosen = [case for case in cases() if case.id[0] == group and not case.http_only and len(case.body) < 64_000]
    assert len(chosen) > 5
    failed = {}
    for case in chosen:
        try:
            once(case)
        except AssertionError as error:
            failed[str(case)] = str(error)[:1500]
    assert failed == {}
