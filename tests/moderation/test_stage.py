"""Moderated streams in virtual time: what ends them, what is kept, how long anything waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError, ServerError
from nbstream.events import (
    EndOfStream,
    Event,
    Failed,
    Finished,
    Moderated,
    PartResumed,
    PartStarted,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Unrecognized,
)
from nbstream.moderation import Moderation, Verdict
from nbstream.moderation.stage import ModerationStage
from nbstream.request import TimeLimits
from nbstream.testing import ScriptedAttempts, ScriptedStream, play

if TYPE_CHECKING:
    from nbstream.result import StreamResult

END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]
SECRET = "the unspeakable"
CALM = "The sea is calm. " * 20


def flags(text: str) -> bool:
    return SECRET in text


def ask(stream: Any, check: Any = flags, *, limits: TimeLimits | None = None, **policy: Any) -> StreamResult:
    stage = ModerationStage(Moderation(check, **policy), None, 10_000_000)
    options: dict[str, Any] = {} if limits is None else {"limits": limits}
    return play(stream, stages=[stage], **options)


def test_a_clean_answer_is_as_it_came_and_says_that_it_was_checked() -> None:
    result = ask(ScriptedStream([ReasoningDelta("Hm. ")], [TextDelta(CALM)], [TextDelta("Yes.")], END))
    assert (result.text, result.reasoning, result.state, result.finish_reason) == (
        f"{CALM}Yes.",
        "Hm. ",
        "completed",
        "stop",
    )
    assert result.moderation == (Verdict("answer", "clean", by="flags"),)


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta])
def test_an_answer_that_is_flagged_ends_filtered_and_the_rest_is_dropped(kind: Any) -> None:
    stream = ScriptedStream([TextDelta(CALM)], 0.1, [kind("Now the unspeak")], 0.1, [kind("able is said. More.")], END)
    result = ask(stream, lambda text: ["rude"] if SECRET in text else [])
    assert (result.state, result.finish_reason) == ("completed", "content_filter")
    assert CALM.startswith(result.text)
    assert not result.reasoning
    assert result.moderation == (Verdict("answer", "flagged", ("rude",), by="<lambda>"),)


def test_the_arguments_of_a_call_are_checked_before_anybody_sees_them() -> None:
    call = ToolCallDelta(0, "c1", "send", f'{{"body": "{SECRET}"}}')
    result = ask(ScriptedStream([TextDelta("Let me see.")], [call], [Finished("tool_calls"), EndOfStream(marked=True)]))
    assert (result.finish_reason, result.tool_calls, result.parts) == ("content_filter", (), ())


def test_what_a_server_says_beside_the_answer_is_checked_too() -> None:
    result = ask(ScriptedStream([Unrecognized(f'{{"odd": "{SECRET}"}}')], [Failed(f"It broke on {SECRET}.")]))
    assert SECRET not in repr(result)
    assert result.finish_reason == "content_filter"


def test_in_notify_mode_everything_is_shown_and_marked() -> None:
    result = ask(ScriptedStream([TextDelta(f"{CALM}{SECRET}")], END), on_flagged="notify")
    assert (result.text, result.finish_reason) == (f"{CALM}{SECRET}", "stop")
    assert result.moderation == (Verdict("answer", "flagged", by="flags"),)


def raises(text: str) -> bool:
    raise ValueError(text)


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (raises, "it raised ValueError in line"),
        (lambda _: None, "it returned None"),
    ],
)
def test_what_cannot_be_checked_is_not_shown(check: Any, reason: str) -> None:
    result = ask(ScriptedStream([TextDelta(f"{CALM}{SECRET}")], END), check, timeout=0.2)
    assert (result.state, result.text, result.parts) == ("failed", "", ())
    assert result.error is not None
    assert result.error.kind == "moderation"
    assert reason in result.error.message
    assert SECRET not in repr((result, result.error.args, result.error.__cause__, result.error.__context__))
    assert [each.outcome for each in result.moderation] == ["unchecked"]


@pytest.mark.parametrize("policy", [{"on_failure": "pass"}, {"on_flagged": "notify"}])
def test_what_cannot_be_checked_is_shown_where_that_is_wanted_and_never_called_clean(policy: dict[str, Any]) -> None:
    result = ask(ScriptedStream([TextDelta(CALM)], END), raises, **policy)
    assert (result.state, result.text) == ("completed", CALM)
    assert [each.outcome for each in result.moderation] == ["unchecked"]


def test_a_check_that_fails_once_is_not_forgotten() -> None:
    calls = iter([ValueError, *[False] * 100])

    def once(_: str) -> bool:
        said = next(calls)
        if isinstance(said, type):
            raise said
        return bool(said)

    steps: list[Any] = [step for _ in range(5) for step in ([TextDelta(CALM)], 0.5)]
    result = ask(ScriptedStream(*steps, END), once, on_failure="pass")
    assert [each.outcome for each in result.moderation] == ["unchecked"]


async def never(_: str) -> bool:
    await asyncio.Event().wait()
    return False


def exits(_: str) -> bool:
    raise SystemExit(3)


@pytest.mark.parametrize(("check", "reason"), [(never, "it took longer than 0.2 s"), (exits, "it raised RuntimeError")])
def test_a_check_that_hangs_or_exits_has_not_checked(check: Any, reason: str) -> None:
    stream = ScriptedStream([TextDelta(SECRET)], END)
    moderation = Moderation(check, at=("answer",), timeout=0.2)
    handle = nbs.start("?", source=stream, model="m", api="chat", display=False, moderate=moderation)
    with pytest.raises(nbs.errors.ModerationError, match=reason):
        handle.result(60)
    assert nbs.stream("?", source=ScriptedStream.answering("Hi"), model="m", api="chat", display=False).text == "Hi"


# --- time -------------------------------------------------------------------------------------------------------------


def test_the_time_of_a_check_is_not_the_servers_silence() -> None:
    async def takes_time(_: str) -> bool:
        await asyncio.sleep(0.6)
        return False

    stream = ScriptedStream([TextDelta("Hi")], END)
    moderation = Moderation(takes_time, at=("answer",))
    handle = nbs.start("?", source=stream, model="m", api="chat", display=False, timeout=0.2, moderate=moderation)
    result = handle.result(60)
    assert (result.state, result.text, result.warnings) == ("completed", "Hi", ())


def test_the_servers_silence_still_ends_an_answer_and_keeps_what_was_checked() -> None:
    limits = TimeLimits(first_token=5.0, stall=5.0)
    result = ask(ScriptedStream([TextDelta("Half an ans")], 1000.0, END), limits=limits)
    assert (result.state, result.error and result.error.kind) == ("failed", "stalled")
    assert result.text == "Half an ans", "after a silence it was checked as it is"


def test_a_connection_that_breaks_loses_nothing_that_had_arrived_and_is_not_asked_again() -> None:
    lost = ConnectionLostError("It broke.", retryable=True, retry_after=0.001)
    attempts = ScriptedAttempts(ScriptedStream([TextDelta("Half an ans")], lost), ScriptedStream.answering("Again"))
    result = ask(attempts)
    assert (result.state, result.text, result.attempts) == ("failed", "Half an ans", 1)


def test_a_broken_answer_that_is_flagged_is_dropped() -> None:
    lost = ConnectionLostError("It broke.", retryable=True, retry_after=0.001)
    result = ask(ScriptedAttempts(ScriptedStream([TextDelta(SECRET)], lost), ScriptedStream.answering("Again")))
    assert (result.text, result.finish_reason, result.attempts) == ("", "content_filter", 1)


def test_an_attempt_that_failed_is_forgotten() -> None:
    busy = ServerError("Busy.", retryable=True, retry_after=0.001)
    result = ask(ScriptedAttempts(busy, ScriptedStream.answering("Hel", "lo")))
    assert (result.text, result.attempts) == ("Hello", 2)


def test_an_answer_that_is_held_back_is_bounded() -> None:
    stage = ModerationStage(Moderation(flags, at=("answer",)), None, 1000)
    result = play(ScriptedStream(*[[TextDelta("word " * 100)]] * 20, END), stages=[stage])
    assert (result.error and result.error.kind, result.text) == ("answer_too_long", "")


def test_several_answers_are_held_apart() -> None:
    events: list[Event] = [TextDelta(f"{number} ", number % 2) for number in range(200)]
    ends: list[Event] = [Finished("stop"), Finished("stop", 1), EndOfStream(marked=True)]
    result = ask(ScriptedStream(*([event] for event in events), ends), piece=20, window=5)
    assert [choice.text.split()[-1] for choice in result.choices] == ["198", "199"]


def test_what_is_sent_in_another_order_than_it_reads_is_checked_in_both() -> None:
    first, second = SECRET[:8], SECRET[8:]
    batches: list[list[Event]] = [
        [PartStarted(0, "text"), TextDelta(f"{CALM}{first}")],
        [PartStarted(1, "text"), TextDelta("Something else. " * 20)],
        [PartResumed(0), TextDelta(second)],
        END,
    ]
    result = ask(ScriptedStream(*batches))
    assert result.finish_reason == "content_filter"
    assert SECRET not in result.text
    result = ask(ScriptedStream(*batches[:2], END))
    assert result.finish_reason == "stop"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_answer_that_is_continued_is_checked_with_its_beginning(api: Any) -> None:
    lost = ConnectionLostError("It broke.")
    halves = ScriptedStream([TextDelta(SECRET[:8])], lost), ScriptedStream([TextDelta(SECRET[8:])], END)
    options: dict[str, Any] = {"model": "m", "api": api, "display": False, "max_retries": 0}
    with pytest.raises(nbs.StreamError) as broken:
        nbs.stream("?", source=ScriptedAttempts(*halves), moderate=flags, **options)
    assert broken.value.result.text == SECRET[:8]
    whole = broken.value.result.resume(display=False)
    assert (whole.text, whole.finish_reason) == (SECRET[:8], "content_filter")


# --- by the provider --------------------------------------------------------------------------------------------------


FLAGGED = Moderated("answer", "flagged", ("violence",))
SAID: list[Event] = [Moderated("prompt", "clean"), Moderated("answer", "clean")]


@pytest.mark.parametrize("late", [False, True], ids=["before the reason", "after it"])
def test_an_answer_is_shown_once_its_provider_has_said_that_it_is_clean(late: bool) -> None:  # noqa: FBT001
    shown: list[str] = []
    ends: list[Event] = [Finished("stop"), *SAID] if late else [*SAID, Finished("stop")]
    stage = ModerationStage(Moderation("provider"), None, 1000)

    async def watch(batches: Any) -> Any:
        async for batch in batches:
            shown.append("".join(event.text for event in batch if isinstance(event, TextDelta)))
            yield batch

    result = play(ScriptedStream([TextDelta("Hel")], 1.0, [TextDelta("lo")], ends, [END[1]]), stages=[stage, watch])
    assert (result.text, result.state, result.finish_reason) == ("Hello", "completed", "stop")
    assert "".join(shown) == "Hello"
    assert shown[0] == "Hello", "at once"
    assert [each.outcome for each in result.moderation] == ["clean", "clean"]


def test_an_answer_that_its_provider_flags_is_dropped() -> None:
    result = ask(ScriptedStream([TextDelta(SECRET)], [Finished("stop"), FLAGGED], [END[1]]), "provider")
    assert (result.text, result.finish_reason, result.state) == ("", "content_filter", "completed")
    assert result.moderation == (FLAGGED.verdict,)


@pytest.mark.parametrize(
    "ends",
    [END, [Moderated("answer", "unchecked", reason="timeout"), *END], [*SAID, TextDelta(SECRET), *END]],
    ids=["no verdict", "an error", "text after the verdict"],
)
def test_without_a_verdict_of_the_provider_nothing_is_shown(ends: list[Event]) -> None:
    result = ask(ScriptedStream([TextDelta(SECRET)], ends), "provider")
    assert (result.state, result.text, result.error and result.error.kind) == ("failed", "", "moderation")
    assert "unchecked" in [each.outcome for each in result.moderation]


def test_where_it_is_only_marked_the_answer_of_a_provider_that_says_nothing_is_not_called_clean() -> None:
    result = ask(ScriptedStream([TextDelta("Hi")], END), "provider", on_flagged="notify")
    assert (result.text, [each.outcome for each in result.moderation]) == ("Hi", ["unchecked"])


def test_an_answer_that_breaks_before_its_verdict_is_not_paid_for_twice() -> None:
    lost = ConnectionLostError("It broke.", retryable=True, retry_after=0.001)
    for end in ([lost], [[Failed("Busy.", retryable=True, retry_after=0.001)]]):
        stream = ScriptedStream([TextDelta(SECRET)], *end)
        result = ask(ScriptedAttempts(stream, ScriptedStream.answering("Again")), "provider")
        assert (result.state, result.text, result.attempts) == ("failed", "", 1)


def test_a_prompt_that_its_provider_blocks_is_said_to_be() -> None:
    ends: list[Event] = [Moderated("prompt", "flagged", ("hate",)), Finished("content_filter"), END[1]]
    result = ask(ScriptedStream(ends), "provider")
    assert (result.state, result.finish_reason) == ("completed", "content_filter")
    assert [(each.subject, each.outcome) for each in result.moderation] == [("prompt", "flagged")]
