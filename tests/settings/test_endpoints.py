"""Endpoints with a name: what they hold, where their keys go, and what is refused."""

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.settings.config import settings
from nbstream.settings.resolution import resolve

KEY = "sk-test-0123456789abcdef"
LOCAL = "http://localhost:11434/v1"


def revealed(request):
    """The key that goes with a request."""
    assert request.endpoint.api_key is not None
    return request.endpoint.api_key.reveal()


def test_a_name_says_where_what_and_with_which_key():
    local = nbs.endpoint("local", base_url=f" {LOCAL}\n", model="llama3.2", api="responses", api_key=KEY)
    request = resolve("Hi", on="local")
    assert (request.endpoint.base_url, request.model, request.api) == (LOCAL, "llama3.2", "responses")
    assert revealed(request) == KEY
    assert resolve("Hi", on="local", model="other", api="chat").model == "other"
    assert resolve("Hi", on=local).model == "llama3.2"
    assert settings().endpoints.names == ["local"]


def test_its_key_is_shown_nowhere():
    made = nbs.endpoint("local", base_url=f"{LOCAL}?key={KEY}", api_key=KEY)
    assert repr(made) == f"<endpoint local: at {LOCAL}, with a key>"
    assert KEY[-4:] not in f"{made} {made!r}"


def test_a_key_may_be_in_a_variable_or_in_a_file(monkeypatch, tmp_path):
    nbs.endpoint("one", base_url=LOCAL, model="m", key_variable="ONE_KEY")
    with pytest.raises(UsageError, match="the endpoint one takes its key from ONE_KEY, which is not set here"):
        resolve("Hi", on="one")
    monkeypatch.setenv("ONE_KEY", KEY)
    request = resolve("Hi", on="one")
    assert revealed(request) == KEY
    assert request.endpoint.api_key is not None
    assert request.endpoint.api_key.reference().variable == "ONE_KEY"
    (tmp_path / "key").write_text(KEY)
    nbs.endpoint("two", base_url=LOCAL, model="m", key_file=str(tmp_path / "key"))
    request = resolve("Hi", on="two")
    assert request.endpoint.api_key is not None
    assert request.endpoint.api_key.origin == "file"


def test_a_key_stays_with_the_server_that_it_was_given_for():
    nbs.configure(base_url="https://one.example/v1")
    nbs.endpoint("fast", model="m", api_key=KEY)
    assert resolve("Hi", on="fast").endpoint.sends_key
    nbs.configure(base_url="https://other.example/v1")
    assert not resolve("Hi", on="fast").endpoint.sends_key


def test_without_a_key_of_its_own_it_gets_that_of_its_server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    nbs.endpoint("openai", base_url="https://api.openai.com/v1", model="gpt-5-mini")
    nbs.endpoint("other", base_url="https://other.example/v1", model="m")
    assert resolve("Hi", on="openai").endpoint.sends_key
    assert not resolve("Hi", on="other").endpoint.sends_key


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("two words", {"base_url": LOCAL}, "the name of an endpoint is a word, such as local, not 'two words'"),
        (7, {"base_url": LOCAL}, "the name of an endpoint is a word"),
        ("local", {}, r'say what local is: nbs.endpoint\("local", base_url=…, model=…\)'),
        ("local", {"model": "m", "api": "grpc"}, 'api must be "chat" or "responses"'),
        ("local", {"base_url": "localhost"}, "base URL"),
        ("local", {"model": ""}, "model must be a string that says something"),
        ("local", {"model": "m", "api_key": KEY, "key_file": "k"}, "give one of api_key, key_variable and key_file"),
    ],
)
def test_what_is_no_endpoint_is_refused(name, given, words):
    with pytest.raises(UsageError, match=words) as told:
        nbs.endpoint(name, **given)
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on": "locl"}, "there is no endpoint called locl; did you mean local?"),
        ({"on": "zzz"}, "there is no endpoint called zzz; there are local"),
        ({"on": 7}, "an endpoint is given by its name, not 7"),
        ({"on": "local", "base_url": LOCAL}, "on and base_url both say where to ask; give one of them"),
        ({"on": "local", "api_key": KEY}, "on and api_key both say where to ask; give one of them"),
    ],
)
def test_what_names_no_endpoint_is_refused(options, words):
    nbs.endpoint("local", base_url=LOCAL, model="m")
    with pytest.raises(UsageError) as told:
        resolve("Hi", **options)
    assert str(told.value) == words


def test_the_first_endpoint_is_asked_for():
    with pytest.raises(UsageError, match=r'no endpoint called x; name one with nbs.endpoint\("x", base_url=…\)'):
        resolve("Hi", on="x")
