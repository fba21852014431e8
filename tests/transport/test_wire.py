"""From bytes to events: JSON in its loose forms, end marks, errors, and bodies that are not streams at all."""

import json

import pytest

from nbstream.events import EndOfStream, Failed, Finished, Garbled, Started, TextDelta, Warned
from nbstream.request import Endpoint
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.wire import WireDecoder

MARKED, UNMARKED = EndOfStream(marked=True), EndOfStream(marked=False)
HI = b'{"choices":[{"delta":{"content":"Hi"}}]}'
FINISH = b'{"choices":[{"delta":{},"finish_reason":"stop"}]}'


def content(text: bytes) -> bytes:
    return b'data: {"choices":[{"delta":{"content":"' + text + b'"}}]}\n\n'


# --- end marks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data:  [DONE] \n\n", b"data: [DONE]"])
def test_done_marks_the_end(decode, mark):
    assert decode(b"data: " + HI + b"\n\n" + mark) == [TextDelta("Hi"), MARKED]


def test_what_follows_done_is_dropped(decode):
    trailing = b"data: " + HI + b"\n\ndata: not json\n\ndata: " + HI
    assert decode(content(b"A") + b"data: [DONE]\n\n" + trailing) == [TextDelta("A"), MARKED]


def test_no_mark_is_said_so(decode):
    assert decode(b"data: " + HI + b"\n\n") == [TextDelta("Hi"), UNMARKED]


@pytest.mark.parametrize("nothing", [b"", b"\n\n", b": ping\n\n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_an_unmarked_end(decode, nothing):
    assert decode(nothing) == [UNMARKED]


def test_a_last_event_without_its_blank_line_counts_if_it_is_whole(decode):
    assert decode(b"data: " + HI + b"\n\ndata: " + FINISH) == [TextDelta("Hi"), Finished("stop"), UNMARKED]


def test_half_a_last_event_is_dropped(decode):
    assert decode(b"data: " + HI + b"\n\ndata: " + FINISH[:-2]) == [TextDelta("Hi"), UNMARKED]


# --- JSON, loosely ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param("a\u2028b\u2029".encode(), "a\u2028b\u2029", id="U+2028"),
        pytest.param(b"a\xffb", "a\ufffdb", id="invalid UTF-8"),
        pytest.param(b"a\x01\tb", "a\x01\tb", id="raw control characters"),
        pytest.param(rb"\ud83d\ude00", "😀", id="surrogate pair"),
        pytest.param(rb"\ud83d", "\ud83d", id="half a surrogate pair is kept for its other half"),
        pytest.param(rb"<script>alert(1)</script>", "<script>alert(1)</script>", id="HTML is text"),
        pytest.param(rb"data: [DONE]\n\n", "data: [DONE]\n\n", id="its own markers are text"),
        pytest.param(b"x" * 50_000, "x" * 50_000, id="huge"),
    ],
)
def test_text_comes_through(decode, raw, text):
    assert decode(content(raw)) == [TextDelta(text), UNMARKED]


@pytest.mark.parametrize("junk", [b"null", b"[]", b"1", b"{}", b"", b": OPENROUTER PROCESSING", b"true"])
def test_events_that_say_nothing_are_read_over(decode, junk):
    assert decode(b"data: " + junk + b"\n\n" + content(b"A")) == [TextDelta("A"), UNMARKED]


def test_numbers_beyond_json_and_repeated_keys(decode):
    raw = b'data: {"x":NaN,"y":-Infinity,"choices":[],"choices":[{"delta":{"content":"A"}}]}\n\n'
    assert decode(raw) == [TextDelta("A"), UNMARKED]


def test_an_event_over_several_data_lines(decode):
    raw = b'data: {"choices":\ndata:  [{"delta":\ndata: {"content":"Hi"}}]}\n\n'
    assert decode(raw) == [TextDelta("Hi"), UNMARKED]


@pytest.mark.parametrize("words", ["upstream died", '{"message": "bad "quote""}', "{"])
def test_an_event_that_is_not_json_fails_with_its_words(decode_error, words):
    error = decode_error(content(b"A") + f"data: {words}\n\n".encode())
    assert error.kind == "not_a_stream"
    assert words in error.message
    assert error.message.startswith("localhost:8000 ")


def test_deep_nesting_is_an_error_like_any_other(decode_error):
    nested = b"data: {" + b'"a":[' * 5_000 + b"\n\n"
    assert decode_error(nested).kind == "not_a_stream"


def test_junk_after_the_end_mark_is_no_failure(decode):
    assert decode(content(b"A") + b"data: [DONE]\n\ndata: upstream died\n\n")[-1] == MARKED


def test_a_long_bad_event_is_quoted_briefly(decode_error):
    assert len(decode_error("data: " + "bad " * 1000 + "\n\n").message) < 250


# --- errors inside the stream -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('data: {"error":{"message":"boom","code":"x"}}', Failed("boom", "x")),
        ('data: {"error":{"message":"boom","type":"t","code":null}}', Failed("boom", "t")),
        ('data: {"error":{"message":"boom","code":500}}', Failed("boom", "500", retryable=True)),
        ('data: {"error":"boom"}', Failed("boom", None)),
        ('data: {"error":{}}', Failed("no message", None)),
        ('data: {"error":{"message":"boom","code":"rate_limit"}}', Failed("boom", "rate_limit", "rate_limit", True)),
        (
            'data: {"error":{"message":"boom","code":"insufficient_quota"}}',
            Failed("boom", "insufficient_quota", "quota"),
        ),
        ('data: {"error":{"message":["a",1]}}', Failed("a; 1", None)),
        ('event: error\ndata: {"message":"boom","code":"x"}', Failed("boom", "x")),
        ('event: error\ndata: {"error":{"message":"boom"}}', Failed("boom", None)),
        ('data: {"type":"error","message":"boom","code":"x","param":null}', Failed("boom", "x")),
        ('data: {"type":"error","error":{"message":"boom"}}', Failed("boom", None)),
        ('data: {"object":"error","message":"boom","code":400}', Failed("boom", "400", "rejected")),
        ('data: {"detail":"boom"}', Failed("boom", None)),
    ],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_error_frames(decode, frame, expected, api):
    assert decode(frame + "\n\n", api) == [expected, UNMARKED]


