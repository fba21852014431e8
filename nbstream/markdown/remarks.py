"""What stands between the texts of an answer as HTML and as Markdown: words, a link, an image, a sound.

It is nbstream's own, but what it tells of is a server's. Images and sounds are shown only from data URLs of kinds that
are nothing but that; an SVG, which is a document, is none of them.
"""

from __future__ import annotations

import re
from html import escape

from nbstream.markdown.links import safe_url
from nbstream.markdown.words import escaped

__all__ = ["remark_html", "remark_markdown"]

_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_SOUND = re.compile(r"data:audio/(?:wav|mpeg|ogg|flac|mp4|aac);base64,[A-Za-z0-9+/]+={0,2}")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


def remark_html(words: str, detail: str = "", url: str = "", source: str = "", size: str = "") -> str:
    """The HTML of a remark, whose fields these are.

    Example:
        >>> print(remark_html("Tool call: f <x>"))
        <p class="nbs-step"><em>Tool call: f &lt;x&gt;</em></p>
        >>> remark_html("Now", "noon")
        '<details class="nbs-step"><summary><em>Now</em></summary><div class="nbs-detail">noon</div></details>'
        >>> print(remark_html("A cat", source="data:image/png;base64,iVBORw0KGgo=", size="4x3"))
        <p class="nbs-step"><img src="data:image/png;base64,iVBORw0KGgo=" alt="A cat" width="4" height="3"></p>
    """
    line = escape(words)
    if _IMAGE.fullmatch(source):
        shown = _SIZE.fullmatch(size)
        room = f' width="{shown[1]}" height="{shown[2]}"' if shown else ""
        return f'<p class="nbs-step"><img src="{source}" alt="{line}"{room}></p>'
    if _SOUND.fullmatch(source):
        return f'<p class="nbs-step"><audio controls src="{source}" aria-label="{line}"></audio></p>'
    if address := safe_url(url):
        link = f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{escape(url)}</a>'
        return f'<p class="nbs-step"><em>{line}: {link}</em></p>'
    line = f"<em>{escape(_told(words, url))}</em>"
    if not detail:
        return f'<p class="nbs-step">{line}</p>'
    folded = f'<div class="nbs-detail">{escape(detail)}</div>'
    return f'<details class="nbs-step"><summary>{line}</summary>{folded}</details>'


def remark_markdown(words: str, detail: str = "", url: str = "", source: str = "", size: str = "") -> str:
    """The Markdown of a remark, whose fields these are; a sound is only told of, and details are left out.

    Example:
        >>> print(remark_markdown("Tool call: f"))
        *Tool call: f*
        >>> print(remark_markdown("A cat", source="data:image/png;base64,iVBORw0KGgo="))
        ![A cat](data:image/png;base64,iVBORw0KGgo=)
    """
    del detail, size
    if _IMAGE.fullmatch(source):
        return f"![{escaped(words)}]({source})"
    if address := safe_url(url):
        return f"*{escaped(words)}:* [{escaped(url)}]({address})"
    return f"*{escaped(_told(words, url))}*"


def _told(words: str, url: str) -> str:
    return f"{words}: {url}" if url else words
