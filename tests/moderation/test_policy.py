"""What a call may ask of moderation, and what a check may say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nbstream.errors import UsageError
from nbstream.moderation import Moderation, Verdict
from nbstream.moderation.judgement import Judgement, NoJudgementError, judgement_of
from nbstream.moderation.policy import moderation_from
from nbstream.moderation.provider import asked_of_provider

CLEAN, FLAGGED = Judgement(flagged=False), Judgement(flagged=True)


def test_what_is_checked_has_an_order_and_no_doubles() -> None:
    made = Moderation("openai", at=["answer", "prompt", "answer"])
    assert made.at == ("prompt", "answer")
    assert Moderation("openai", at="prompt").at == ("prompt",)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"check": "azure"}, '"provider", "openai" or a function'),
        ({"check": None}, '"provider", "openai" or a function'),
        ({"check": "openai", "at": ["end"]}, "one or more of prompt, pieces, answer"),
        ({"check": "openai", "at": []}, "one or more of"),
        ({"check": "openai", "on_flagged": "mark"}, "on_flagged must be block or notify"),
        ({"check": "openai", "on_failure": "open"}, "on_failure must be block or pass"),
        ({"check": "openai", "piece": 0}, "piece must be a whole number, 1 or above"),
        ({"check": "openai", "window": -1}, "window must be a whole number, 0 or above"),
        ({"check": "openai", "timeout": float("inf")}, "a number of seconds above 0"),
        ({"check": "openai", "timeout": float("nan")}, "a number of seconds above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Moderation(**wrong)


def test_a_call_says_more_than_its_moderation() -> None:
    assert moderation_from(Moderation("openai"), "notify") == Moderation("openai", on_flagged="notify")
    assert moderation_from(None) is None
    with pytest.raises(UsageError, match="there is no moderation"):
        moderation_from(None, "notify")


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        (Moderation("provider"), {"input": {"mode": "block"}, "output": {"mode": "block"}}),
        (Moderation("provider", on_flagged="notify"), {"input": {"mode": "score"}, "output": {"mode": "score"}}),
        (Moderation("provider", at=("prompt",)), {"input": {"mode": "block"}}),
        (Moderation("provider", at=("answer",)), {"output": {"mode": "block"}}),
    ],
)
def test_what_a_provider_is_asked(policy: Moderation, asked: dict[str, Any]) -> None:
    assert asked_of_provider(policy) == {"moderation": {"model": "omni-moderation-latest", "policy": asked}}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (False, CLEAN),
        (True, FLAGGED),
        ("", CLEAN),
        ("  ", CLEAN),
        ("rude\x1b[31m", Judgement(True, ("rude␛[31m",))),
        ([], CLEAN),
        ({"rude"}, Judgement(True, ("rude",))),
        (("a", "b", "a"), Judgement(True, ("a", "b"))),
        (Verdict("answer", "clean"), CLEAN),
        (Verdict("prompt", "flagged", ("rude",)), Judgement(True, ("rude",))),
        ({"flagged": False, "categories": {"a": False}}, CLEAN),
        ({"results": [{"flagged": False}, {"flagged": True, "categories": {"a": True}}]}, Judgement(True, ("a",))),
        (SimpleNamespace(flagged=True, categories=["a"]), Judgement(True, ("a",))),
    ],
)
def test_what_a_check_says(said: Any, meant: Judgement) -> None:
    assert judgement_of(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        None,
        0,
        1,
        0.5,
        {},
        {"flagged": None},
        {"flagged": "no"},
        [1],
        {"results": []},
        Verdict("answer", "unchecked"),
        object(),
    ],
)
def test_what_says_nothing_is_not_clean(said: Any) -> None:
    with pytest.raises(NoJudgementError):
        judgement_of(said)
