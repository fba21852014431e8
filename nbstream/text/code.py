"""The code in an answer: what stands between fences, also while it grows. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["CodeBlock", "code_blocks", "code_of", "fenced", "is_for_terminal"]

# A fence may stand in items of lists and in quotes.
_OPENS = re.compile(r"((?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*)(`{3,}|~{3,})[ \t]*([^`\n]*)")
_QUOTES = re.compile(r"(?:[ \t]*>)+[ \t]?")
_TICKS = re.compile(r"`{3,}")
_FOR_TERMINALS = frozenset(
    {"bash", "bat", "batch", "cmd", "console", "output", "plaintext", "powershell", "sh", "shell", "terminal", "text"}
    | {"shell-session", "txt", "zsh"}
)


class CodeBlock(NamedTuple):
    """One block of code.

    Attributes:
        language: The language that its fence names, if it names one.
        code: The code, without a line end behind it.
        closed: Whether its fence has been closed, or nothing follows.
    """

    language: str
    code: str
    closed: bool = True


def code_blocks(text: str, *, whole: bool = True) -> list[CodeBlock]:
    r"""The fenced code in Markdown.

    Args:
        text: The Markdown so far.
        whole: Whether nothing follows; otherwise what its last line may still become is left out.

    Example:
        >>> code_blocks("Here:\n```python\nx = 1\n```\nIt is one.")
        [CodeBlock(language='python', code='x = 1', closed=True)]
        >>> code_blocks("```python\nx = 1\n``", whole=False)
        [CodeBlock(language='python', code='x = 1', closed=False)]
    """
    *lines, last = text.split("\n")
    blocks: list[CodeBlock] = []
    opened: re.Match[str] | None = None
    code: list[str] = []
    for line in [*lines, last] if whole else lines:
        if opened is None:
            opened, code = _OPENS.fullmatch(line), []
        elif _closes(line, opened):
            blocks.append(CodeBlock(_language(opened), "\n".join(code)))
            opened = None
        else:
            code.append(_within(line, opened))
    if opened is not None:
        growing = "" if whole else _within(last, opened)
        if growing.strip(f" \t{opened[2][0]}"):
            code.append(growing)
        blocks.append(CodeBlock(_language(opened), "\n".join(code), closed=whole))
    return blocks


def code_of(text: str) -> str:
    r"""The code of an answer: its fenced blocks with a blank line between them, or all of it if it has no fence.

    What is meant for a terminal, as the name of its language says, is left out if there is other code.

    Example:
        >>> code_of("```sh\npip install x\n```\nThen:\n```python\nimport x\n```")
        'import x'
    """
    blocks = code_blocks(text)
    chosen = [block for block in blocks if not is_for_terminal(block)] or blocks
    return "\n\n".join(block.code for block in chosen) if chosen else text.strip("\n")


def is_for_terminal(block: CodeBlock) -> bool:
    """Whether a block holds commands, or what they print."""
    return block.language.lower() in _FOR_TERMINALS


def fenced(block: CodeBlock) -> str:
    r"""A block as Markdown.

    Example:
        >>> fenced(CodeBlock("python", "x = 1"))
        '```python\nx = 1\n```'
    """
    run = "`" * max(3, 1 + max(map(len, _TICKS.findall(block.code)), default=0))
    lines = [f"{run}{block.language}", *([block.code] if block.code else []), *([run] if block.closed else [])]
    return "\n".join(lines)


def _language(opened: re.Match[str]) -> str:
    info = opened[3].split()
    return info[0].strip("{}.") if info else ""


def _closes(line: str, opened: re.Match[str]) -> bool:
    words = _within(line, opened).strip()
    return len(words) >= len(opened[2]) and not words.strip(opened[2][0])


def _within(line: str, opened: re.Match[str]) -> str:
    """A line of a block, without the indentation and the marks of quotes that its fence has, too."""
    lead = opened[1]
    if ">" in lead and (quotes := _QUOTES.match(line)):
        line, lead = line[quotes.end() :], lead[lead.rindex(">") + 2 :]
    indent = len(line) - len(line.lstrip(" \t"))
    return line[min(indent, len(lead)) :]
