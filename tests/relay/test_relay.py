"""The relay between nbstream and a scripted provider, over real HTTP: what passes, what does not, and what counts."""

from __future__ import annotations

import json
import sqlite3
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.demo import DemoServer, Pace
from nbstream.remedies import RemedyKind
from nbstream.testing import Answer, chat_body, chat_chunk, error_body, responses_body
from nbstream.text.secret import Secret
from tests.relay.serving import RelayServer

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from nbstream.testing import FaultServer

pytestmark = pytest.mark.sdk

KEY = Secret("sk-of-the-operator-0123456789abcdef")


@pytest.fixture
def database(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "usage.sqlite"


@pytest.fixture
def serve(loopback: FaultServer, database: pathlib.Path) -> Iterator[Callable[..., RelayServer]]:
    running = []

    def make(**settings: Any) -> RelayServer:
        given = {"base_url": loopback.base_url, "api_key": KEY.reveal(), "models": ["m", "gpt-5-*"], **settings}
        running.append(RelayServer(database=str(database), **given).__enter__())
        return running[-1]

    yield make
    for each in running:
        each.__exit__()


def ask(relay: RelayServer, user: str = "ada", **options: Any) -> nbs.StreamResult:
    given: dict[str, Any] = {"model": "m", "api": "chat", "display": False, "max_retries": 0, **options}
    return nbs.stream(given.pop("prompt", "Hi"), base_url=relay.base_url, api_key=f"token-of-{user}", **given)


def refusal(relay: RelayServer, **options: Any) -> nbs.StreamError:
    with pytest.raises(nbs.StreamError) as caught:
        ask(relay, **options)
    return caught.value


def rows(database: pathlib.Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database) as file:
        return file.execute("SELECT user, model, state, tokens, usd, estimated FROM requests ORDER BY id").fetchall()


def wait_for_rows(database: pathlib.Path, state: str, tries: int = 600) -> list[tuple[Any, ...]]:
    for _ in range(tries):
        found = rows(database)
        if found and all(row[2] == state for row in found):
            return found
        threading.Event().wait(0.05)  # another process's file tells nobody
    return rows(database)


# --- what passes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_answer_passes_with_the_operators_key_and_is_counted(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path, api: str
) -> None:
    relay = serve()
    loopback.send(responses_body("Hello", usage=(9, 3)) if api == "responses" else chat_body("Hello", usage=(9, 3)))
    result = ask(relay, api=api)
    assert result.text == "Hello"
    [received] = loopback.requests
    assert received.headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert "token-of-ada" not in str(received.headers) + str(received.body)
    assert result.usage is not None
    assert rows(database) == [("ada", "m", "completed", result.usage.total_tokens, 0.0, 0)]


