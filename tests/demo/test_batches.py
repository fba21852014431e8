"""Files and batches, as the SDK sees them."""

from __future__ import annotations

import json

import openai
import pytest

from nbstream.demo.batch_service import LARGEST_FILE
from nbstream.testing import FaultServer, ScriptedBatches

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
ENDED = {"completed", "failed", "expired", "cancelled"}


def line(number, endpoint=CHAT, **more):
    said = f"Explain {number}"
    body = {"input": said} if endpoint == RESPONSES else {"messages": [{"role": "user", "content": said}]}
    return {"custom_id": f"r{number}", "method": "POST", "url": endpoint, "body": {"model": "demo", **body, **more}}


def begin(client, lines, endpoint=CHAT, **more):
    data = b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)
    file = client.files.create(file=("in.jsonl", data), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more)


def end(client, batch):
    while batch.status not in ENDED:
        batch = client.batches.retrieve(batch.id)
    return batch


def lines_of(client, file_id):
    return [json.loads(each) for each in client.files.content(file_id).text.splitlines()] if file_id else []


@pytest.fixture
def stepwise():
    """A provider that moves on when it is asked, so that every state is seen."""
    with FaultServer() as server:
        server.respond(ScriptedBatches(step=4))
        with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
            yield client


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
def test_every_request_is_answered_in_some_order(client, endpoint):
    batch = end(client, begin(client, [line(n, endpoint) for n in range(40)], endpoint, metadata={"job": "1"}))
    assert (batch.status, batch.metadata, batch.error_file_id) == ("completed", {"job": "1"}, None)
    assert batch.request_counts.model_dump() == {"total": 40, "completed": 40, "failed": 0}
    made = lines_of(client, batch.output_file_id)
    names = [each["custom_id"] for each in made]
    assert names != sorted(names)
    assert {*names} == {f"r{n}" for n in range(40)}
    assert all(each["response"]["status_code"] == 200 and each["error"] is None for each in made)
    assert batch.usage.output_tokens == sum(
        usage.get("completion_tokens") or usage.get("output_tokens")
        for each in made
        for usage in [each["response"]["body"]["usage"]]
    )


def test_a_batch_goes_through_its_states(stepwise):
    batch = begin(stepwise, [line(n) for n in range(10)])
    seen = [(told := stepwise.batches.retrieve(batch.id)).status + str(told.request_counts.completed) for _ in range(6)]
    assert seen == ["validating0", "in_progress0", "in_progress4", "in_progress8", "finalizing10", "completed10"]


def test_a_batch_that_is_cancelled_keeps_what_was_answered(stepwise):
    batch = begin(stepwise, [line(n) for n in range(10)])
    for _ in range(3):
        stepwise.batches.retrieve(batch.id)
    assert stepwise.batches.cancel(batch.id).status == "cancelling"
    assert stepwise.batches.cancel(batch.id).status == "cancelling"
    batch = end(stepwise, batch)
    assert batch.status == "cancelled"
    assert len(lines_of(stepwise, batch.output_file_id)) == 8
    assert [each["error"]["code"] for each in lines_of(stepwise, batch.error_file_id)] == ["batch_cancelled"] * 2
    with pytest.raises(openai.ConflictError, match="cancelled"):
        stepwise.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ([b"{", line(1)], ["invalid_json_line"]),
        ([line(1), line(1)], ["duplicate_custom_id"]),
        ([line(1), line(2, RESPONSES)], ["mismatched_endpoint"]),
        ([{**line(1), "method": "GET"}, {"custom_id": 5}], ["invalid_method", "missing_required_parameter"]),
        ([{**line(1), "body": "x"}], ["invalid_request"]),
        ([b""], ["empty_file"]),
        ([line(1, demo={"batch": {"fault": "invalid"}})], ["invalid_request"]),
        ([line(1, demo={"batch": {"fault": "no such"}})], ["invalid_value"]),
    ],
)
def test_what_cannot_be_a_batch_fails_validation(client, lines, codes):
    batch = end(client, begin(client, lines))
    assert batch.status == "failed"
    assert [each.code for each in batch.errors.data] == codes
    assert (batch.output_file_id, batch.error_file_id) == (None, None)


