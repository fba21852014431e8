"""Mermaid code that draws the same and can neither load, style nor link anything.

Front ends draw diagrams in the page, with the page's network: a shape may be an image and a style may name one.
Knows the dangers of Mermaid and of pages that hold its code; nothing of Markdown.
"""

from __future__ import annotations

import re

from nbstream.markdown.source import JOINER

__all__ = ["diagram"]

# What JavaScript takes for white space.
_SPACE = " \t\v\f\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
_STEREOTYPE = r"<<(?:interface|abstract|enumeration|service|choice|fork|join|entity)>>"
_TAG = re.compile(rf"({_STEREOTYPE}|<br\s?/?>)|<(?=[A-Za-z/!?])", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![a-z])(javascript|vbscript|data)(\s*):", re.IGNORECASE)
# Settings bring style sheets along. They stand in front matter, of which only the title stays, and in directives.
_TITLE = re.compile(r"title:[ \t]*[\w ,.;()/+-]+")
_DIRECTIVE = re.compile(r"%%\{.*?(?:\}%%|\Z)", re.DOTALL)
# What a node may say of its shape. An image is not among it.
_SHAPE = re.compile(r"""@\{((?:"[^"]*"|[^"{}])*)\}?""")
_PROPERTY = re.compile(
    r"""(?:\A|[\s,])("?(?:shape|label|type|animate|animation|assigned|ticket|priority|icon|form|pos|w|h)"?)\s*:\s*"""
    r"""("[^"\\\n]*"|'[^'\\\n]*'|[\w.-]+)"""
)
# A statement of its own: elsewhere the words may be part of a text, and a name before `(` is that of a node.
_STYLE = re.compile(r"(?:^|[;{])[^\S\n]*(?:classDef|style|linkStyle)\b[^\n;]*", re.IGNORECASE | re.MULTILINE)
_ESCAPE = re.compile(rf"\\(?!{JOINER})")
_FUNCTION = re.compile(r"(?<=[\w-])(?=\()")
_LOADS = re.compile(r"\b((?:url|src|image|image-set|cross-fade|element)\s*)(?=\()", re.IGNORECASE)


def diagram(code: str) -> str:
    r"""Return Mermaid code without settings, images, tags other than `<br>`, and links to code.

    nbconvert copies the code into the page as it is, hence the tags.

    Example:
        >>> diagram('flowchart TD\nA@{ img: "https://example.com/a.png", label: "a" } --> B[<b>bold</b>]')
        'flowchart TD\nA@{ label: "a" } --> B[#lt;b>bold#lt;/b>]'
    """
    code = _DIRECTIVE.sub(" ", _without_settings(code))
    code = _SHAPE.sub(_shape, code)
    code = _STYLE.sub(lambda found: _plain_style(found[0]), code)
    code = _LOADS.sub(rf"\1{JOINER}", code)
    code = _TAG.sub(lambda found: found[1] or "#lt;", code)
    return _SCHEME.sub(r"\1\2#colon;", code)


def _without_settings(code: str) -> str:
    """Return code without front matter, and without what would be the front matter then."""
    lines = code.split("\n")
    bare = [line.strip(_SPACE) for line in lines]
    rules = [number for number, line in enumerate(bare) if line == "---"]
    start, title = 0, ""
    for opening, closing in zip(rules[::2], rules[1::2], strict=False):
        if any(bare[start:opening]):
            break
        title = next(filter(_TITLE.fullmatch, lines[opening + 1 : closing]), title)
        start = closing + 1
    front = ["---", title, "---"] if title else []
    return "\n".join([*front, *lines[start:]])


def _shape(found: re.Match[str]) -> str:
    properties = ", ".join(f"{name}: {value}" for name, value in _PROPERTY.findall(found[1]))
    return f"@{{ {properties} }}" if properties else ""


def _plain_style(style: str) -> str:
    """Return a style without functions, however they are spelt."""
    return _FUNCTION.sub(JOINER, _ESCAPE.sub(rf"\\{JOINER}", style))
