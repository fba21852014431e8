"""The inline constructs whose content is literal: code, math, autolinks, tags, escapes, character references.

They bind tighter than any mark and are read from left to right. Knows nothing of emphasis, links or HTML output.
"""

from __future__ import annotations

import html
import re
from typing import Literal, NamedTuple

__all__ = ["BARE_URL", "SPECIAL", "Span", "balanced", "bare_mail", "bare_url", "escaped_bracket", "span_at"]

SPECIAL = r"`+|\\|\$+|&|<"
BARE_URL = r"https?://|www\."

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_BACKTICKS = re.compile(r"`+")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.\-]{1,31}:[^\s<>]*)>")
_AUTOMAIL = re.compile(r"<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*)>")
_TAG = re.compile(
    r"</?[A-Za-z][A-Za-z0-9\-]*(?:\s+[A-Za-z_:][\w:.\-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?)*\s*/?>"
    r"|<!--(?:(?!-->).)*-->",
    re.DOTALL,
)
_DISPLAY = re.compile(r"\$\$((?:[^$\\`]|\\[^`])+?)\$\$(?!\$)", re.DOTALL)
_INLINE = re.compile(r"\$(?![\s$])((?:[^$\\`]|\\[^`])+?)(?<!\s)\$(?![\d$])", re.DOTALL)
_PAREN = re.compile(r"\\\(((?:(?!\\[()])[^`])+?)\\\)(?![(\[:])", re.DOTALL)
_BRACKET = re.compile(r"\\\[((?:(?!\\[\[\]])[^`])+?)\\\](?![(\[\]:])", re.DOTALL)
_BEGIN = re.compile(r"\\begin\{([A-Za-z]+\*?)\}")
_CITATION = re.compile(r"(?:[\d,;\s\u2013\-]+|[A-Za-z]{2,}(?:[ ,;]+(?:[A-Za-z]{2,}|\d+))+)\\\]|[^\\\[\]]*\]")
_AMOUNT = re.compile(r"[\d.,]+\S*(?:\s+|/)[A-Za-z]{2,}[^\\=^_{}]*")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ESCAPED_BRACE = re.compile(r"\\[{}$]|[{}]")
_URL_END = re.compile(r"[?!.,:*_~'\"]+$|&[A-Za-z0-9]+;$")
_BEFORE_WWW = frozenset(" \t\n*_~([")
_LOCAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_\-]*\Z")
_LONGEST_LOCAL = 64
_HOST = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)+(?<=[A-Za-z])(?![@A-Za-z0-9_])")
_DOMAIN = re.compile(r"(?:https?://|www\.)(?=[^\s<]*[A-Za-z0-9])[^\s<]+", re.IGNORECASE)


class Span(NamedTuple):
    """A literal construct: `text` is the code, formula, destination or resolved characters it stands for."""

    kind: Literal["code", "math", "display", "environment", "url", "mail", "text", "break"]
    text: str
    end: int


def span_at(text: str, start: int) -> Span | None:
    """Return the literal construct that starts at `start` (a match of `SPECIAL`), or None if it is plain text."""
    ch = text[start]
    if ch == "`":
        return _code(text, start)
    if ch == "$":
        return _dollars(text, start)
    if ch == "\\":
        return _backslash(text, start)
    if ch == "&":
        found = _REFERENCE.match(text, start)
        value = html.unescape(found[0]) if found else ""
        # An unknown name stays as it is; a control character does not belong in a text.
        if not found or value == found[0]:
            return None
        return Span("text", value if value.isprintable() or value in "\xa0\n\t" else "\ufffd", found.end())
    if found := _AUTOLINK.match(text, start):
        return Span("url", found[1], found.end())
    if found := _AUTOMAIL.match(text, start):
        return Span("mail", found[1], found.end())
    found = _TAG.match(text, start)
    return Span("text", found[0], found.end()) if found else None


