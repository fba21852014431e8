"""Words as Markdown: characters that stand for themselves, and mean nothing else to any parser.

Stated as what may pass: letters, digits, white space and the punctuation that no parser reads as anything else stand as
they are. Everything else is escaped, or parted by a word joiner (U+2060, which is shown as nothing) where parsers
disagree about escapes. Among the parsers are those of documentation tools that notebooks are fed to: pandoc, MyST,
reStructuredText, Python-Markdown, templates. Knows nothing of marks or blocks.
"""

from __future__ import annotations

import re

from nbstream.markdown.formulas import defuse_commands
from nbstream.markdown.source import JOINER

__all__ = ["escaped", "is_plain", "line_start", "words"]

# Every character that is special to some Markdown parser; a backslash before it makes it literal in all.
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+.!|<>~$&-])")
# What some parser may read as more than itself, and where.
_SPECIAL = re.compile(
    r"[\\`<$^{\[\]]"
    r"|(?<!\s)[*~]|[*~](?!\s)"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|&(?=#?\w+;)"
    r"|=(?==)|>(?=!)|!(?=\[)|(?<=[Ww]{3})\.|@(?=\S)"
    # A scheme: reStructuredText and others make links of what is behind it, whatever it is.
    r"|(?<=[A-Za-z0-9+.\-]):(?=[^\s:])"
    r"|(?<![A-Za-z0-9:]):(?=[a-z_][a-z0-9_+\-]*:)"  # an emoji
)
# Every character in these: a set alone is found fast.
_MAY_BE_SPECIAL = re.compile(r"[\\`<$^{\[\]*~_&=>!@:.]")
_IN_PROSE = re.compile(r"[\\`<$^{\[\]*~_&=>!@:|\n]")
_NONE: frozenset[int] = frozenset()
_WRITTEN = {"<": "&lt;", "`": "&#96;", "&": "&amp;", ">": "&gt;", "]": "&#93;"}
# A character reference may stand for a line end.
_BLANK_LINES = re.compile(r"\n\s*\n")
# Front ends look for formulas in what has been parsed, where an escape is gone; not beyond an element.
_PAIRED_DOLLAR = "<span>\\$</span>"
_EMOJI = re.compile(r"(?<![A-Za-z0-9:]):[a-z_]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+\Z")
_LONGEST_SCHEME = 40
_BRACKETS = re.compile(r"[\[\]]")
# What may stand behind a bracket that is no link, so that it is none elsewhere either.
_HARMLESS_NEXT = re.compile(r"[\w\s.,;?)]|\Z")
_WORD = re.compile(r"[A-Za-z0-9 \u00a0-\U0010ffff]")
# What opens or closes a formula for a page that looks for them.
_BRACKET_OF_MATH = re.compile(r"(\\\\|&#92;)(?=[()\[\]]|&#9[13];|\\\[)")

_LINE_START = re.compile(
    r"(?P<number>\d{1,9})(?=[.)](?:\s|$))"
    r"|(?P<apart>(?=\.\.|:\S|:::))"
    r"|(?=#|[-+*](?:\s|$)|>|~\s|[=\-]+\s*$|(?P<rule>[-*_])[ \t]*(?:(?P=rule)[ \t]*){2,}$|:\s|!(?!\[)|\?\?\?|%|\+\+\+"
    r"|\[TOC\]|\[[ xX]\](?:\s|$)|\([^)]*\)=)"
)


def escaped(words: str) -> str:
    r"""Return plain words as Markdown, in which they stay literal.

    Example:
        >>> print(escaped("*not* emphasis"))
        \*not\* emphasis
        >>> print(escaped("$5 or $6"))
        <span>\$</span>5 or <span>\$</span>6
    """
    markdown = _MARKDOWN_SPECIAL.sub(r"\\\1", words)
    return markdown.replace("\\$", _PAIRED_DOLLAR) if words.count("$") > 1 else markdown


def is_plain(text: str) -> bool:
    """Whether a text has no character that could mean anything, as most have.

    Example:
        >>> is_plain("Some words, and more."), is_plain("a_b")
        (True, False)
    """
    return not _IN_PROSE.search(text) and "www." not in text.lower()


def words(text: str, *, bare: frozenset[str] = frozenset(), before_link: bool = True, in_table: bool = False) -> str:
    r"""Return characters so that they stand for themselves only.

    Args:
        text: What stands in one place; it may go on over several lines.
        bare: Delimiters of which there is only one around, so that it can pair with none.
        before_link: Whether a bracket may stand behind it.
        in_table: Whether it stands in a table, where no `|` may be bare.

    Example:
        >>> print(words("a_b [1] costs $5 & <b>", bare=frozenset("$")))
        a_b [1] costs \$5 & &lt;b>
    """
    if is_plain(text):
        return text
    brackets = _bare_brackets(f"{text}[" if before_link else text) if "]" in text else _NONE

    def written(found: re.Match[str]) -> str:
        ch, at = found[0], found.start()
        if not _SPECIAL.match(text, at):
            return ch
        if ch == "$":
            return "\\$" if ch in bare else _PAIRED_DOLLAR
        if at in brackets or (ch in bare and text[at + 1 : at + 2] != "[" and text[at - 1 : at] != "["):
            return ch
        if ch == "\\":
            return "\\\\" if _WORD.match(text, at + 1) else "&#92;"
        if ch == ":":
            is_scheme = _SCHEME.search(text, max(0, at - _LONGEST_SCHEME), at)
            return f"{JOINER}:" if is_scheme else f":{JOINER}" if _EMOJI.match(text, at) else ch
        if ch == "@":
            # JupyterLab marks formulas by their numbers, as in `@@0@@`; some make mail addresses of what is escaped.
            apart = "" if text[at - 1 : at] == JOINER or text[at - 1 : at].isspace() else JOINER
            return f"@{JOINER}" if text[at + 1] == "@" else f"{apart}\\@"
        if ch == "{" and text[at + 1 : at + 2] == "%":
            return f"\\{{{JOINER}"
        return _WRITTEN.get(ch, f"\\{ch}")

    text = _BLANK_LINES.sub("\n", text)
    safe = _BRACKET_OF_MATH.sub(rf"\1{JOINER}", _MAY_BE_SPECIAL.sub(written, text))
    safe = defuse_commands(safe)
    return safe.replace("|", "\\|") if in_table else safe


def _bare_brackets(text: str) -> set[int]:
    """Where brackets stand that are no link in any parser."""
    bare: set[int] = set()
    opened: list[int] = []
    for found in _BRACKETS.finditer(text):
        at = found.start()
        if found[0] == "[":
            opened.append(at)
        elif opened:
            opener = opened.pop()
            acts = text[opener + 1] == "!" or text[opener : at + 1] == "[TOC]"  # `[!NOTE]` is an alert
            if _HARMLESS_NEXT.match(text, at + 1) and text[opener - 1 : opener] != "!" and not acts:
                bare |= {opener, at}
    return bare


def line_start(line: str) -> str:
    r"""Return a line of a paragraph so that no parser takes it for the start of another block.

    Example:
        >>> print(line_start("# not a heading"), line_start("1. not a list"))
        \# not a heading 1\. not a list
    """
    if line.startswith("\\["):
        return f"&#91;{line[2:]}"  # would open a formula
    if line.startswith(("```", "$$")):
        return f"{JOINER}{line}"  # code, or a formula that takes the rest of the line along in VS Code
    if "-" in line and ("|" in line or ":" in line) and not line.strip(" \t|:-"):
        return line.replace("-", "\\-", 1)  # not a table here, so it must not be one elsewhere
    found = _LINE_START.match(line)
    if found is None:
        return line
    if found["number"]:
        return f"{found['number']}\\{line[found.end() :]}"
    return f"{JOINER if found['apart'] is not None else chr(92)}{line}"
