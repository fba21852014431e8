"""What is known of endpoints, and what is learned."""

from __future__ import annotations

import pytest

from nbstream.settings.capabilities import Capabilities, LearnedCapabilities, capabilities_of

LOCAL = "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("base_url", "api", "model", "needs_key", "limit"),
    [
        ("https://api.openai.com/v1", "responses", "gpt-5-mini", True, "max_completion_tokens"),
        ("https://EU.api.openai.com/v1", "responses", "gpt-5-mini", True, "max_completion_tokens"),
        ("https://me.openai.azure.com/openai/v1/", "chat", None, False, "max_completion_tokens"),
        ("https://me.cognitiveservices.azure.com/openai/v1/", "chat", None, False, "max_completion_tokens"),
        ("https://api.openai.com.evil.example/v1", "chat", None, False, "max_tokens"),
        ("https://myapi.openai.com.example/v1", "chat", None, False, "max_tokens"),
        ("https://notapi.openai.com/v1", "chat", None, False, "max_tokens"),
        ("http://localhost:11434/v1", "chat", None, False, "max_tokens"),
        ("http://[::1]:8000/v1", "chat", None, False, "max_tokens"),
        ("", "chat", None, False, "max_tokens"),
    ],
)
def test_what_is_known_of_a_host(base_url: str, api: str, model: str | None, needs_key: bool, limit: str) -> None:  # noqa: FBT001  a column of the table
    known = capabilities_of(base_url)
    assert (known.default_api, known.default_model, known.needs_key, known.limit_field) == (
        *(api, model, needs_key, limit),
    )


def test_a_field_of_nbstreams_own_is_left_out_or_renamed() -> None:
    some = Capabilities()
    assert some.without("stream_options") == Capabilities(stream_options=False)
    assert some.without("max_tokens") == Capabilities(limit_field="max_completion_tokens")
    assert Capabilities(limit_field="max_completion_tokens").without("max_completion_tokens") == some


@pytest.mark.parametrize("field", ["response_format", "text", "text.format"])
def test_a_schema_is_told_in_three_ways(field: str) -> None:
    any_json = Capabilities().without(field)
    assert any_json == Capabilities(answer_format="json_object")
    words = any_json.without(field)
    assert words == Capabilities(answer_format="text")
    assert words.without(field) is None


@pytest.mark.parametrize("field", ["temperature", "max_completion_tokens", "messages"])
def test_there_is_no_other_way_to_say_what_the_user_asked_for(field: str) -> None:
    assert Capabilities().without(field) is None
    assert Capabilities(stream_options=False).without("stream_options") is None


def test_a_feature_that_is_refused_is_known_to_lack() -> None:
    assert Capabilities().lacking("response_format") == Capabilities(schemas=False)
    assert Capabilities().lacking("text.format") == Capabilities(schemas=False)
    assert Capabilities().lacking("background") == Capabilities(background=False)
    assert Capabilities().lacking("prefill") == Capabilities(prefill=False)
    assert Capabilities().lacking("seed") == Capabilities()


def test_what_is_learned_is_of_one_model_at_one_endpoint() -> None:
    learned = LearnedCapabilities()
    learned.learn(LOCAL, "m", Capabilities(), Capabilities(stream_options=False))
    assert not learned.of(LOCAL, "m").stream_options
    assert learned.of(LOCAL, "other").stream_options
    assert learned.of("http://localhost:8001/v1", "m").stream_options


def test_what_is_learned_adds_to_what_is_known_and_to_what_was_learned_meanwhile() -> None:
    learned, openai = LearnedCapabilities(), "https://api.openai.com/v1"
    known = learned.of(openai, "m")
    learned.learn(openai, "m", known, known.lacking("background"))
    learned.learn(openai, "m", known, known.lacking("response_format"))
    now = learned.of(openai, "m")
    assert (now.background, now.schemas, now.default_api) == (False, False, "responses")