def _code(text: str, start: int) -> Span:
    run = _BACKTICKS.match(text, start)
    width = len(run[0]) if run else 1
    inside = start + width
    for closer in _BACKTICKS.finditer(text, inside):
        if len(closer[0]) == width:
            code = text[inside : closer.start()].replace("\n", " ")
            if code.strip(" ") and code[0] == " " == code[-1]:
                code = code[1:-1]
            return Span("code", code, closer.end())
    return Span("text", text[start:inside], inside)


def balanced(formula: str) -> bool:
    """Whether the braces of a formula pair up and no blank line is in it: all parsers agree where such math ends."""
    # TeX reads `\\\\{` as a line break and a brace, JupyterLab as an escaped brace: both readings must agree.
    return (
        formula.count("\\begin{") == formula.count("\\end{")
        and _paired(_BRACE.findall(formula))
        and _paired(_ESCAPED_BRACE.findall(formula))
        and not _BLANK_LINE.search(formula)
    )


def _paired(braces: list[str]) -> bool:
    depth = 0
    for brace in braces:
        depth += (brace == "{") - (brace == "}")
        if depth < 0:
            return False
    return not depth


def _dollars(text: str, start: int) -> Span | None:
    found = _DISPLAY.match(text, start)
    if found and found[1].strip() and balanced(found[1]):
        return Span("display", found[1], found.end())
    before = text[text.rfind(" ", 0, start) + 1 : start]
    if before[-1:].isalnum() or "://" in before or "www." in before or "@" in before or before.endswith("$"):
        return None
    found = _INLINE.match(text, start)
    if found is None or not balanced(found[1]) or _AMOUNT.fullmatch(found[1]):
        return None
    return Span("math", found[1], found.end())


def _backslash(text: str, start: int) -> Span | None:
    after = text[start + 1 : start + 2]
    if after == "\n":
        return Span("break", "", start + 2)
    if after in {"(", "["}:
        if text.endswith("](", 0, start):
            return Span("text", after, start + 2)  # the destination of a link
        found = (_PAREN if after == "(" else _BRACKET).match(text, start)
        if (
            found
            and not (after == "[" and escaped_bracket(found[0][2:]))
            and balanced(found[1])
            and "$" not in found[1]
        ):
            return Span("math" if after == "(" else "display", found[1], found.end())
    if after == "b" and (environment := _environment(text, start)):
        return Span("environment", environment, start + len(environment))
    return Span("text", after, start + 2) if after in _PUNCTUATION and after else None


def escaped_bracket(text: str) -> bool:
    r"""Whether `text`, behind `\[`, shows that a bracket was meant, not a formula: `\[1\]`, `\[see here\]`, `\[x]`."""
    return _CITATION.match(text) is not None


def _environment(text: str, start: int) -> str | None:
    found = _BEGIN.match(text, start)
    end = text.find(f"\\end{{{found[1]}}}", found.end()) if found else -1
    if found is None or end < 0:
        return None
    environment = f"{text[start:end]}\\end{{{found[1]}}}"
    return None if "`" in environment or "$" in environment or not balanced(environment) else environment


def bare_url(text: str, start: int) -> str | None:
    """Return the `https://…` or `www.…` that GitHub would make a link of at `start`, without trailing punctuation."""
    found = _DOMAIN.match(text, start)
    before = text[start - 1 : start]
    if found is None or (before not in _BEFORE_WWW if text[start] == "w" and before else before.isalpha()):
        return None
    url = found[0]
    while url:
        if (url[-1] == ")" and url.count(")") > url.count("(")) or (url[-1] == "]" and "[" not in url):
            url = url[:-1]
        elif end := _URL_END.search(url):
            url = url[: end.start()]
        else:
            break
    return url or None


def bare_mail(text: str, at: int) -> tuple[int, int] | None:
    """Return where the mail address with its `@` at `at` starts and ends, if GitHub would make a link of it."""
    host = _HOST.match(text, at + 1)
    first = max(0, at - _LONGEST_LOCAL)
    local = _LOCAL.search(text, first, at) if host else None
    return None if host is None or local is None or local.start() == first > 0 else (local.start(), host.end())
