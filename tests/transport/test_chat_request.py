"""The body of a Chat Completions request, by value."""

from nbstream.settings.capabilities import Capabilities, capabilities_of
from nbstream.transport.chat_request import chosen_fields, request_body

WITHOUT = Capabilities(stream_options=False)


def test_the_body_holds_only_what_was_asked_for(make_request):
    messages = [{"role": "user", "content": "Hi"}]
    assert request_body(make_request(), WITHOUT) == {"model": "m", "messages": messages}


def test_the_whole_body(make_request):
    request = make_request(system="Be terse.", temperature=0.0, max_tokens=9, params={"seed": 7})
    assert request_body(request, Capabilities()) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.0,
        "max_tokens": 9,
        "stream_options": {"include_usage": True},
        "seed": 7,
    }


def test_openai_knows_the_token_limit_by_its_new_name(make_request):
    body = request_body(make_request(max_tokens=9), capabilities_of("https://api.openai.com/v1"))
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


def test_params_have_the_last_word(make_request):
    request = make_request(params={"stream_options": None, "model": "other"})
    body = request_body(request, Capabilities())
    assert (body["stream_options"], body["model"]) == (None, "other")


def test_the_limit_has_the_name_that_the_endpoint_knows(make_request):
    request = make_request(max_tokens=9)
    for name in ("max_tokens", "max_completion_tokens"):
        assert chosen_fields(request, Capabilities(stream_options=False, limit_field=name)) == {name: 9}


def test_what_the_user_names_is_not_nbstreams_choice(make_request):
    request = make_request(max_tokens=9, params={"max_tokens": 5, "stream_options": {}, "seed": 7})
    assert chosen_fields(request, Capabilities()) == {}
    body = request_body(request, Capabilities())
    assert (body["max_tokens"], body["stream_options"], body["seed"]) == (5, {}, 7)
