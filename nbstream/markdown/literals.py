"""The inline constructs whose content is literal: code, math, autolinks, tags, escapes, character references.

They bind tighter than any mark and are read from left to right. What is looked for in vain is not looked for again,
so that a text costs in proportion to its length. Knows nothing of emphasis, links or HTML output.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from typing import Literal, NamedTuple

from nbstream.markdown.scripts import without_spaces
from nbstream.markdown.tex import ENVIRONMENTS

__all__ = ["BARE_URL", "SPECIAL", "Literals", "Span", "balanced", "bare_mail", "bare_url", "escaped_bracket"]

# A set comes first, because that is found fast.
SPECIAL = r"[`\\$&<](?:(?<=`)`*|(?<=\$)\$*|(?<=[\\&<]))"
BARE_URL = r"https?://|www\."

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_BACKTICKS = re.compile(r"`+")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.\-]{1,31}:[^\s<>]*)>")
_AUTOMAIL = re.compile(r"<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*)>")
_TAG = re.compile(
    r"</?[A-Za-z][A-Za-z0-9\-]*(?:\s+[A-Za-z_:][\w:.\-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?)*\s*/?>"
)
# The only elements that a text may have by their tags: what models write for want of Markdown, without attributes.
_ELEMENT = re.compile(r"<(/?)(kbd|sub|sup)>|<br ?/?>", re.IGNORECASE)
# How `words` writes a dollar.
_DOLLAR = "<span>\\$</span>"
_DISPLAY = re.compile(r"\$\$((?:[^$\\`]|\\[^`])+?)\$\$(?!\$)", re.DOTALL)
_INLINE = re.compile(r"\$(?![\s$])((?:[^$\\`]|\\[^`])+?)(?<!\s)\$(?![\d$])", re.DOTALL)
_PAREN = re.compile(r"\\\(((?:(?!\\[()])[^`])+?)\\\)", re.DOTALL)
_BRACKET = re.compile(r"\\\[((?:(?!\\[\[\]])[^`])+?)\\\](?![(\[\]])", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([A-Za-z]+\*?)\}")
_CITATION = re.compile(r"(?:[\d,;\s\u2013\-]+|[A-Za-z]{2,}(?:[ ,;]+(?:[A-Za-z]{2,}|\d+))+)\\\]|[^\\\[\]]*\]")
_AMOUNT = re.compile(r"[\d.,]+\S*(?:\s+|/)[A-Za-z]{2,}[^\\=^_{}]*")
# `$HOME/$USER`, `$FOO$BAR`: variables, where the second name begins at what would be the end of a formula.
_VARIABLES = re.compile(r"\$(?:[^$]*[^\w)\]}'|!$]\$[A-Za-z_{]|[A-Z_][A-Z0-9_]+\$[A-Z_]{2})", re.ASCII)
# How far back a word is looked at that a dollar stands in.
_LONGEST_WORD = 200
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_BARE_DOLLAR = re.compile(r"(?<!\\)\$")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ESCAPED_BRACE = re.compile(r"\\[{}$]|[{}]")
_URL_TRAILING = frozenset("?!.,:*_~'\"")
_REFERENCE_END = re.compile(r"&[A-Za-z0-9]+;\Z")
_LONGEST_REFERENCE = 40
_BEFORE_WWW = frozenset(" \t\n*_~([")
_LOCAL_BACKWARDS = re.compile(r"[A-Za-z0-9.+_\-]*[A-Za-z0-9]")
_LONGEST_LOCAL = 64
_HOST = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)+(?<=[A-Za-z])(?![@A-Za-z0-9_])")
_DOMAIN = re.compile(r"(?:https?://|www\.)(?=[^\s<]*[A-Za-z0-9])[^\s<]+", re.IGNORECASE)


class Span(NamedTuple):
    """A literal construct: `text` is the code, formula, destination or resolved characters it stands for.

    An element is the tag that opens or closes it, in small letters: `<sub>`, `</sub>`, `<br>`.
    """

    kind: Literal["code", "inline", "display", "environment", "url", "mail", "text", "break", "element"]
    text: str
    end: int


class Literals:
    """The literal constructs of one text.

    Args:
        text: The text of a leaf.

    Example:
        >>> Literals("a `b` c").at(2)
        Span(kind='code', text='b', end=5)
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._runs: dict[int, list[int]] | None = None
        self._environments: dict[int, int] | None = None
        self._no_environment = 0  # up to where none is looked for: it would be within one that is none
        self._comment_ends = True

    def at(self, start: int) -> Span | None:
        """Return the construct that starts at `start` (a match of `SPECIAL`), or None if it is plain text."""
        text = self.text
        match text[start]:
            case "`":
                return self._code(start)
            case "$":
                return _dollars(text, start)
            case "\\":
                return self._backslash(start)
            case "&":
                return _reference(text, start)
        return self._angle(start)

    def _code(self, start: int) -> Span:
        text = self.text
        if self._runs is None:
            self._runs = {}
            for run in _BACKTICKS.finditer(text):
                self._runs.setdefault(len(run[0]), []).append(run.start())
        opener = _BACKTICKS.match(text, start)
        width = len(opener[0]) if opener else 1
        inside = start + width
        closers = self._runs.get(width, [])
        closer = bisect_left(closers, inside)
        if closer == len(closers):
            return Span("text", text[start:inside], inside)
        code = text[inside : closers[closer]].replace("\n", " ")
        if code.strip(" ") and code[0] == " " == code[-1]:
            code = code[1:-1]
        return Span("code", code, closers[closer] + width)

    def _angle(self, start: int) -> Span | None:
        text = self.text
        if found := _AUTOLINK.match(text, start):
            return Span("url", found[1], found.end())
        if found := _AUTOMAIL.match(text, start):
            return Span("mail", found[1], found.end())
        if found := _ELEMENT.match(text, start):
            tag = found[0].lower()
            return Span("element", tag if found[2] else "<br>", found.end())
        if text.startswith(_DOLLAR, start):
            return Span("text", "$", start + len(_DOLLAR))
        if text.startswith("<!--", start) and self._comment_ends:
            end = text.find("-->", start + 4)
            self._comment_ends = end >= 0
            return Span("text", text[start : end + 3], end + 3) if end >= 0 else None
        found = _TAG.match(text, start)
        return Span("text", found[0], found.end()) if found else None

    def _backslash(self, start: int) -> Span | None:
        text = self.text
        after = text[start + 1 : start + 2]
        if after == "\n":
            return Span("break", "", start + 2)
        if after in {"(", "["}:
            found = (_PAREN if after == "(" else _BRACKET).match(text, start)
            if (
                found
                and not (after == "[" and escaped_bracket(found[0][2:]))
                and balanced(found[1])
                and not _BARE_DOLLAR.search(found[1])
            ):
                return Span("inline" if after == "(" else "display", found[1], found.end())
        if after == "b" and (environment := self._environment(start)):
            return Span("environment", environment, start + len(environment))
        return Span("text", after, start + 2) if after in _PUNCTUATION and after else None

    def _environment(self, start: int) -> str | None:
        if start < self._no_environment or not self.text.startswith("begin{", start + 1):
            return None
        if self._environments is None:
            self._environments = _environments(self.text)
        end = self._environments.get(start)
        if end is None:
            return None
        environment = self.text[start:end]
        if "`" in environment or "$" in environment or not balanced(environment):
            self._no_environment = end
            return None
        return environment