def test_text_beside_an_error_is_kept(decode):
    chunk = b'data: {"error":{"message":"boom"},"choices":[{"delta":{"content":"A"}}]}\n\n'
    assert decode(chunk) == [TextDelta("A"), Failed("boom"), UNMARKED]


def test_text_before_what_makes_no_sense_is_kept_even_in_one_piece():
    decoder = WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))
    [text, problem] = decoder.feed(content(b"A") + b"data: upstream died\n\n")
    assert text == TextDelta("A")
    assert isinstance(problem, Garbled)


@pytest.mark.parametrize(
    ("frame", "api"),
    [
        ({"error": {"message": "bad key KEY"}}, "chat"),
        ({"error": "bad key KEY"}, "responses"),
        ({"type": "error", "message": "bad key KEY"}, "responses"),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"message": "KEY"}}}, "responses"),
        ({"choices": [{"error": {"message": "bad key KEY"}, "delta": {}}]}, "chat"),
        ({"error": {"message": "no", "code": "KEY"}}, "chat"),
    ],
)
def test_a_key_that_the_server_repeats_is_taken_out(decode, key, frame, api):
    events = decode(f"data: {json.dumps(frame)}\n\n".replace("KEY", key), api)
    assert any(isinstance(event, Failed) for event in events)
    assert key not in repr(events)


@pytest.mark.parametrize("body", ['{"error":{"message":"bad KEY"}}', "data: bad KEY\n\n", '{"x": "bad KEY"}'])
def test_a_key_in_a_body_that_is_no_stream_is_taken_out(decode_error, key, body):
    message = decode_error(body.replace("KEY", key)).message
    assert key not in message
    assert "<key>" in message


# --- not a stream -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"", b"\n  ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_html_page(decode_error, start):
    error = decode_error(start + b"<!DOCTYPE html><html><body>Please log in</body></html>")
    assert error.kind == "not_a_stream"
    assert "HTML page" in error.message
    assert "localhost:8000" in error.message


def test_an_html_page_fails_before_its_end():
    decoder = WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))
    [event] = decoder.feed(b" <")
    assert isinstance(event, Garbled)


@pytest.mark.parametrize("start", [b"", b"\n ", b"\xef\xbb\xbf"])
def test_a_whole_answer(decode, start):
    events = decode(start + b'{"object":"chat.completion","choices":[{"message":{"content":"whole"}}]}')
    assert [type(event) for event in events] == [Warned, TextDelta, EndOfStream]
    assert events[1:] == [TextDelta("whole"), MARKED]


def test_a_json_document_with_an_error(decode):
    events = decode(b'{"error":{"message":"no such deployment.","code":"gone"}}')
    assert events == [Failed("no such deployment.", "gone")]


@pytest.mark.parametrize("body", [b'{"a":1}\n{"b":2}\n', b"[1, 2]", b'{"half":'])
def test_other_documents(decode_error, body):
    assert decode_error(body).kind == "not_a_stream"


@pytest.mark.parametrize("sentinel", [b"[DONE]", b"  [DONE]", b"[done]", b'"[DONE]"'])
def test_every_spelling_of_the_end_mark_ends_the_stream(decode, sentinel):
    assert decode(content(b"A") + b"data: " + sentinel + b"\n\n" + content(b"late")) == [TextDelta("A"), MARKED]


def test_named_ping_with_words_is_no_event(decode):
    ping = b"event: keep-alive\ndata: ping\n\n"
    assert decode(content(b"A") + ping + content(b"B")) == [TextDelta("A"), TextDelta("B"), UNMARKED]


def test_events_with_one_line_end_between_them_are_told_apart(decode):
    one, two = content(b"A").strip(), content(b"B").strip()
    assert decode(one + b"\n" + two + b"\ndata: [DONE]\n\n") == [TextDelta("A"), TextDelta("B"), MARKED]


def test_empty_error_beside_choices_is_none(decode):
    chunk = b'data: {"error":{},"choices":[{"delta":{"content":"A"}}]}\n\n'
    assert decode(chunk) == [TextDelta("A"), UNMARKED]


def test_names_and_messages_are_fit_to_be_stored_and_shown(decode):
    model = b'data: {"model":"m\\ud83d\\u001b[31m","choices":[]}\n\n'
    assert decode(model) == [Started("m\ufffd\u241b[31m"), UNMARKED]
    error = b'data: {"error":{"message":"cut \\ud83d\\u0007"}}\n\n'
    assert decode(error) == [Failed("cut \ufffd"), UNMARKED]


@pytest.mark.parametrize("text", [b"a\x01b", b"a\\ud83d", b"a\xff"])
def test_named_event_that_strict_json_refuses_loses_no_text(decode, text):
    delta = (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"' + text + b'"}\n\n'
    )
    [_, event, _] = decode(delta, "responses")
    assert event.text.startswith("a")


def test_named_event_that_is_no_json_at_all_is_not_taken_for_a_ping(decode_error):
    error = decode_error(b"event: response.output_text.delta\ndata: {broken\n\n")
    assert "not JSON" in str(error)
