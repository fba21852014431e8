"""What stands between the texts of an answer as HTML and as Markdown: words, a link, an image, a sound.

It is nbstream's own, but what it tells of is a server's. Images and sounds are shown only from data URLs of kinds that
are nothing but that; an SVG, which is a document, is none of them.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from nbstream.markdown.links import safe_url
from nbstream.markdown.words import escaped

if TYPE_CHECKING:
    from nbstream.markdown.tree import Remark

__all__ = ["remark_html", "remark_markdown"]

_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_SOUND = re.compile(r"data:audio/(?:wav|mpeg|ogg|flac|mp4|aac);base64,[A-Za-z0-9+/]+={0,2}")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


def remark_html(remark: Remark) -> str:
    """The HTML of a remark.

    Example:
        >>> from nbstream.markdown.tree import Remark
        >>> print(remark_html(Remark("Tool call: f <x>")))
        <p class="nbs-step"><em>Tool call: f &lt;x&gt;</em></p>
        >>> print(remark_html(Remark("A cat", source="data:image/png;base64,iVBORw0KGgo=", size="4x3")))
        <p class="nbs-step"><img src="data:image/png;base64,iVBORw0KGgo=" alt="A cat" width="4" height="3"></p>
        >>> print(remark_html(Remark("Now", detail="noon")))
        <details class="nbs-step"><summary><em>Now</em></summary><div class="nbs-detail">noon</div></details>
    """
    words = escape(remark.words)
    if _IMAGE.fullmatch(remark.source):
        size = _SIZE.fullmatch(remark.size)
        room = f' width="{size[1]}" height="{size[2]}"' if size else ""
        return f'<p class="nbs-step"><img src="{remark.source}" alt="{words}"{room}></p>'
    if _SOUND.fullmatch(remark.source):
        return f'<p class="nbs-step"><audio controls src="{remark.source}" aria-label="{words}"></audio></p>'
    if url := safe_url(remark.url):
        link = f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">{escape(remark.url)}</a>'
        return f'<p class="nbs-step"><em>{words}: {link}</em></p>'
    line = f"<em>{escape(_told(remark))}</em>"
    if not remark.detail:
        return f'<p class="nbs-step">{line}</p>'
    folded = f'<div class="nbs-detail">{escape(remark.detail)}</div>'
    return f'<details class="nbs-step"><summary>{line}</summary>{folded}</details>'


def remark_markdown(remark: Remark) -> str:
    """The Markdown of a remark; a sound is only told of.

    Example:
        >>> from nbstream.markdown.tree import Remark
        >>> print(remark_markdown(Remark("Tool call: f")))
        *Tool call: f*
        >>> print(remark_markdown(Remark("A cat", source="data:image/png;base64,iVBORw0KGgo=")))
        ![A cat](data:image/png;base64,iVBORw0KGgo=)
    """
    if _IMAGE.fullmatch(remark.source):
        return f"![{escaped(remark.words)}]({remark.source})"
    if url := safe_url(remark.url):
        return f"*{escaped(remark.words)}:* [{escaped(remark.url)}]({url})"
    return f"*{escaped(_told(remark))}*"


def _told(remark: Remark) -> str:
    return f"{remark.words}: {remark.url}" if remark.url else remark.words