def _environments(text: str) -> dict[int, int]:
    """Where each environment starts and ends; what is opened within one is closed within it."""
    found: dict[int, int] = {}
    opened: list[tuple[str, int]] = []
    for mark in _ENVIRONMENT.finditer(text):
        if mark[2].rstrip("*") not in ENVIRONMENTS:
            opened.clear()
        elif mark[1] == "begin":
            opened.append((mark[2], mark.start()))
        elif opened and opened[-1][0] == mark[2]:
            found[opened.pop()[1]] = mark.end()
        else:
            opened.clear()
    return found


def _reference(text: str, start: int) -> Span | None:
    found = _REFERENCE.match(text, start)
    value = html.unescape(found[0]) if found else ""
    # An unknown name stays as it is; a control character does not belong in a text.
    if not found or value == found[0]:
        return None
    return Span("text", value if value.isprintable() or value in "\xa0\n\t" else "\ufffd", found.end())


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
    word = text[text.rfind(" ", max(0, start - _LONGEST_WORD), start) + 1 : start][-_LONGEST_WORD:]
    last = word[-1:]
    # A dollar behind a letter opens no formula, unless the script puts no spaces around words.
    if (last.isalnum() and not without_spaces(last)) or "://" in word or "www." in word or "@" in word or last == "$":
        return None
    found = _INLINE.match(text, start)
    if found is None or not balanced(found[1]) or _AMOUNT.fullmatch(found[1]) or _VARIABLES.match(text, start):
        return None
    return Span("inline", found[1], found.end())


def escaped_bracket(text: str) -> bool:
    r"""Whether `text`, behind `\[`, shows that a bracket was meant, not a formula: `\[1\]`, `\[see here\]`, `\[x]`."""
    return _CITATION.match(text) is not None


def bare_url(text: str, start: int) -> str | None:
    """Return the `https://…` or `www.…` that GitHub would make a link of at `start`, without trailing punctuation."""
    before = text[start - 1 : start]
    if before and (before not in _BEFORE_WWW if text[start] == "w" else before.isalpha()):
        return None
    found = _DOMAIN.match(text, start)
    if found is None:
        return None
    url = found[0]
    end = len(url)
    unopened = url.count(")") - url.count("(")
    in_brackets = "[" in url
    while end:
        last = url[end - 1]
        if last == ")" and unopened > 0:
            unopened -= 1
            end -= 1
        elif (last == "]" and not in_brackets) or last in _URL_TRAILING:
            end -= 1
        elif last == ";" and (reference := _REFERENCE_END.search(url, max(0, end - _LONGEST_REFERENCE), end)):
            end = reference.start()
        else:
            break
    return url[:end] or None


def bare_mail(text: str, at: int) -> tuple[int, int] | None:
    """Return where the mail address with its `@` at `at` starts and ends, if GitHub would make a link of it."""
    host = _HOST.match(text, at + 1)
    if host is None:
        return None
    first = max(0, at - _LONGEST_LOCAL)
    local = _LOCAL_BACKWARDS.match(text[first:at][::-1])
    start = at - local.end() if local else at
    return None if start == at or start == first > 0 else (start, host.end())
