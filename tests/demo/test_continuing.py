"""A conversation that ends with the beginning of its answer gets the rest of it, in both APIs."""

import pytest

from nbstream.demo.answers import NOTICE, compose
from nbstream.demo.request import Message
from nbstream.demo.tokens import split

SAID = "Explain SSE"
TEXT = compose([Message("user", SAID)])
USER = {"role": "user", "content": SAID}


@pytest.fixture(params=["chat", "responses"])
def answer(request, client):
    """Text, reason for the end and tokens of an answer, streamed or whole, in either API."""

    def chat(messages, limit=None):
        more = {} if limit is None else {"max_tokens": limit}
        usage = {"stream_options": {"include_usage": True}}
        with client.chat.completions.create(model="demo", messages=messages, stream=True, **usage, **more) as stream:
            *chunks, last = stream
        whole = client.chat.completions.create(model="demo", messages=messages, **more)
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        reason = chunks[-1].choices[0].finish_reason
        assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (streamed, reason)
        assert whole.usage == last.usage
        return streamed, reason, (last.usage.prompt_tokens, last.usage.completion_tokens)

    def responses(messages, limit=None):
        more = {} if limit is None else {"max_output_tokens": limit}
        with client.responses.create(model="demo", input=messages, stream=True, **more) as stream:
            events = list(stream)
        last = events[-1].response
        streamed = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        whole = client.responses.create(model="demo", input=messages, **more)
        assert (whole.output_text, whole.status) == (streamed, last.status)
        assert last.output_text == streamed
        reason = {"completed": "stop", "incomplete": "length"}[last.status]
        return streamed, reason, (last.usage.input_tokens, last.usage.output_tokens)

    return chat if request.param == "chat" else responses


def begun(text):
    return [USER, {"role": "assistant", "content": text}]


@pytest.mark.parametrize("length", [1, 2, len(NOTICE), len(TEXT) // 2, len(TEXT) - 1, len(TEXT)])
def test_the_rest_of_the_answer_comes(answer, length):
    text, reason, _ = answer(begun(TEXT[:length]))
    assert TEXT[:length] + text == TEXT
    assert reason == "stop"


def test_only_the_rest_is_counted_as_written(answer):
    half = TEXT[: len(TEXT) // 2]
    text, _, usage = answer(begun(half))
    assert usage == (len(split(SAID)) + len(split(half)), len(split(text)))


def test_a_limit_holds_for_the_rest(answer):
    half = TEXT[: len(TEXT) // 2]
    text, reason, _ = answer(begun(half), limit=5)
    assert TEXT.startswith(half + text)
    assert (reason, len(split(text))) == ("length", 5)


def test_it_is_the_answer_to_the_conversation_before_it(answer):
    earlier = [USER, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Translate this"}]
    whole, _, _ = answer(earlier)
    assert "3 messages of the conversation" in whole
    text, _, _ = answer([*earlier, {"role": "assistant", "content": whole[:200]}])
    assert whole[:200] + text == whole


@pytest.mark.parametrize("text", ["Something else.", TEXT[30:80], TEXT[:50] + "!", TEXT + " And more.", f" {TEXT}"])
def test_what_is_no_beginning_is_a_conversation_like_any(answer, text):
    assert answer(begun(text))[0] == TEXT


def test_the_beginning_may_come_in_parts(client):
    half, more = TEXT[:40], TEXT[40:90]
    parts = [{"type": "text", "text": half}, {"type": "text", "text": more}]
    chat = client.chat.completions.create(model="demo", messages=begun(parts))
    assert half + more + chat.choices[0].message.content == TEXT
    given = [{"type": "output_text", "text": half}, {"type": "output_text", "text": more}]
    item = {"type": "message", "role": "assistant", "status": "incomplete", "id": "msg_1", "content": given}
    response = client.responses.create(model="demo", input=[USER, item], instructions="Be brief.")
    assert half + more + response.output_text == TEXT


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_turn_begins_nothing(client, content):
    answer = client.chat.completions.create(model="demo", messages=begun(content))
    assert answer.choices[0].message.content == TEXT


def test_a_stop_sequence_counts_from_the_beginning_of_the_answer(client):
    """So the rest ends where the whole answer would have ended."""
    end = TEXT.index("##")
    answer = client.chat.completions.create(model="demo", messages=begun(TEXT[: end - 5]), stop="##")
    assert answer.choices[0].message.content == TEXT[end - 5 : end]
