"""Maps that are answered in batches, over real HTTP: every way a batch can end, and that nothing is paid twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

import nbstream as nbs
from nbstream.accounting.price import Price
from nbstream.errors import MapError, RateLimitError, UsageError
from nbstream.many.batch import batch_pace, batch_sending
from nbstream.many.batch.batch_file import BatchFile
from nbstream.many.batch.batch_journal import BatchJournal
from nbstream.many.checkpoint.checkpoint import Checkpoint
from nbstream.many.rows.row_key import RowKeys
from nbstream.outcome import Usage
from nbstream.settings.resolution import resolve
from nbstream.streaming.cost import cost_of, source_of
from nbstream.testing import Answer, ScriptedBatches, chat_body

PATIENCE = 60.0


class Provider:
    """A server with batches, which counts what is asked and may refuse it."""

    def __init__(self, server: Any) -> None:
        self.batches = ScriptedBatches(step=1000)
        self.server = server
        self.seen: Counter[str] = Counter()
        self.refusals: dict[str, list[Answer]] = {}
        server.respond(self._answer)

    def _answer(self, received: Any) -> Any:
        kind = f"{received.method} {received.path.split('/')[2]}"
        kind += " content" if received.path.endswith("/content") else ""
        self.seen[kind] += 1
        if kind == "POST chat":
            return chat_body("Fine", usage=(10, 5))
        if waiting := self.refusals.get(kind):
            return waiting.pop(0)
        return self.batches(received)

    @property
    def asked(self) -> Counter[str]:
        """How often each question was in a batch."""
        return Counter(each["body"]["messages"][-1]["content"] for each in self.batches.submitted)

    @property
    def made(self) -> list[Any]:
        """The batches."""
        listed = self.batches.service.listed({"limit": 100})["data"]
        return [self.batches.service.get(each["id"]) for each in listed]


def refusal(status: int, **headers: str) -> Answer:
    body = json.dumps({"error": {"message": "not now"}}).encode()
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Answer(body, status=status, headers=named)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(batch_pace, "_SHORTEST", 0.01)
    monkeypatch.setattr(batch_pace, "_LONGEST", 0.02)
    monkeypatch.setattr(batch_sending, "GRACE_SECONDS", 0.05)


@pytest.fixture
def provider(loopback):
    return Provider(loopback)


@pytest.fixture
def ask(provider, tmp_path):
    def ask(rows, template="Say {{ x }}", **options):
        asked = {"model": "demo", "base_url": provider.server.base_url, "checkpoint": tmp_path / "answers.sqlite"}
        return nbs.map(template, [{"x": each} for each in rows], batch=True, **{**asked, **options})

    return ask


def test_rows_are_answered_in_their_order_and_asked_once(ask, provider):
    job = ask(["a", "b", "a", "c"])
    assert provider.server.requests == []
    values = job.result(PATIENCE)
    assert [("Say" in value or bool(value)) for value in values] == [True] * 4
    assert values[0] == values[2]
    assert provider.asked == {"Say a": 1, "Say b": 1, "Say c": 1}
    assert [row.source for row in job.rows] == ["batch", "batch", "duplicate", "batch"]
    assert all(row.usage and row.usage.output_tokens for row in job.rows)
    assert "completed, 3 of 3 answered" in repr(job)
    assert all("stream" not in each["body"] and len(each["custom_id"]) == 32 for each in provider.batches.submitted)


def test_responses_have_batches_too(ask, provider):
    assert all(ask("ab", api="responses").result(PATIENCE))
    assert {each["url"] for each in provider.batches.submitted} == {"/v1/responses"}


def test_values_are_what_the_schema_makes_of_them(ask):
    assert ask("ab", schema=dict[str, int]).result(PATIENCE)
    values = ask("ab", schema=list[int]).result(PATIENCE)
    assert all(isinstance(value, list) for value in values)


def test_the_ledger_has_each_row_once(ask):
    before = len(nbs.ledger)
    ask("abc").result(PATIENCE)
    entries = list(nbs.ledger)[before:]
    assert [entry.state for entry in entries] == ["completed"] * 3
    assert all(entry.output_tokens and entry.ttft is None and entry.tokens_per_second is None for entry in entries)


def test_what_is_answered_is_not_asked_again(ask, provider):
    first = ask("abc").result(PATIENCE)
    again = ask("abcd")
    assert again.result(PATIENCE)[:3] == first
    assert provider.asked == {f"Say {each}": 1 for each in "abcd"}
    assert again.progress.hits == 3


@pytest.mark.parametrize(
    ("fault", "done", "words"),
    [
        ("expired", 2, "completion window expired"),
        ("some_errors", 3, "answered 500"),
        ("garbled", 3, "its line in the output file is damaged"),
    ],
)
def test_failed_rows_have_their_own_error_and_can_be_asked_again(ask, provider, fault, done, words):
    job = ask(range(4), demo={"batch": {"fault": fault}}).wait(PATIENCE)
    assert (job.progress.done, job.progress.failed) == (done, 4 - done)
    assert all(words in row.error for row in job.rows if row.state == "failed")
    if fault == "some_errors":
        assert "1 failed, with an error file" in job.note
    asked = provider.asked
    job.retry_failed().wait(PATIENCE)
    repeated = provider.asked - asked
    assert sum(repeated.values()) == 4 - done
    assert job.progress.done >= done


def test_a_batch_whose_rows_all_fail_is_told(ask):
    job = ask(range(3), demo={"fault": "error"}).wait(PATIENCE)
    assert (job.progress.failed, job.progress.done) == (3, 0)
    assert "3 failed, with an error file" in repr(job)


def test_a_batch_that_is_not_accepted_says_why(ask):
    job = ask(range(3), demo={"batch": {"fault": "invalid"}}).wait(PATIENCE)
    assert all(
        "the batch was not accepted: line 1: The batch asked to be found wrong." in row.error for row in job.rows
    )
    assert [batch.state.status for batch in job.batches] == ["failed"]


def test_a_server_without_batches_is_a_clear_error(ask, provider):
    provider.refusals["POST files"] = [refusal(404)] * 9
    with pytest.raises(MapError, match=r"has no /files \(404\), so it takes no batches; nothing was asked or paid"):
        ask(range(9)).result(PATIENCE)


def test_a_wrong_key_stops_the_map(ask, provider):
    provider.refusals["POST files"] = [refusal(401)] * 9
    with pytest.raises(MapError, match="401"):
        ask(range(9)).result(PATIENCE)


def test_trouble_that_passes_is_waited_for(ask, provider):
    provider.refusals = {
        "POST files": [refusal(500), refusal(429, retry_after_ms="20")],
        "GET batches": [refusal(429, retry_after_ms="30"), refusal(503), Answer(b"", then="reset", head=b"")],
        "GET files content": [
            refusal(502),
            Answer(b'{"custom_id": "x"', then="reset", headers={"content-length": "9999"}),
        ],
    }
    job = ask("abc")
    assert all(job.result(PATIENCE))
    assert job.progress.rate_limits >= 2
    assert provider.asked == {f"Say {each}": 1 for each in "abc"}


@pytest.mark.parametrize("answer", ["reset", 500, 504])
def test_a_batch_that_was_made_unheard_is_not_made_twice(ask, provider, answer):
    made = provider.batches

    def unheard(received):
        if received.method == "POST" and received.path.endswith("/batches") and not made.submitted:
            made(received)
            return Answer(b"", then="reset", head=b"") if answer == "reset" else refusal(answer)
        return made(received)

    provider.server.respond(unheard)
    assert all(ask("abc").result(PATIENCE))
    assert provider.asked == {f"Say {each}": 1 for each in "abc"}


def test_files_are_cut_at_the_limits(ask, monkeypatch):
    monkeypatch.setattr(BatchFile.__init__, "__defaults__", (3, 100_000_000))
    job = ask(range(8))
    assert len(job.result(PATIENCE)) == 8
    assert len(job.batches) == 3
    monkeypatch.setattr(BatchFile.__init__, "__defaults__", (1000, 700))
    job = ask(range(8), "Tell {{ x }}")
    assert all(job.result(PATIENCE))
    assert len(job.batches) == 2


def test_a_stop_cancels_the_batch_and_keeps_what_was_answered(ask, provider):
    provider.batches.step = 2
    job = ask(range(20)).start()
    provider.server.wait(requests=4)
    job.stop()
    job.wait(PATIENCE)
    assert job.state == "cancelled"
    assert "cancelled" in job.note
    assert 0 <= job.progress.done < 20
    [batch] = provider.made
    assert batch.status == "cancelled"
    assert job.progress.done == batch.completed
    provider.batches.step = 1000
    job.start().wait(PATIENCE)
    assert job.progress.done == 20
    assert sum(provider.asked.values()) == 20 + 20 - batch.completed


def test_a_batch_that_is_left_is_taken_up_again(ask, provider, tmp_path):
    provider.batches.step = 0
    job = ask("abc").start()
    provider.server.wait(requests=4)
    job.detach()
    job.wait(PATIENCE)
    assert (job.state, job.progress.done) == ("cancelled", 0)
    provider.batches.step = 1000
    again = nbs.map.resume(tmp_path / "answers.sqlite")
    assert all(again.result(PATIENCE))
    assert all(job.start().result(PATIENCE))
    assert provider.asked == {f"Say {each}": 1 for each in "abc"}


def test_another_call_joins_the_batch_that_runs(ask, provider):
    provider.batches.step = 0
    job = ask("abc").start()
    provider.server.wait(requests=4)
    job.detach()
    job.wait(PATIENCE)
    provider.batches.step = 1000
    assert all(ask("abcd").result(PATIENCE))
    assert provider.asked == {f"Say {each}": 1 for each in "abcd"}


def test_rows_with_secrets_are_not_sent(ask, provider):
    card = "4111 1111 1111 1111"
    job = ask(["fine", card]).wait(PATIENCE)
    assert "allow_secrets=True" in job.rows[1].error
    assert provider.asked == {"Say fine": 1}


def test_a_row_without_a_prompt_fails_alone(ask, provider):
    job = ask(["fine", None]).wait(PATIENCE)
    assert job.rows[1].state == "failed"
    assert provider.asked == {"Say fine": 1}


def lookup(word: str) -> str:
    """Look a word up."""
    return word


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tools": [lookup]}, "no tools"),
        ({"stop_when": "x"}, "no stop_when"),
        ({"schema": int, "repair": 1}, "no repair"),
        ({"budget": 1.0}, "no budget"),
        ({"moderate": "openai"}, "no moderate"),
    ],
)
def test_what_a_batch_cannot_do_is_said_at_once(ask, provider, options, words):
    with pytest.raises(UsageError, match=words):
        ask("ab", **options)
    assert provider.server.requests == []


def test_the_file_of_a_batch_has_a_name_of_its_own(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert all(ask("ab", checkpoint=None).result(PATIENCE))
    assert (tmp_path / "nbstream-batches.sqlite").exists()


def test_an_interrupt_leaves_the_batch_to_its_provider(ask, provider):
    provider.batches.step = 0
    job = ask("abc").start()
    provider.server.wait(requests=4)
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        job.result()
    assert [batch.status for batch in provider.made] == ["in_progress"]
    provider.batches.step = 1000
    assert all(job.start().result(PATIENCE))
    assert provider.asked == {f"Say {each}": 1 for each in "abc"}


def test_a_plan_asks_its_samples_at_once(ask, provider):
    job = ask("abcde")
    plan = job.plan(2)
    assert (plan.rows, len(plan.samples)) == (5, 2)
    assert provider.batches.submitted == []


def test_the_provider_is_asked_as_seldom_as_it_is_slow(monkeypatch):
    monkeypatch.undo()
    pace = batch_pace.BatchPace(100.0)
    assert [pace.pause(100.0 + passed) for passed in (0, 20, 300, 86_400)] == [0.5, 2.0, 30.0, 60.0]
    waits = [
        pace.pause_after(RateLimitError("no", retryable=True, retry_after=wait)) for wait in (None, None, 90, None)
    ]
    assert waits == [1.0, 2.0, 90, 8.0]
    assert pace.pause(101.0) == 0.5
    assert pace.pause_after(RateLimitError("no", retryable=True)) == 1.0


@pytest.mark.parametrize(("batch", "cost", "source"), [(0.5, 0.75, "your own"), (None, 1.5, "your own, at most")])
def test_a_batch_has_a_price_of_its_own_or_an_upper_bound(batch, cost, source):
    request = replace(resolve("x", model="m", base_url="http://localhost:1/v1"), batch=True)
    request = replace(request, prices={"m": Price(1.0, 1.0, batch=batch)})
    usage = Usage(1_000_000, 500_000, 1_500_000)
    assert cost_of(usage, "m", request.endpoint.base_url, request) == cost
    assert source_of("m", request) == source


def test_a_batch_that_the_provider_no_longer_has_is_asked_again_on_request(ask, provider):
    provider.batches.step = 0
    job = ask("abc").start()
    provider.server.wait(requests=4)
    job.detach()
    job.wait(PATIENCE)
    provider.batches = ScriptedBatches()  # as the demo server is another one in another kernel
    job = ask("abc").wait(PATIENCE)
    assert all("No batch found" in row.error for row in job.rows)
    assert all(job.retry_failed().result(PATIENCE))


def test_a_batch_that_another_kernel_asks_for_is_waited_for(ask, provider, tmp_path):
    journal = BatchJournal(Checkpoint(tmp_path / "answers.sqlite"))
    key = RowKeys(ask("a").request).of(({"role": "user", "content": "Say a"},))
    noted = journal.begin(provider.server.base_url.split("/")[2], "chat", [key])
    assert not journal.is_abandoned(noted)
    job = ask("ab").start()
    provider.server.wait(requests=3)  # the batch of the other row
    assert provider.asked == {"Say b": 1}
    assert job.state == "streaming"
    journal.leave(noted.marker)  # the other kernel has gone
    job.wait(PATIENCE)
    assert [row.state for row in job.rows] == ["cancelled", "completed"]
    assert all(job.start().result(PATIENCE))
    assert provider.asked == {"Say a": 1, "Say b": 1}


def test_what_is_abandoned_is_claimed_once(tmp_path):
    journal = BatchJournal(Checkpoint(tmp_path / "answers.sqlite"))
    noted = replace(journal.begin("host", "chat", [b"k"]), owner="another-machine:1")
    assert not journal.is_abandoned(noted)
    assert journal.is_abandoned(replace(noted, begun_at=0.0))
    assert not journal.claim(noted)
    assert journal.claim(replace(noted, owner=f"{socket.gethostname()}:{os.getpid()}"))


def test_what_a_batch_is_refused_is_asked_in_another_way(ask, provider):
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    error = {"error": {"message": said, "param": "max_tokens", "code": "unsupported_parameter"}}
    usual = provider.batches

    def refused(received):
        answer = usual(received)
        if received.path.endswith("/content") and len(usual.submitted) == 1:
            response = {"status_code": 400, "request_id": "r", "body": error}
            told = {"custom_id": usual.submitted[0]["custom_id"], "response": response, "error": None}
            return Answer(json.dumps(told).encode(), headers={"content-type": "application/octet-stream"})
        return answer

    provider.server.respond(refused)
    job = ask("a", max_tokens=50).wait(PATIENCE)
    assert "max_tokens" in job.rows[0].error
    assert job.retry_failed().result(PATIENCE)[0]
    first, second = (each["body"] for each in usual.submitted)
    assert ("max_tokens" in first, "max_completion_tokens" in second) == (True, True)