def test_every_piece_passes_when_it_comes(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay, gate = serve(), threading.Event()
    loopback.send(chat_chunk("Hel"), gate, chat_body("lo"))
    with nbs.start(
        "Hi", base_url=relay.base_url, api_key="token-of-ada", model="m", api="chat", display=False
    ) as handle:
        pieces = iter(handle)
        assert next(pieces) == "Hel"  # while the provider holds the rest back
        gate.set()
        assert "".join(pieces) == "lo"


def test_the_bytes_are_those_of_the_provider(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay, body = serve(), chat_body("Hé", "llo", usage=(9, 3)) + b": a comment\n\n"
    loopback.send(body)
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    assert post(relay, asked)[1] == body


def test_one_document_in_place_of_a_stream_passes(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path
) -> None:
    relay = serve()
    document: dict[str, Any] = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    document |= {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    loopback.send(json.dumps(document), headers={"Content-Type": "application/json"})
    assert ask(relay, stream=False).text == "Hello"
    assert rows(database) == [("ada", "m", "completed", 7, 0.0, 0)]


def test_the_usage_is_asked_for_where_the_client_did_not(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    relay = serve()
    loopback.send(chat_body("Hi"))
    post(relay, {"model": "m", "messages": [], "stream": True})
    assert loopback.requests[0].json["stream_options"] == {"include_usage": True}


def test_the_list_of_models_is_that_of_the_relay(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay = serve()
    listed = json.loads(get(relay, "models")[1])
    assert [model["id"] for model in listed["data"]] == ["m"]
    assert not loopback.requests


def test_a_hundred_streams_pass_at_once(serve: Callable[..., RelayServer], database: pathlib.Path) -> None:
    with DemoServer(Pace(first_token=0.05, tokens_per_second=200)) as provider:
        relay = serve(base_url=provider.base_url, api_key=provider.api_key, models=["demo"])
        options: dict[str, Any] = {"model": "demo", "base_url": relay.base_url, "api_key": "token-of-ada"}
        handles = [nbs.start(f"Count to {n}", display=False, max_retries=0, **options) for n in range(1, 101)]
        texts = [handle.result().text.rstrip() for handle in handles]
    assert [text.endswith(str(n)) for n, text in enumerate(texts, 1)] == [True] * 100
    assert [row[2] for row in wait_for_rows(database, "completed")] == ["completed"] * 100


# --- who asks ---------------------------------------------------------------------------------------------------------


def post(
    relay: RelayServer,
    body: Any,
    token: str = "token-of-ada",
    path: str = "chat/completions",
    **headers: str,
) -> tuple[int, bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"{relay.base_url}/{path}", data, asked)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def get(relay: RelayServer, path: str, **headers: str) -> tuple[int, bytes]:
    asked = {"Authorization": "Bearer token-of-ada", **headers}
    with urllib.request.urlopen(urllib.request.Request(f"{relay.base_url}/{path}", headers=asked)) as answer:
        return answer.status, answer.read()


@pytest.mark.parametrize("token", ["", "token-of-eve", "token-of-", "token-of-ada "])
def test_who_is_not_known_is_refused(serve: Callable[..., RelayServer], loopback: FaultServer, token: str) -> None:
    relay = serve()
    status, body = post(relay, {"model": "m", "messages": []}, token.strip() or "none")
    assert (status == 403) == (token.strip() != "token-of-ada")
    if status == 403:
        assert json.loads(body)["error"]["code"] == "relay_identity"
        assert not loopback.requests


def test_a_name_that_a_request_claims_for_itself_says_nothing(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path
) -> None:
    relay = serve()
    loopback.send(chat_body("Hi", usage=(1, 1)))
    forged = {"X-Forwarded-User": "bob", "Remote-User": "bob", "X-JupyterHub-User": "bob", "Cookie": "user=bob"}
    assert post(relay, {"model": "m", "messages": [], "stream": True}, **forged)[0] == 200
    assert [row[0] for row in rows(database)] == ["ada"]
    status, body = post(relay, {"model": "m", "messages": [], "user": "bob"})
    assert (status, json.loads(body)["error"]["param"]) == (400, "user")


# --- what may be asked ------------------------------------------------------------------------------------------------


def test_another_model_is_refused_with_those_that_there_are(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    error = refusal(serve(), model="gpt-4")
    assert (error.kind, error.status) == ("not_found", 404)
    assert "it allows m, gpt-5-*" in error.message
    assert not loopback.requests


def test_a_relay_that_allows_no_model_says_what_is_to_be_set(serve: Callable[..., RelayServer]) -> None:
    error = refusal(serve(models=[]))
    assert "NBStreamRelay.models" in error.message
    assert RemedyKind.ASK_OPERATOR in [remedy.kind for remedy in error.remedies]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"service_tier": "priority"}, "service_tier"),
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_of_bob"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"max_tokens": 5000}, "max_tokens"),
        ({"n": 1000}, "n"),
        ({"prompt": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-of-bob"}}]}]}, "file_id"),
    ],
)
def test_a_field_that_is_not_allowed_is_refused(
    serve: Callable[..., RelayServer], loopback: FaultServer, fields: dict[str, Any], param: str
) -> None:
    error = refusal(serve(max_output_tokens=1000), **fields)
    assert (error.kind, error.status) == ("rejected", 400)
    assert param in error.message or param in {"file_id", "tools"}
    assert not loopback.requests


def test_texts_are_checked_by_the_provider_for_nothing(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path
) -> None:
    relay = serve(quotas={"*": {"tokens": 1, "usd": 1.0}})
    for body in ({"input": "Hi"}, {"input": "Hi", "model": "omni-moderation-latest"}):
        loopback.send('{"results": [{"flagged": false}]}', headers={"Content-Type": "application/json"})
        status, answer = post(relay, body, path="moderations")
        assert (status, json.loads(answer)) == (200, {"results": [{"flagged": False}]})
    assert [row[2:5] for row in rows(database)] == [("completed", 0, 0.0)] * 2
    assert post(relay, {"input": "Hi", "model": "m"}, path="moderations")[0] == 404
    assert post(relay, {"input": "Hi", "n": 2}, path="moderations")[0] == 400
    assert len(loopback.requests) == 2


def test_what_is_allowed_beside_passes(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay = serve(fields=["service_tier"], tool_types=["function", "web_search"], max_output_tokens=1000)
    loopback.send(chat_body("Hi"))
    ask(relay, service_tier="flex", tools=[{"type": "web_search"}])
    body = loopback.requests[0].json
    assert (body["service_tier"], body["max_completion_tokens"]) == ("flex", 1000)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"model": 7}', b"[" * 100_000, b'{"model":"m","stream":1}']
)
def test_what_is_no_request_is_refused(serve: Callable[..., RelayServer], loopback: FaultServer, body: bytes) -> None:
    status, answered = post(serve(), body)
    assert status in {400, 404}
    assert json.loads(answered)["error"]["message"]
    assert not loopback.requests


# --- how much ---------------------------------------------------------------------------------------------------------


def test_over_the_quota_is_refused_before_anything_is_sent(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    relay = serve(quotas={"*": {"tokens": 10}})
    loopback.send(chat_body("Hello", usage=(9, 3)))
    ask(relay)
    error = refusal(relay)
    assert (error.kind, error.status, error.code) == ("quota", 429, "relay_quota")
    assert "Your quota on this relay, 10 tokens, is used up until the end of the month (UTC)." in error.message
    assert [remedy.kind for remedy in error.remedies] == [RemedyKind.ASK_OPERATOR]
    assert len(loopback.requests) == 1
    loopback.send(chat_body("Hello", usage=(9, 3)))
    assert ask(relay, user="bob").text == "Hello"


def test_money_is_counted_by_the_prices_that_are_set(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path
) -> None:
    relay = serve(quotas={"*": {"usd": 0.01}}, prices={"m": {"input": 100.0, "output": 1000.0}})
    loopback.send(chat_body("Hello", usage=(40, 10)))
    ask(relay)
    assert rows(database) == [("ada", "m", "completed", 50, pytest.approx(0.014), 0)]
    assert refusal(relay).code == "relay_quota"


def test_where_no_price_is_known_no_money_is_spent(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    error = refusal(serve(quotas={"*": {"usd": 1.0}}))
    assert "No price is known for m" in error.message
    assert not loopback.requests


def test_many_at_once_do_not_exceed_the_quota_together(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    relay, gate = serve(quotas={"*": {"tokens": 2_500}}), threading.Event()
    loopback.respond(lambda _: Answer(chat_chunk("Hel"), gate, chat_body("lo", usage=(10, 10))))
    options: dict[str, Any] = {"base_url": relay.base_url, "api_key": "token-of-ada", "model": "m", "api": "chat"}
    handles = []
    for _ in range(3):  # each is taken to cost 1,000 tokens until it has ended
        handles.append(nbs.start("Hi", display=False, max_retries=0, **options))
        next(iter(handles[-1]))
    error = refusal(relay)
    assert (error.kind, error.retry_after) == ("rate_limit", 2.0)
    gate.set()
    assert [handle.result().text for handle in handles] == ["Hello"] * 3
    assert ask(relay).text == "Hello"


def test_what_remains_is_told(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay = serve(quotas={"*": {"tokens": 1000, "usd": 1.0}}, prices={"m": {"input": 0.0, "output": 1000.0}})
    for _ in range(2):
        loopback.send(chat_body("Hello", usage=(90, 10)))
    first, second = ask(relay), ask(relay)
    assert first.quota is not None
    assert second.quota is not None
    assert (first.quota.tokens, first.quota.usd) == (900, 0.99)  # after the answer
    assert (second.quota.tokens, second.quota.usd) == (800, 0.98)
    assert second.quota.resets_at is not None
    health = json.loads(get(relay, "health")[1])
    assert (health["remaining"]["tokens"], health["remaining"]["usd"]) == (800, 0.98)


def test_the_ledger_knows_what_it_cost_there_and_what_is_left(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    relay = serve(quotas={"*": {"tokens": 1000}}, prices={"m": {"input": 1.0, "output": 1000.0}})
    loopback.send(chat_body("Hello", usage=(90, 10)))
    result = ask(relay)
    assert result.cost == pytest.approx(0.01009)
    entry = nbs.ledger[-1]
    assert (entry.cost, entry.price_source) == (result.cost, "the relay")
    host = relay.base_url.split("/")[2]
    assert nbs.ledger.quotas[host].tokens == 900
    assert f"Left at {host}: 900 tokens" in repr(nbs.ledger)


def test_how_often_is_limited_with_a_wait(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay = serve(quotas={"*": {"requests_per_minute": 1}})
    loopback.send(chat_body("Hello"))
    ask(relay)
    error = refusal(relay)
    assert error.kind == "rate_limit"
    assert 0 < (error.retry_after or 0) <= 60
    assert len(loopback.requests) == 1


def test_a_group_has_its_own_limits(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay = serve(quotas={"*": {"tokens": 0}, "group:teachers": {"tokens": 100}})
    loopback.send(chat_body("Hello"))
    assert ask(relay, user="ada").text == "Hello"
    assert refusal(relay, user="bob").kind == "quota"


# --- how it ends ------------------------------------------------------------------------------------------------------


def test_a_client_that_leaves_closes_the_provider_and_is_charged_what_had_come(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path
) -> None:
    relay = serve()
    loopback.send(chat_chunk("x" * 400), chat_chunk("y" * 400), then="hold")
    options: dict[str, Any] = {"base_url": relay.base_url, "api_key": "token-of-ada", "model": "m", "api": "chat"}
    handle = nbs.start("z" * 40, display=False, **options)
    for _ in handle:
        break
    handle.cancel()
    loopback.wait(left=1)
    [(user, _, _, tokens, _, estimated)] = wait_for_rows(database, "client_gone")
    assert (user, estimated) == ("ada", 1)
    assert 100 <= tokens - 10 <= 220


def test_a_provider_that_breaks_off_is_a_lost_connection(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path
) -> None:
    relay = serve()
    loopback.send(chat_chunk("Hel"), then="reset")
    error = refusal(relay)
    assert (error.kind, error.result.text) == ("connection_lost", "Hel")
    assert RemedyKind.CONTINUE in [remedy.kind for remedy in error.remedies]
    assert [row[2] for row in wait_for_rows(database, "broken")] == ["broken"]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"body": error_body(f"Bad key {KEY.reveal()}"), "status": 401}, "server", "relay_no_key"),
        ({"body": error_body("x", code="insufficient_quota"), "status": 429}, "quota", "relay_credit"),
        ({"body": error_body(f"Odd {KEY.reveal()}", code="odd"), "status": 400}, "rejected", "odd"),
        ({"body": "<html><title>Bad gateway</title>", "status": 502}, "server", "provider_502"),
        ({"body": "", "status": 500}, "server", "provider_500"),
    ],
    ids=["key", "credit", "rejected", "page", "empty"],
)
def test_errors_of_the_provider_have_one_form_and_no_secret(
    serve: Callable[..., RelayServer], loopback: FaultServer, answer: dict[str, Any], kind: str, code: str
) -> None:
    relay = serve()
    loopback.respond(lambda _: Answer(answer["body"], status=answer["status"]))
    error = refusal(relay)
    assert (error.kind, error.code) == (kind, code)
    assert KEY.reveal() not in str(error)
    status, body = post(relay, {"model": "m", "messages": []})
    assert set(json.loads(body)["error"]) >= {"message", "type", "code"}
    assert KEY.reveal().encode() not in body
    assert status == error.status


def test_the_operators_organization_is_not_named(serve: Callable[..., RelayServer], loopback: FaultServer) -> None:
    relay = serve()
    loopback.send(error_body("Rate limit reached for m in organization org-a1B2c3D4e5 on tokens"), status=429)
    error = refusal(relay)
    assert "in organization <organization> on tokens" in error.message


def test_a_request_that_is_too_large_is_refused_and_a_large_one_passes(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    relay = serve()
    loopback.send(chat_body("Hi"))
    assert ask(relay, prompt="x" * 1_000_000).text == "Hi"
    status, answered = post(relay, b" " * (64 * 2**20 + 1))
    assert (status, json.loads(answered)["error"]["code"]) == (413, "request_too_large")
    assert len(loopback.requests) == 1


def test_a_wait_that_the_provider_asks_for_is_passed_on(
    serve: Callable[..., RelayServer], loopback: FaultServer
) -> None:
    relay = serve()
    loopback.send(error_body("Slow down"), status=429, headers={"Retry-After": "7"})
    error = refusal(relay)
    assert (error.kind, error.retry_after) == ("rate_limit", 7.0)


def test_a_provider_that_is_not_there_is_told(serve: Callable[..., RelayServer]) -> None:
    error = refusal(serve(base_url="http://127.0.0.1:9/v1"))
    assert (error.code, error.status) == ("relay_unreachable", 502)
    assert "127.0.0.1:9" not in error.message


@pytest.mark.parametrize(
    "settings", [{"api_key": None, "base_url": "https://api.openai.com/v1"}, {"key_file": "/none"}]
)
def test_a_relay_without_a_key_says_so(
    serve: Callable[..., RelayServer], loopback: FaultServer, settings: dict[str, Any]
) -> None:
    relay = serve(**{"api_key": None, **settings})
    error = refusal(relay)
    assert (error.code, error.status, error.retryable) == ("relay_no_key", 503, False)
    assert [remedy.kind for remedy in error.remedies] == [RemedyKind.ASK_OPERATOR]
    health = json.loads(get(relay, "health")[1])
    assert health["status"] == "problem"
    assert not loopback.requests


@pytest.mark.parametrize("content", [b"no database at all, but some file", b"SQLite format 3\0 and then nothing"])
def test_a_file_of_something_else_is_not_written_and_nothing_is_asked(
    serve: Callable[..., RelayServer], loopback: FaultServer, database: pathlib.Path, content: bytes
) -> None:
    database.write_bytes(content * 10)
    error = refusal(serve())
    assert (error.code, error.status) == ("relay_meter", 503)
    assert database.read_bytes() == content * 10
    assert not loopback.requests


def test_the_health_page_says_how_it_is(serve: Callable[..., RelayServer]) -> None:
    relay = serve(quotas={"*": {"tokens": 1000, "period": "day"}}, models=["<m>"])
    page = get(relay, "health", Accept="text/html")[1].decode()
    for words in ("works", "&lt;m&gt;", "1,000 tokens, until"):
        assert words in page
    assert KEY.reveal() not in page


def test_the_log_names_who_and_what_but_neither_key_nor_words(
    serve: Callable[..., RelayServer], loopback: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        relay = serve()
        loopback.send(chat_body("The answer", usage=(9, 3)))
        ask(relay, prompt="The question")
        refusal(relay, model="other")
    # The SDK, which asks here, logs what it sends.
    log = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("openai"))
    for words in ("ada asked m: completed, 12 tokens", "refused (model_not_found)"):
        assert words in log
    for secret in (KEY.reveal(), "token-of-ada", "The answer", "The question"):
        assert secret not in log
