"""`stream`, `astream`, `start` and `configure` as a user calls them, against the demo server."""

import asyncio
import inspect
import json
from typing import Any, cast

import pytest
from PIL import Image

import nbstream as nbs
from nbstream.errors import RateLimitError, UsageError
from nbstream.settings.config import settings
from nbstream.streaming.engine import engine
from nbstream.testing import ScriptedBytes, ScriptedStream, chat_body, chat_chunk, error_body
from tests.chats import whole

QUIET: dict[str, Any] = {"model": "demo", "display": False}


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_stream_returns_the_whole_result(api):
    result = nbs.stream("Count to 40", api=api, **QUIET)
    assert (result.state, result.finish_reason, result.error) == ("completed", "stop", None)
    assert result.text.rstrip().endswith("39, 40")
    assert result.model == "demo"
    assert str(result.request_id).startswith("req_demo_")
    assert result.response_id
    assert result.usage is not None
    assert result.usage.output_tokens > 40
    assert result.usage.total_tokens == result.usage.input_tokens + result.usage.output_tokens
    assert 0 < (result.timing.ttft or 0) <= result.timing.total


@pytest.mark.usefixtures("demo")
def test_both_apis_give_the_same_answer():
    chat, responses = (nbs.stream("markdown", api=api, **QUIET) for api in ("chat", "responses"))
    assert chat.text == responses.text
    assert chat.usage == responses.usage


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_options_reach_the_server(api):
    cut = nbs.stream("Tell a long story", api=api, max_tokens=5, temperature=0.0, **QUIET)
    assert (cut.state, cut.finish_reason) == ("completed", "length")
    assert cut.usage is not None
    assert cut.usage.output_tokens == 5
    restated = nbs.stream("Zebras?", api=api, system="You are a pirate.", **QUIET)
    assert "> You are a pirate." in restated.text
    assert "> Zebras?" in restated.text


def test_any_other_field_goes_to_the_api_as_it_is(loopback):
    loopback.send('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n')
    nbs.stream("Hi", model="m", base_url=loopback.base_url, display=False, seed=7, metadata={"a": ["b"]})
    body = json.loads(loopback.requests[0].body)
    assert (body["seed"], body["metadata"]) == (7, {"a": ["b"]})


@pytest.mark.usefixtures("demo")
def test_a_conversation_as_messages():
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": [{"type": "text", "text": "Zebras?"}]},
    ]
    for api in ("chat", "responses"):
        assert "The request carried 3 messages" in nbs.stream(messages, api=api, **QUIET).text
    assert len(messages) == 3


@pytest.mark.usefixtures("demo")
def test_astream_runs_streams_side_by_side():
    async def main():
        return await asyncio.gather(*(nbs.astream(f"Count to {n}", **QUIET) for n in (5, 6, 7)))

    assert [result.text.rstrip()[-1] for result in asyncio.run(main())] == ["5", "6", "7"]


@pytest.mark.usefixtures("demo")
def test_astream_raises_for_a_failed_stream():
    with pytest.raises(RateLimitError) as caught:
        asyncio.run(nbs.astream("hello", demo={"fault": "rate_limit"}, **QUIET))
    assert caught.value.result is not None
    assert caught.value.result.state == "failed"


def test_cancelling_astream_cancels_the_stream(demo, surface, monkeypatch):
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)

    async def main():
        task = asyncio.create_task(nbs.astream("Tell a long story", model="demo", demo={"fault": "stall"}))
        await asyncio.to_thread(surface.drawn.wait, 10)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(main())
    assert surface.final.state == "cancelled"
    assert demo.requests[-1].ended.wait(60)
    assert demo.requests[-1].state == "client_closed"


@pytest.mark.usefixtures("demo")
def test_display_draws_on_a_terminal(capsys):
    result = nbs.stream("hello", model="demo")
    assert capsys.readouterr().out.strip() == result.text.strip()


@pytest.mark.usefixtures("demo")
def test_no_display_draws_nothing(capsys):
    nbs.stream("hello", **QUIET)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " \n"}, "prompt is empty"),
        ({"prompt": []}, "at least one message"),
        ({"prompt": None}, "a prompt is a string"),
        ({"prompt": [{"content": "x"}]}, 'message 0 of the prompt has no "role"'),
        ({"prompt": [{"role": "user", "content": "x"}, "y"]}, "message 1"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"max_tokens": 0}, "max_tokens must be a whole number above 0"),
        ({"base_url": "localhost:8000/v1"}, "http://host:port/v1"),
        ({"base_url": "http://"}, "http://host:port/v1"),
        ({"base_url": "http://localhost:1/v1", "model": None}, "no model given for localhost:1"),
    ],
)
def test_a_wrong_call_sends_nothing(call, words):
    with pytest.raises(UsageError, match=words):
        nbs.start(**{"prompt": "Hi", "model": "m", "display": False, **call})


