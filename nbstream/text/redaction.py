"""Takes a key out of text that may repeat it: whole, half of it, or encoded. Pure."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Redaction"]

_MASK = "<key>"
_DUMMY_LENGTH, _SECRET_LENGTH = 8, 16
_SHORTEST_PIECE, _LONGEST_PIECE = 8, 16


class Redaction:
    """Makes text fit to be shown: without characters that act, and without a key.

    A key shorter than 16 characters is a local server's dummy, often a common word, so it is taken out only as a whole
    and where it stands alone. Of a longer one also half of it is taken out, and what it is backwards, in base64 and
    base32, in hexadecimal digits, in a URL, and escaped as in JSON and HTML.

    Args:
        key: The key; an empty one is in no text.
        others: What takes out other secrets besides.

    Example:
        >>> redaction = Redaction("sk-0123456789abcdef")
        >>> redaction("key sk-0123456789abcdef"), redaction("req_56789abcdef"), redaction("a good id")
        ('key <key>', 'req_<key>', 'a good id')
    """

    def __init__(self, key: str, others: Iterable[Redaction] = ()) -> None:
        self._others = tuple(others)
        self._dummy: re.Pattern[str] | None = None
        self._pieces: frozenset[str] = frozenset()
        self._shreds: frozenset[str] = frozenset()
        self._length = max(_SHORTEST_PIECE, min(_LONGEST_PIECE, len(key) // 2))
        self._shred_length = (self._length + 1) // 2
        if len(key) >= _SECRET_LENGTH:
            forms = [form.lower() for form in _forms(key)]
            self._pieces = frozenset(piece for form in forms for piece in _cut(form, self._length))
            self._shreds = frozenset(shred for form in forms for shred in _cut(form, self._shred_length))
        elif len(key) >= _DUMMY_LENGTH:
            self._dummy = re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])")

    def __call__(self, text: str) -> str:
        """The text, fit to be shown."""
        return self._masked(plain(encodable(text)))  # what is taken out first might have stood between two halves

    def without_key(self, text: str) -> str:
        """The text as it is, unless it holds the key."""
        shown = plain(encodable(text))
        masked = self._masked(shown)
        return text if masked == shown else masked

    def _masked(self, text: str) -> str:
        for other in self._others:
            text = other._masked(text)  # noqa: SLF001  another of this class
        if self._dummy is not None:
            return self._dummy.sub(_MASK, text)
        return self._without_pieces(text) if self._may_hold(text) else text

    def __repr__(self) -> str:
        return "<Redaction>"  # it holds the key in pieces

    def _may_hold(self, text: str) -> bool:
        """Whether a shred of the key is where every piece of it would have one: most texts are done with then."""
        size, folded = self._shred_length, _folded(text)
        step = self._length - size + 1
        shreds = self._shreds
        return len(text) >= self._length and any(
            folded[at : at + size] in shreds for at in range(0, len(folded) - size + 1, step)
        )

    def _without_pieces(self, text: str) -> str:
        folded, size, pieces = _folded(text), self._length, self._pieces
        kept: list[str] = []
        at = end = 0
        for at in range(len(folded) - size + 1):
            if folded[at : at + size] in pieces:
                if at > end or not kept:
                    kept += [text[end:at], _MASK]
                end = at + size
        return _PADDED.sub(_MASK, "".join([*kept, text[end:]]))


def _folded(text: str) -> str:
    """The text in small letters, each character in its place."""
    folded = text.lower()
    return folded if len(folded) == len(text) else "".join(each.lower()[:1] for each in text)


def _forms(key: str) -> Iterator[str]:
    """The key as it is, and in the encodings in which servers repeat it."""

    def quoted(text: str) -> str:
        return "".join(f"%{byte:02x}" for byte in text.encode())

    yield key
    yield quote(key, safe="")
    yield "".join(each if each.isalnum() else quoted(each) for each in key)  # stricter than has to be
    yield "".join(map(quoted, key))
    yield key[::-1]
    yield key.encode().hex()
    yield base64.b32encode(key.encode()).decode().rstrip("=")
    yield "".join(f"\\u{ord(each):04x}" for each in key)
    yield "".join(f"&#{ord(each)};" for each in key)
    for shift in range(3):  # where it begins within a group of three bytes
        coded = base64.b64encode(b"\0" * shift + key.encode()).decode().rstrip("=")
        inner = coded[(0, 2, 3)[shift] :]
        yield inner
        yield inner.translate(_URL_SAFE)


_PADDED = re.compile(rf"{_MASK}(?:=|%3[dD])+")
_URL_SAFE = str.maketrans("+/", "-_")


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(len(text) - size + 1))
