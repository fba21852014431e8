"""Mermaid code that draws the same and can neither load, style nor link anything.

Front ends draw diagrams in the page, with the page's network: a shape may be an image and a style may name one.
Knows the dangers of Mermaid and of pages that hold its code; nothing of Markdown.
"""

from __future__ import annotations

import re

__all__ = ["diagram"]

# Shown as nothing; in the middle of a name it makes another name of it.
_JOINER = "\u2060"
_STEREOTYPE = r"<<(?:interface|abstract|enumeration|service|choice|fork|join|entity)>>"
_TAG = re.compile(rf"({_STEREOTYPE}|<br\s?/?>)|<(?=[A-Za-z/!?])", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![a-z])(javascript|vbscript|data)(\s*):", re.IGNORECASE)
# Settings, which bring style sheets along: the front matter, of which the title stays, and directives.
_FRONT_MATTER = re.compile(
    r"\A(?:[\s\ufeff]*---[\s\ufeff]*?\n(?P<settings>.*?\n)??[^\S\n]*---[\s\ufeff]*?(?:\n|\Z))+", re.DOTALL
)
_TITLE = re.compile(r"^title:[ \t]*[\w ,.;()/+-]+$", re.MULTILINE)
_DIRECTIVE = re.compile(r"%%\{.*?(?:\}%%|\Z)", re.DOTALL)
# What a node may say of its shape. An image is not among it.
_SHAPE = re.compile(r"""@\{((?:"[^"]*"|[^"{}])*)\}?""")
_PROPERTY = re.compile(
    r"""(?:\A|[\s,])("?(?:shape|label|type|animate|animation|assigned|ticket|priority|icon|form|pos|w|h)"?)\s*:\s*"""
    r"""("[^"\\\n]*"|'[^'\\\n]*'|[\w.-]+)"""
)
_STYLE = re.compile(r"\b(?:classDef|style|linkStyle)\b.*", re.IGNORECASE)
_ESCAPE = re.compile(rf"\\(?!{_JOINER})")
_FUNCTION = re.compile(rf"(?<=[\w-])(?<!\brgb)(?<!\brgba)(?<!\bhsl)(?<!\bhsla)(?=\()(?<!{_JOINER})", re.IGNORECASE)
_LOADS = re.compile(r"\b((?:url|src|image|image-set|cross-fade|element)\s*)(?=\()", re.IGNORECASE)


def diagram(code: str) -> str:
    r"""Return Mermaid code without settings, images, tags other than `<br>`, and links to code.

    nbconvert copies the code into the page as it is, hence the tags.

    Example:
        >>> diagram('flowchart TD\nA@{ img: "https://example.com/a.png", label: "a" } --> B[<b>bold</b>]')
        'flowchart TD\nA@{ label: "a" } --> B[#lt;b>bold#lt;/b>]'
    """
    code = _FRONT_MATTER.sub(_title_only, code)
    code = _DIRECTIVE.sub(" ", code)
    code = _SHAPE.sub(_shape, code)
    code = _STYLE.sub(lambda found: _plain_style(found[0]), code)
    code = _LOADS.sub(rf"\1{_JOINER}", code)
    code = _TAG.sub(lambda found: found[1] or "#lt;", code)
    return _SCHEME.sub(r"\1\2#colon;", code)


def _title_only(found: re.Match[str]) -> str:
    title = _TITLE.search(found["settings"] or "")
    return f"---\n{title[0]}\n---\n" if title else ""


def _shape(found: re.Match[str]) -> str:
    properties = ", ".join(f"{name}: {value}" for name, value in _PROPERTY.findall(found[1]))
    return f"@{{ {properties} }}" if properties else ""


def _plain_style(style: str) -> str:
    """Return a style without functions but colours, however they are spelt."""
    return _FUNCTION.sub(_JOINER, _ESCAPE.sub(rf"\\{_JOINER}", style))
