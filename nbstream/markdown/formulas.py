"""Formulas and code written so that no Markdown parser, with or without math, and no TeX engine finds more in them.

Knows the dangers of JupyterLab's and nbconvert's math extraction and of TeX commands; nothing of the block tree.
"""

from __future__ import annotations

import re

__all__ = ["defuse_commands", "formula", "hide_openers"]

# Shown as nothing; between a backslash and a name it makes the name harmless.
_JOINER = "\u2060"
_COMMAND = re.compile(
    r"(\\|&#92;)(?=(?:href|url|ref|eqref|require|style|class|cssId|data|includegraphics|mmlToken|bbox|unicode|input|include"
    r"|newcommand|renewcommand|newenvironment|renewenvironment|def|let|csname|catcode)(?![A-Za-z])|html)"
)
_ENVIRONMENT = re.compile(r"(\\|&#92;)(?=(?:begin|end)\{)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(\[:])")
_COMMENT = re.compile(r"(?<!\\)%.*")
_REPLACED = (("](", "] ("), ("]:", "] :"), ("][", "] ["), ('"', "''"), ("@@", "@ @"), ("~~~", "~~ ~"))
# What opens math for JupyterLab or nbconvert even inside a code span, and what would have to follow.
_PLACEHOLDER = re.compile(r"@(?=@\d+@@)")
_QUARTO = re.compile(r"\{(?=\{[<%])")
_CITED = re.compile(r"data-(?=cite)", re.IGNORECASE)
_OPENERS = (("$$", "$$"), ("\\begin{", "\\end{"), ("\\\\(", "\\\\)"), ("\\\\[", "\\\\]"))


def defuse_commands(text: str, *, environments: bool = True) -> str:
    r"""Return `text` with a word joiner in every TeX command that makes links or HTML or loads or defines something.

    Args:
        text: A formula, or prose that a math renderer will walk over.
        environments: Whether `\begin` and `\end` are defused too, as they must be outside formulas.
    """
    text = _COMMAND.sub(rf"\1{_JOINER}", text)
    return _ENVIRONMENT.sub(rf"\1{_JOINER}", text) if environments else text


def formula(text: str, *, one_line: bool = False) -> str:
    """Return the inside of a formula so that a parser which does not know math makes neither tags nor links of it."""
    text = _TAG.sub(r"\\lt ", text)
    for old, new in _REPLACED:
        text = text.replace(old, new)
    lines = [line.strip() for line in text.split("\n")]
    if one_line:
        lines = [_COMMENT.sub("", line).strip() for line in lines] if len(lines) > 1 else lines
    joined = (" " if one_line else "\n").join(line for line in lines if line)
    # A formula that ended in a backslash would escape the mark behind it.
    return defuse_commands(joined.rstrip("\\ \n"), environments=False)


def hide_openers(code: str, document: str, *, markup: bool = False) -> str:
    """Return code in which nothing can start a formula that ends in some other code of the same document.

    JupyterLab and nbconvert cut formulas out before they look for code. One that starts in a code span and ends after
    the next fence takes the fence along, and what was code becomes HTML. JupyterLab puts them back by their numbers,
    `@@0@@`; Quarto runs shortcodes, `{{< … >}}`, and nbconvert reads `<cite data-cite=…>` in code, too.

    Args:
        code: The code.
        document: The whole source; code is left alone unless the end of a formula is in there too.
        markup: Whether tags and links are taken apart as well.
    """
    for opener, closer in _OPENERS:
        if opener in code and document.count(closer) > (opener == closer):
            code = code.replace(opener, opener[0] + _JOINER + opener[1:])
    for what in (_PLACEHOLDER, _QUARTO, _CITED):
        code = what.sub(rf"\g<0>{_JOINER}", code)
    if not markup:
        return code
    return _LINK.sub(f"]{_JOINER}", _TAG.sub(f"<{_JOINER}", code))
