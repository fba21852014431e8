"""What a list says of a prompt: its beginning, and nothing of a secret."""

from __future__ import annotations

from typing import Any

import pytest

from nbstream.many.background.asked import first_words, shown_prompt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (" One\n two\t three ", "One two three"),
        ("x" * 60, "x" * 60),
        ("x" * 61, f"{'x' * 59}…"),
        (f"short {'y' * 90}", f"short {'y' * 53}…"),
        (f"{'word ' * 11}last words", f"{'word ' * 10}word last…"),
    ],
)
def test_the_beginning_is_one_line_of_at_most_sixty_characters(text: str, shown: str) -> None:
    assert first_words(text) == shown
    assert len(shown) <= 60


def test_of_a_conversation_it_is_the_last_question(make_request: Any) -> None:
    said = (
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "2?"},
    )
    assert shown_prompt(make_request(messages=said, system="Be terse.")) == "2?"


def test_a_prompt_with_a_secret_is_not_shown(make_request: Any) -> None:
    key = "sk-proj-Ab3dEf6hIj9kLm2nOp5q"
    asked = make_request(messages=({"role": "user", "content": f"{'Is this mine? ' * 5}{key}"},), allow_secrets=True)
    assert shown_prompt(asked) == "(a prompt that seems to hold a secret)"
