"""The grammar of link destinations, titles and labels, and which destinations are allowed at all.

An allow-list: only http and https to another machine and mailto are destinations. What names no server is an address on
the Jupyter server, in the reader's session, where opening one can do things: `/logout` does.
Knows nothing of HTML or of what is done with a link.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Literal, NamedTuple, TypeAlias

__all__ = [
    "Images",
    "Target",
    "image_note",
    "inline_target",
    "is_remote",
    "label_at",
    "labels_in",
    "normalise",
    "safe_url",
    "title_at",
    "unescape",
    "url_at",
]

Images: TypeAlias = Literal["link", "allow"]
"""Whether an image is a link that says so, or loaded if that is by http or https."""

_DEEPEST = 32
_SPACE = re.compile(r"[ \t]*(?:\n[ \t]*)?")
# Runs of what means nothing are taken at once, which is ten times as fast.
_POINTY = re.compile(r"<([^<>\n\\]*(?:\\.[^<>\n\\]*)*)>")
_BARE = re.compile(r"[()]|(?:[^ \t\n\\()]|\\[^ \t\n]|\\(?=[ \t\n]|\Z))+")
_TITLE = re.compile(
    r""""[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|\([^()\\]*(?:\\.[^()\\]*)*\)""",
    re.DOTALL,
)
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){1,999})\]", re.DOTALL)
_ESCAPE = re.compile(r"""\\([!-/:-@\[-`{-~])|(&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});)""")
_MAIL = re.compile(r"mailto:[^\s\\<>\"`@?]+@[\w%-]+(?:\.[\w%-]+)+(?:\?\S*)?", re.IGNORECASE)
_WEB = re.compile(r"https?://([^\s/?#\\@:<>\"^`{|}%\[\]]+)(?::[0-9]{1,5})?(?=[/?#]|\Z)", re.IGNORECASE)
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Of names that only mean something on this machine, or in the network that it is in.
_OWN = frozenset({"localhost", "local", "localdomain", "internal", "home", "lan", "test"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE = re.compile(r"""[^A-Za-z0-9\-._~:/?#@!&'*+,;=%]|%(?![0-9A-Fa-f]{2})|@(?=@)|&(?=#?\w+;)|['*]""")


class Target(NamedTuple):
    """Where a link leads: the destination as read, not yet judged, its title and where the construct ends."""

    url: str
    title: str
    end: int


def unescape(text: str) -> str:
    """Return `text` with backslash escapes and character references resolved."""
    return _ESCAPE.sub(lambda found: found[1] or html.unescape(found[2]), text)


def normalise(label: str) -> str:
    """Return the form in which two labels are compared."""
    return " ".join(label.split()).casefold()


def safe_url(url: str) -> str | None:
    r"""Return `url` percent-encoded to a form that no parser can take for anything else, or None if it is not allowed.

    Example:
        >>> safe_url("https://example.com/a b")
        'https://example.com/a%20b'
        >>> [safe_url(url) for url in ("javascript:alert(1)", "/logout", "http://localhost:8888/lab")]
        [None, None, None]
    """
    url = url.strip()
    if _CONTROL.search(url):
        return None
    web = _WEB.match(url)
    if not (_MAIL.fullmatch(url) if web is None else _is_foreign(web[1])):
        return None
    return _UNSAFE.sub(_percent, url)


def _is_foreign(host: str) -> bool:
    """Whether a host has a name elsewhere: no address, and no name of this machine or its own network.

    The Jupyter server is often there. As browsers read it (https://url.spec.whatwg.org/#host-parsing): compatible
    characters are one, and a name whose last part is a number is an address.
    """
    name = _DOTS.sub(".", unicodedata.normalize("NFKC", host)).casefold().removesuffix(".")
    *front, last = name.split(".")
    if not front or not all(front) or not re.fullmatch(r"[\w.\-]+", name):
        return False
    return bool(last) and last not in _OWN and not _NUMBER.fullmatch(last)


def is_remote(url: str) -> bool:
    """Whether `url` is loaded by http or https, from a server that it names: all an image may be loaded from."""
    return url.lower().startswith(("http://", "https://"))


def image_note(alt: str) -> str:
    """Return the words that stand for an image which is not loaded."""
    return f"image not loaded: {alt}" if alt else "image not loaded"


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))


def label_at(text: str, start: int) -> re.Match[str] | None:
    """Return the match of a link label (`[…]`, group 1 its content) at `start`."""
    found = _LABEL.match(text, start)
    return found if found and found[1].strip() else None


def labels_in(text: str) -> set[str]:
    """Return what stands in brackets in a text, in the form in which labels are compared."""
    return {normalise(unescape(label)) for label in _LABEL.findall(text)}


def url_at(text: str, start: int) -> tuple[str, int] | None:
    """Return the destination that starts at `start` and where it ends, or None."""
    if found := _POINTY.match(text, start):
        return unescape(found[1]), found.end()
    if text.startswith("<", start):
        return None
    depth, position = 0, start
    while found := _BARE.match(text, position):
        position = found.end()
        if found[0] == "(":
            depth += 1
            if depth > _DEEPEST:  # as GitHub does; without a limit, `[a](` over and over costs its length squared
                return None
        elif found[0] == ")":
            if not depth:
                position -= 1
                break
            depth -= 1
    return None if depth or position == start else (unescape(text[start:position]), position)


def title_at(text: str, start: int) -> tuple[str, int] | None:
    """Return the title (`"…"`, `'…'` or `(…)`) that starts at `start` and where it ends, or None."""
    found = _TITLE.match(text, start)
    if found is None or re.search(r"\n[ \t]*\n", found[0]):
        return None
    return unescape(found[0][1:-1]), found.end()


def inline_target(text: str, start: int) -> Target | None:
    """Return the target of an inline link whose `(` is at `start`, or None."""
    if not text.startswith("(", start) or text.find(")", start) < 0:
        return None
    position = _skip_space(text, start + 1)
    if text.startswith(")", position):
        return Target("", "", position + 1)
    read = url_at(text, position)
    if read is None:
        return None
    url, position = read
    after = _skip_space(text, position)
    title = title_at(text, after) if after > position else None
    if title is not None:
        after = _skip_space(text, title[1])
    if not text.startswith(")", after):
        return None
    return Target(url, title[0] if title else "", after + 1)


def _skip_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start