def test_without_key_url_and_model_the_error_names_the_three_ways_on():
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Hi", display=False)
    assert caught.value.kind == "missing_key"
    for way_on in ("OPENAI_API_KEY", "base_url=", 'model="demo"'):
        assert way_on in caught.value.message
        assert way_on in str(caught.value)


def test_public_names():
    assert all(hasattr(nbs, name) for name in nbs.__all__)


@pytest.mark.usefixtures("demo")
def test_local_server_is_reached_without_the_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    assert nbs.stream("hello", **QUIET).state == "completed"


# --- a source of the caller's own -------------------------------------------------------------------------------------


def test_a_source_stands_in_for_the_server():
    source = ScriptedBytes(chat_body("Hello"))
    result = nbs.stream("Hi", source=source, model="m", api="chat", seed=7, display=False)
    assert (result.text, result.model) == ("Hello", "m")
    [asked] = source.requests
    assert (asked.messages, asked.params) == (({"role": "user", "content": "Hi"},), {"seed": 7})


def test_a_source_may_be_of_events():
    assert nbs.stream("Hi", source=ScriptedStream.answering("Hel", "lo"), display=False).text == "Hello"


def test_a_chat_asks_its_source_and_what_goes_on_with_an_answer_does_too(tmp_path):
    source = ScriptedBytes(chat_chunk("Hel"), ConnectionResetError())
    chat = nbs.Chat(source=source, model="m", api="chat")
    with pytest.raises(nbs.StreamError) as caught:
        chat.stream("Hi", display=False)
    with pytest.raises(nbs.StreamError):
        caught.value.result.resume(display=False)
    assert [request.partial_answer for request in source.requests] == ["", "Hel"]
    chat.save(tmp_path / "chat.json")
    assert "source" not in (tmp_path / "chat.json").read_text("utf-8")


def test_what_is_no_source_is_told():
    with pytest.raises(UsageError, match=r"open\(request\)"):
        nbs.start("Hi", source=cast("Any", "recording.json"), model="m")


def test_the_engine_may_have_a_source_for_all_that_name_none(monkeypatch):
    monkeypatch.setattr(engine(), "source", ScriptedStream.answering("of the engine"))
    asked: dict[str, Any] = {"model": "m", "display": False}
    assert nbs.stream("Hi", **asked).text == "of the engine"
    assert nbs.stream("Hi", source=ScriptedStream.answering("of the call"), **asked).text == "of the call"


# --- what a reader finds ----------------------------------------------------------------------------------------------


def test_the_arguments_of_a_stream_are_spelled_out_everywhere():
    declared = inspect.signature(nbs.start).parameters
    for function, returned in ((nbs.stream, "StreamResult"), (nbs.astream, "StreamResult")):
        signature = inspect.signature(function)
        assert dict(signature.parameters) == dict(declared)
        assert signature.return_annotation == returned
        documented = [name for name in declared if f"        {name}: " in (function.__doc__ or "")]
        assert documented == [name for name in declared if name != "params"]
    assert inspect.iscoroutinefunction(nbs.astream)


def test_tab_offers_the_public_names_only():
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    public = {"Chat", "ChatPanel", "StreamError", "StreamResult", "StreamState", "Usage"}
    public |= {
        "astream",
        "compare",
        "configure",
        "demo",
        "diff",
        "endpoint",
        "errors",
        "events",
        "items",
        "jobs",
        "ledger",
        "map",
        "mcp",
        "moderation",
        "parts",
        "price",
        "recordings",
        "remedies",
        "start",
        "stream",
        "testing",
        "tool",
        "upload",
    }
    assert set(dir(nbs)) == public
    assert all(getattr(nbs, name) is not None for name in public)
    shell = InteractiveShell()
    shell.user_ns["nbs"] = nbs
    for use_jedi in (False, True):
        shell.Completer.use_jedi = use_jedi
        with provisionalcompleter():
            offered = {each.text.rpartition(".")[2] for each in shell.Completer.completions("nbs.", 4)}
        assert offered == public


def test_a_keyword_that_is_close_to_an_option_is_refused_and_any_other_goes_to_the_api(loopback):
    asked: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "display": False}
    for slip, meant in {"temprature": "temperature", "max_token": "max_tokens", "baseurl": "base_url"}.items():
        with pytest.raises(UsageError) as told:
            nbs.stream("Hi", **cast("dict[str, Any]", {**asked, slip: 1}))
        assert str(told.value) == f"no such option: {slip}; did you mean {meant}?"
    others = ["seed", "top_p", "stop", "store", "max_completion_tokens", "max_output_tokens", "stream_options", "user"]
    others += ["min_tokens", "models"]  # of servers
    loopback.send(chat_body("Hi"))
    nbs.stream("Hi", **cast("dict[str, Any]", {**asked, "api": "chat", **dict.fromkeys(others, 1)}))
    assert set(others) <= set(loopback.requests[-1].json)


