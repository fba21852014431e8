"""Keys and card numbers in a text, by their common formats. Pure. It finds what looks like one, and misses others.

Sources: the providers' own descriptions of their keys' prefixes; ISO/IEC 7812-1 for card numbers and their check digit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Found", "secrets_in", "told"]

_MOST = 5

_KEYS = (
    ("an Anthropic key", r"sk-ant-[\w-]{20,}"),
    ("an OpenRouter key", r"sk-or-[\w-]{20,}"),
    ("an OpenAI key", r"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,}"),
    ("an AWS access key", r"(?:AKIA|ASIA)[0-9A-Z]{16}"),
    ("a GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}"),
    ("a GitLab token", r"glpat-[\w-]{20,}"),
    ("a Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Google key", r"AIza[\w-]{35}"),
    ("a Stripe key", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("a Hugging Face token", r"hf_[A-Za-z0-9]{30,}"),
    ("a Groq key", r"gsk_[A-Za-z0-9]{40,}"),
    ("an xAI key", r"xai-[A-Za-z0-9]{40,}"),
    ("an npm token", r"npm_[A-Za-z0-9]{36}"),
    ("a PyPI token", r"pypi-AgEI[\w-]{40,}"),
    ("a SendGrid key", r"SG\.[\w-]{20,24}\.[\w-]{40,}"),
    ("an Azure storage key", r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"),
    ("a signed token (JWT)", r"(?<!-)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
)
# Without one of these there is no key, which is found out much faster.
_SIGNS = (
    *("sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza", "k_live_"),
    *("k_test_", "hf_", "gsk_", "xai-", "npm_", "pypi-", "SG.", "AccountKey=", "eyJ"),
)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_ANY = "|".join(rf"(?P<k{number}>{pattern})" for number, (_, pattern) in enumerate(_KEYS))
_KEY = re.compile(rf"(?<![A-Za-z0-9_])(?:{_ANY})")
_CARD = re.compile(r"(?<![A-Za-z0-9_.,/-])\d(?:[ -]?\d){12,18}(?![A-Za-z0-9_-])(?![.,]\d)")

# The beginnings of cards' numbers, and how many digits these have.
_ISSUERS = (
    (r"4", (13, 16, 19)),  # Visa
    (r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"6(?:011|5|4[4-9])", (16, 19)),  # Discover
    (r"3(?:0[0-5]|[689])", (14, 16, 19)),  # Diners Club
    (r"35(?:2[89]|[3-8])", (16, 19)),  # JCB
    (r"62|81", (16, 17, 18, 19)),  # UnionPay
)
_FEWEST_DIFFERENT = 8  # a placeholder repeats itself


class Found(NamedTuple):
    """What looks like a secret.

    Attributes:
        kind: What it looks like, with its article.
        shown: Enough of it to find it, and no more.
    """

    kind: str
    shown: str


def secrets_in(text: str) -> list[Found]:
    """What looks like a key or a card number, each once, the first few.

    Args:
        text: The text.

    Example:
        >>> secrets_in("Pay with 4111 1111 1111 1111.")
        [Found(kind='a card number', shown='…1111')]
        >>> secrets_in("The order 1234567890123456, and sk-xxxxxxxxxxxxxxxxxxxxxxxx.")
        []
    """
    found = dict.fromkeys(_found(text))
    return list(found)[:_MOST]


def told(found: list[Found]) -> str:
    """What was found, in words.

    Example:
        >>> told([Found("a card number", "…1111"), Found("a private key", "")])
        'a card number (…1111) and a private key'
    """
    named = [f"{each.kind} ({each.shown})" if each.shown else each.kind for each in found]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _found(text: str) -> Iterator[Found]:
    for match in _KEY.finditer(text) if any(sign in text for sign in _SIGNS) else ():
        key = match.group()
        if _is_random(key):
            kind = _KEYS[int(str(match.lastgroup)[1:])][0]
            yield Found(kind, f"{key[:4]}…{key[-4:]}")
    if _PRIVATE_KEY.search(text):
        yield Found("a private key", "")
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _is_card(digits):
            yield Found("a card number", f"…{digits[-4:]}")


def _is_random(key: str) -> bool:
    """Whether it is no placeholder and no name."""
    return len(set(key)) >= _FEWEST_DIFFERENT and any(map(str.isdigit, key)) and any(map(str.isalpha, key[4:]))


def _is_card(digits: str) -> bool:
    if not any(len(digits) in lengths and re.match(begin, digits) for begin, lengths in _ISSUERS):
        return False
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return len(set(digits)) > 1 and sum(sum(divmod(value, 10)) for value in doubled) % 10 == 0
