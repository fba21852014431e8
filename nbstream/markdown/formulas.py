"""Formulas and code written so that no Markdown parser, with or without math, and no TeX engine finds more in them.

Knows the dangers of JupyterLab's and nbconvert's math extraction and of TeX commands; nothing of the block tree.
"""

from __future__ import annotations

import re

from nbstream.markdown.source import JOINER
from nbstream.markdown.tex import COMMANDS, ENVIRONMENTS

__all__ = [
    "allowed_commands",
    "closed_openers",
    "defuse_commands",
    "formula",
    "hide_markers",
    "hide_openers",
    "within_dollars",
]

_IN_PROSE = re.compile(r"(\\|&#92;)([A-Za-z]+)")
# In front of a part of a path there is another one or a drive; behind it there is never the argument of a command.
_BEFORE_A_PATH = frozenset(":_.")
_ARGUMENT = re.compile(r"\\?[{\[=*]|&#91;")
_ANY_COMMAND = re.compile(r"\\(?:(begin|end)\{([A-Za-z]*)\*?\}|([A-Za-z]+)|[^A-Za-z]?)")
_CARETS = re.compile(r"\^(?=\^)")
# Besides the commands with names: spaces, accents, line breaks, marks that stand for themselves.
# An environment that is a formula by itself, and what it is called within one.
_BY_ITSELF = re.compile(r"\\begin\{(align|alignat|gather|equation)(\*?)\}(.*)\\end\{\1\2\}", re.DOTALL)
_WITHIN = {"align": "aligned", "alignat": "alignedat", "gather": "gathered"}
_SYMBOLS = frozenset(f"{JOINER}!#$%&'()*,./:;<=>[\\]^_`{{|}}~\" \n-+")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(\[:])")
_COMMENT = re.compile(r"(?<!\\)%.*")
_REPLACED = (("](", "] ("), ("]:", "] :"), ("][", "] ["), ('"', "''"), ("@@", "@ @"), ("~~~", "~~ ~"))
_TEMPLATE = re.compile(r"\{(?=[{%])")
# What opens math for JupyterLab or nbconvert even inside a code span, and what would have to follow.
_PLACEHOLDER = re.compile(r"@(?=@\d+@@)")
_QUARTO = re.compile(r"\{(?=\{[<%])")
_CITED = re.compile(r"data-(?=cite)", re.IGNORECASE)
_OPENERS = (("$$", "$$"), ("\\begin{", "\\end{"), ("\\\\(", "\\\\)"), ("\\\\[", "\\\\]"))


def defuse_commands(text: str) -> str:
    r"""Return prose with a word joiner in every TeX command that may not pass: a math renderer may walk over it.

    What may pass are the commands on the list of `tex`, single letters, which are accents, and names in a path.

    Example:
        >>> defuse_commands(r"the \alpha in C:\Users and \input{x}") == "the \\alpha in C:\\Users and \\\u2060input{x}"
        True
    """
    return _IN_PROSE.sub(_defused, text)


def _defused(found: re.Match[str]) -> str:
    text, at = found.string, found.start()
    before = text[at - 2 : at - 1] if text[at - 1 : at] == "\\" else text[at - 1 : at]  # it is written twice
    in_path = (before.isalnum() or before in _BEFORE_A_PATH) and not _ARGUMENT.match(text, found.end())
    may_pass = found[2] in COMMANDS or len(found[2]) == 1 or in_path
    return found[0] if may_pass else f"{found[1]}{JOINER}{found[2]}"


def allowed_commands(formula: str) -> str:
    r"""Return a formula with a word joiner in every command and environment that is not on the list of `tex`.

    Example:
        >>> allowed_commands(r"\frac{1}{2} \input{x}") == "\\frac{1}{2} \\\u2060input{x}"
        True
    """
    # TeX takes `^^5c` for a backslash.
    return _ANY_COMMAND.sub(_allowed, _CARETS.sub("^ ", formula))


def _allowed(found: re.Match[str]) -> str:
    edge, environment, name = found.groups()
    if found[0] == "\\\\" and found.string[found.end() : found.end() + 1].isalpha():
        return "\\\\ "  # or some would read the end of it as the beginning of a command
    if edge:
        is_allowed = environment in ENVIRONMENTS
    else:
        is_allowed = name in COMMANDS if name else not found[0][1:] or found[0][1:] in _SYMBOLS
    return found[0] if is_allowed else f"\\{JOINER}{found[0][1:]}"


def formula(text: str, *, one_line: bool = False) -> str:
    """Return the inside of a formula so that a parser which does not know math makes neither tags nor links of it."""
    text = _TAG.sub("< ", text)
    for old, new in _REPLACED:
        text = text.replace(old, new)
    lines = [line.strip() for line in text.split("\n")]
    if one_line:
        lines = [_COMMENT.sub("", line).strip() for line in lines] if len(lines) > 1 else lines
    joined = (" " if one_line else "\n").join(line for line in lines if line)
    # A formula that ended in a backslash would escape the mark behind it.
    return _TEMPLATE.sub("{ ", allowed_commands(joined.rstrip("\\ \n")))


def within_dollars(environment: str) -> str:
    r"""Return an environment so that it may stand between dollars, as GitHub and VS Code want it.

    Example:
        >>> within_dollars(r"\begin{align*} a &= b \end{align*}"), within_dollars(r"\begin{equation}x\end{equation}")
        ('\\begin{aligned} a &= b \\end{aligned}', 'x')
    """
    found = _BY_ITSELF.fullmatch(environment)
    if found is None:
        return environment
    name = _WITHIN.get(found[1])
    return f"\\begin{{{name}}}{found[3]}\\end{{{name}}}" if name else found[3].strip()


def closed_openers(document: str) -> tuple[str, ...]:
    """Return what may open a formula in code, because what would end it is somewhere in the same document."""
    return tuple(opener for opener, closer in _OPENERS if document.count(closer) > (opener == closer))


def hide_openers(code: str, openers: tuple[str, ...], *, markup: bool = False) -> str:
    """Return code in which nothing can start a formula that ends in some other code of the same document.

    JupyterLab and nbconvert cut formulas out before they look for code. One that starts in a code span and ends after
    the next fence takes the fence along, and what was code becomes HTML.

    Args:
        code: The code.
        openers: Those that are hidden: the `closed_openers` of the document.
        markup: Whether tags and links are taken apart as well.
    """
    for opener in openers:
        code = code.replace(opener, opener[0] + JOINER + opener[1:])
    if not markup:
        return code
    return _LINK.sub(f"]{JOINER}", _TAG.sub(f"<{JOINER}", code))


def hide_markers(code: str) -> str:
    """Return code without what some tool takes for its own in code, too.

    JupyterLab puts formulas back by their numbers, `@@0@@`; Quarto runs shortcodes, `{{< … >}}`; nbconvert reads
    `<cite data-cite=…>`.
    """
    for what in (_PLACEHOLDER, _QUARTO, _CITED):
        code = what.sub(rf"\g<0>{JOINER}", code)
    return code