def test_a_slip_of_a_model_is_told_from_the_list_of_the_server(loopback):
    loopback.send(error_body("The model 'gpt-5-mni' does not exist", code="model_not_found"), status=404)
    loopback.send(
        json.dumps({"data": [{"id": "gpt-5"}, {"id": "gpt-5-mini"}]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with pytest.raises(nbs.StreamError, match=r"Did you mean gpt-5-mini\?"):
        nbs.stream("Hi", model="gpt-5-mni", base_url=loopback.base_url, display=False)


def test_a_slip_of_a_setting_is_told_and_changes_nothing(shell, caplog):
    with pytest.raises(UsageError, match=r"no such setting: modle; did you mean model\? There are: "):
        nbs.configure(modle="m")
    shell.run_line_magic("config", "NBStream.modle = 'x'")  # which logs the error, in red
    assert "no such setting: modle; did you mean model?" in caplog.text
    caplog.clear()
    shell.run_line_magic("config", "NBStream.model = 'of-config'")
    assert (settings().model, caplog.text) == ("of-config", "")


# --- images and files -------------------------------------------------------------------------------------------------


def sent_parts(request, api):
    (message,) = request.json["messages" if api == "chat" else "input"]
    assert message["role"] == "user"
    return message["content"]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_image_goes_with_the_question(loopback, api):
    loopback.send(whole("A cat.", api=api))
    wide = Image.new("RGB", (4096, 2))
    result = nbs.stream("What is it?", image=wide, model="m", base_url=loopback.base_url, api=api, display=False)
    text, image = sent_parts(loopback.requests[0], api)
    named = {"chat": ("text", "image_url"), "responses": ("input_text", "input_image")}[api]
    assert (text["type"], image["type"]) == named
    url = image["image_url"] if api == "responses" else image["image_url"]["url"]
    assert url.startswith("data:image/png;base64,")
    assert [warning.message for warning in result.warnings] == [
        "The image was scaled down from 4096 by 2 to 2048 by 1 pixels."
    ]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_files_go_with_the_question(loopback, api):
    loopback.send(whole("Fine.", api=api))
    files = [b"a,b", b"%PDF-1.7"]
    nbs.stream("Read", file=files, model="m", base_url=loopback.base_url, api=api, display=False)
    _, text, pdf = sent_parts(loopback.requests[0], api)
    assert text["text"] == "File file:\n\n```\na,b\n```"
    named = {"filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjc="}
    assert pdf == ({"type": "file", "file": named} if api == "chat" else {"type": "input_file", **named})


def test_an_image_that_cannot_be_read_is_said_before_anything_is_sent(loopback):
    with pytest.raises(UsageError, match=r"there is no file missing\.png"):
        nbs.start("Hi", image="missing.png", model="m", base_url=loopback.base_url, display=False)
    assert loopback.requests == []


@pytest.mark.parametrize(
    ("api", "reasoning", "sent"),
    [
        ("chat", "low", {"reasoning_effort": "low"}),
        ("chat", {"max_tokens": 2000}, {"reasoning": {"max_tokens": 2000}}),
        ("responses", " high ", {"reasoning": {"effort": "high"}}),
        ("responses", {"effort": "high", "summary": "auto"}, {"reasoning": {"effort": "high", "summary": "auto"}}),
    ],
)
def test_how_much_to_reason_is_said_in_the_words_of_the_api(loopback, api, reasoning, sent):
    loopback.send(chat_body("Hi"))
    nbs.stream("Hi", model="m", base_url=loopback.base_url, api=api, reasoning=reasoning, display=False)
    body = loopback.requests[-1].json
    assert {name: value for name, value in body.items() if name.startswith("reasoning")} == sent


def test_a_field_that_is_named_has_the_last_word_on_reasoning(loopback):
    loopback.send(chat_body("Hi"))
    options = {"reasoning": "low", "reasoning_effort": "high"}
    nbs.stream(
        "Hi", model="m", base_url=loopback.base_url, api="chat", display=False, **cast("dict[str, Any]", options)
    )
    assert loopback.requests[-1].json["reasoning_effort"] == "high"


@pytest.mark.parametrize("wrong", ["", " ", 3, True, [], {}])
def test_what_says_nothing_of_reasoning_is_refused(wrong):
    with pytest.raises(UsageError, match='reasoning must be a word such as "low", or a dictionary, not'):
        nbs.stream("Hi", model="demo", reasoning=wrong, display=False)
