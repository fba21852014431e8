"""Tokens: nothing lost, about the right size, no visible character cut."""

import pytest

from nbstream.demo.answers import _text
from nbstream.demo.tokens import split


def test_words_take_their_space_along():
    assert split("Streaming answers, in place.") == ["Stream", "ing", " answer", "s", ",", " in", " place", "."]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\n\n",
        "a  b\t\tc",
        "snake_case __init__",
        "1234567.89",
        "\r\n\r\n x",
        "\x00\u2028\ud800",
        "```py\nx = 1\n```\n",
    ],
)
def test_joined_again_they_are_the_text(text):
    assert "".join(split(text)) == text


@pytest.mark.parametrize(
    "character",
    [
        "e\u0301",  # a letter and its accent
        "\U0001f469\u200d\U0001f680",  # an astronaut: two emoji and a joiner
        "\U0001f44d\U0001f3fd",  # a hand and its skin tone
        "\U0001f1f3\U0001f1ff",  # a flag
        "\u2764\ufe0f",  # a heart and a variation selector
        "\u1112\u1161\u11ab",  # a Korean syllable in parts
        "\u0928\u093f",  # a Hindi consonant and its vowel sign
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",  # a flag spelled with tags
        "\r\n",
    ],
)
def test_a_visible_character_stays_whole(character):
    for before in range(8):  # wherever the cuts of the text before it fall
        text = "x" * before + character * 5
        boundaries = {sum(map(len, split(text)[:count])) for count in range(len(text) + 1)}
        allowed = set(range(before)) | {before + len(character) * count for count in range(6)}
        assert boundaries <= allowed


def test_english_tokens_have_about_four_characters():
    text = _text("long")
    assert 3.5 < len(text) / len(split(text)) < 5
