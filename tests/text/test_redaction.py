"""A key is taken out of what a server says: whole, in halves, encoded, with characters in between that vanish."""

from __future__ import annotations

import base64
import random
from urllib.parse import quote

import pytest

from nbstream.text.redaction import Redaction

KEYS = [
    "sk-test-0123456789abcdef",
    "sk-proj-"
    + "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", k=156)),
    "AbC/dEf+0123=456/789+xyz",
    "sixteen-letters-",
]
ENCODERS = {
    "as it is": lambda key: key,
    "in a URL": lambda key: quote(key, safe=""),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64, after a user": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64, after another": lambda key: base64.b64encode(f"me:{key}:x".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "in capitals": str.upper,
    "with capitals and small letters swapped": str.swapcase,
    "backwards": lambda key: key[::-1],
    "base32": lambda key: base64.b32encode(key.encode()).decode(),
    "escaped as in JSON": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "escaped as in HTML": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "the first half": lambda key: key[: len(key) // 2],
    "the second half": lambda key: key[len(key) // 2 :],
    "half in base64": lambda key: base64.b64encode(key[: len(key) // 2 + 4].encode()).decode(),
    "with a NUL": lambda key: f"{key[:9]}\0{key[9:]}",
    "with escapes": lambda key: "\x1b".join([key[: len(key) // 2], key[len(key) // 2 :]]),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", ENCODERS)
def test_no_echo_is_left(key: str, how: str) -> None:
    echo = ENCODERS[how](key)
    redaction = Redaction(key)
    for text in (echo, f"req_{echo}", f"{echo}-1", f"Invalid key: {echo}. " * 3, "x" * 999 + echo):
        shown = redaction(text)
        assert "<key>" in shown
        pieces = {echo[at : at + 8].lower() for at in range(len(echo) - 7)} - {"\0", "\x1b"}
        left = [piece for piece in pieces if piece in shown.lower()]
        assert len(left) <= 8, (shown, left)
        assert redaction.without_key(text) == shown


@pytest.mark.parametrize("text", ["", "sk-", "sk-proj-", "a good id", "chatcmpl-1234567890", "İİİ sk-test", "é" * 100])
def test_other_text_stays(text: str) -> None:
    for key in KEYS:
        assert Redaction(key)(text) == text


def test_a_text_without_the_key_keeps_its_controls_where_that_is_asked_for() -> None:
    redaction = Redaction(KEYS[0])
    assert redaction("a\x1b[31m\r\nb") == "a␛[31m\nb"
    assert redaction.without_key("a\x1b[31m\r\nb") == "a\x1b[31m\r\nb"


def test_a_dummy_is_taken_out_only_where_it_stands_alone() -> None:
    redaction = Redaction("lm-studio")
    assert redaction("key lm-studio; lm-studio-1 and my-lm-studio") == "key <key>; lm-studio-1 and my-lm-studio"
    assert Redaction("ollama")("ollama") == "ollama"
    assert Redaction("")("anything") == "anything"


def test_it_shows_nothing_of_the_key() -> None:
    assert repr(Redaction(KEYS[0])) == "<Redaction>"