def test_a_batch_expires_with_half_of_its_answers(client):
    batch = end(client, begin(client, [line(n, demo={"batch": {"fault": "expired"}}) for n in range(10)]))
    assert (batch.status, batch.request_counts.completed) == ("expired", 5)
    assert len(lines_of(client, batch.output_file_id)) == 5
    assert {each["error"]["code"] for each in lines_of(client, batch.error_file_id)} == {"batch_expired"}


@pytest.mark.parametrize(
    ("demo", "failed", "status"),
    [
        ({"batch": {"fault": "some_errors"}}, 3, 500),
        ({"fault": "error"}, 10, 500),
        ({"fault": "rate_limit"}, 10, 429),
    ],
)
def test_what_fails_is_in_the_error_file_of_a_completed_batch(client, demo, failed, status):
    batch = end(client, begin(client, [line(n, demo=demo) for n in range(10)]))
    assert (batch.status, batch.request_counts.failed) == ("completed", failed)
    assert (batch.output_file_id is None) == (failed == 10)
    told = lines_of(client, batch.error_file_id)
    assert [each["response"]["status_code"] for each in told] == [status] * failed
    assert all(each["response"]["body"]["error"]["message"] for each in told)


def test_a_stream_is_refused_line_by_line(client):
    batch = end(client, begin(client, [line(1, stream=True), line(2)]))
    assert [each["custom_id"] for each in lines_of(client, batch.error_file_id)] == ["r1"]


def test_lines_of_the_output_are_damaged(client):
    batch = end(client, begin(client, [line(n, demo={"batch": {"fault": "garbled"}}) for n in range(3)]))
    content = client.files.content(batch.output_file_id).content.splitlines()
    good = [each for each in content if each.startswith(b"{") and each.endswith(b"}")]
    assert [json.loads(each)["custom_id"] for each in good] == ["nobody", "r1", "r1", "r0"]


def test_telling_the_state_is_refused_for_a_while(client):
    demo = {"batch": {"fault": "rate_limit", "retry_after": 7}}
    batch = begin(client, [line(1, demo=demo)])
    waits = []
    while batch.status not in ENDED:
        try:
            batch = client.batches.retrieve(batch.id)
        except openai.RateLimitError as error:
            waits.append(error.response.headers["retry-after"])
    assert waits == ["7", "7"]


def test_batches_are_listed_page_by_page(stepwise):
    made = [begin(stepwise, [line(n)]).id for n in range(5)]
    assert [batch.id for batch in stepwise.batches.list(limit=2)] == made[::-1]
    page = stepwise.batches.list(limit=2, after=made[3])
    assert ([batch.id for batch in page.data], page.has_more) == (made[2:0:-1], True)


def test_a_file_is_described_read_and_deleted(client):
    file = client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    assert (client.files.retrieve(file.id).bytes, client.files.content(file.id).content) == (3, b"{}\n")
    assert client.files.delete(file.id).deleted
    for ask in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match="No such File"):
            ask(file.id)
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_x")
    with pytest.raises(openai.BadRequestError, match="batches only"):
        client.files.create(file=("in.jsonl", b"{}\n"), purpose="user_data")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"a": "x" * 513}}, "metadata"),
        ({"metadata": {f"k{n}": "x" for n in range(17)}}, "metadata"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(client, more, param):
    file = client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    asked = {"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h", **more}
    with pytest.raises(openai.BadRequestError) as caught:
        client.batches.create(**asked)
    assert caught.value.param == param


@pytest.mark.parametrize("size", [LARGEST_FILE + 8 * 1024 * 1024, 200_000_000])
def test_a_file_of_insane_size_is_refused(client, size):
    with pytest.raises(openai.APIStatusError, match="larger than") as caught:
        client.files.create(file=("in.jsonl", b" " * size), purpose="batch")
    assert caught.value.status_code == 413


def test_files_and_batches_need_the_key(ask):
    for path in ("/v1/files", "/v1/batches", "/v1/files/x/content"):
        assert ask(path, headers={"Authorization": "Bearer x"}).status == 401
