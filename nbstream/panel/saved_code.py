"""Code in the HTML that a notebook keeps, in the front end's own colours: no style sheet of ours is there. Pure."""

from __future__ import annotations

import re

__all__ = ["coloured"]

# Pygments' classes by what Jupyter calls their colours, and the other style of each.
_COLOURS = {
    "keyword": ("k kd kn kp kr kt kc ow", "font-weight: bold"),
    "comment": ("c c1 ch cm cpf cs", "font-style: italic"),
    "string": ("s s1 s2 sa sb sc sd dl sh sx sr ss si se", ""),
    "number": ("m mb mf mh mi mo il l ld gi", ""),
    "builtin": ("nb bp ne", ""),
    "def": ("nf nc fm nn no nl ni gh gu", ""),
    "operator": ("o", "font-weight: bold"),
    "tag": ("nt", ""),
    "attribute": ("na py", ""),
    "variable-2": ("nv vc vg vi vm", ""),
    "meta": ("cp nd gp", ""),
}
_STYLES = {
    name: "; ".join(filter(None, [f"color: var(--jp-mirror-editor-{colour}-color)", style]))
    for colour, (names, style) in _COLOURS.items()
    for name in names.split()
}
# In text, `<` is escaped.
_TOKEN = re.compile(r'<span class="(\w{1,3})">([^<]*)</span>')


def coloured(html: str) -> str:
    """The HTML with the colours of code in it; a front end without such colours shows it plain.

    Args:
        html: What was rendered, with Pygments' classes.

    Example:
        >>> coloured('<pre><span class="kn">import</span> <span class="n">os</span></pre>')
        '<pre><span style="color: var(--jp-mirror-editor-keyword-color); font-weight: bold">import</span> os</pre>'
    """
    return _TOKEN.sub(_styled, html)


def _styled(token: re.Match[str]) -> str:
    style = _STYLES.get(token[1])
    return token[2] if style is None else f'<span style="{style}">{token[2]}</span>'
