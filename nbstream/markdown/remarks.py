"""The HTML of a remark: a line and, folded, what more there is to say. Pure."""

from __future__ import annotations

from html import escape

__all__ = ["remark_html"]


def remark_html(words: str, detail: str = "") -> str:
    """A remark in plain words.

    Example:
        >>> remark_html("Now", "noon")
        '<details class="nbs-step"><summary><em>Now</em></summary><div class="nbs-detail">noon</div></details>'
    """
    line = f"<em>{escape(words)}</em>"
    if not detail:
        return f'<p class="nbs-step">{line}</p>'
    folded = f'<div class="nbs-detail">{escape(detail)}</div>'
    return f'<details class="nbs-step"><summary>{line}</summary>{folded}</details>'
