"""What may reach a page: one allow-list for live HTML (`sanitise`); Markdown for a trusted notebook is `inert`.

Model output is hostile. Nothing else in nbstream decides what HTML is allowed; which destinations a link may have is
decided by `links.safe_url` for both.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import nh3

from nbstream.markdown.links import is_remote
from nbstream.markdown.static import inert

if TYPE_CHECKING:
    from nbstream.markdown.links import Images

__all__ = ["inert", "sanitise"]

_BLOCKS = {"blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_FOLDED = {"details", "summary"}
_INLINE = {"a", "br", "code", "del", "em", "input", "kbd", "span", "strong", "sub", "sup"}
_TABLE = {"table", "tbody", "td", "th", "thead", "tr"}
_CLASS = {"class"}
_ATTRIBUTES = {
    "a": {"class", "href"},
    "code": _CLASS,
    "details": _CLASS,
    "div": _CLASS,
    "li": _CLASS,
    "ol": {"start"},
    "pre": _CLASS,
    "span": _CLASS,
    "ul": _CLASS,
}
_CELL = {"align": {"left", "center", "right"}}


# A server that is asked for an image learns that the answer was read, not in which notebook.
_IMAGE = {"loading": "lazy", "referrerpolicy": "no-referrer"}


@cache
def _cleaner(images: Images) -> nh3.Cleaner:
    allowed = images == "allow"
    return nh3.Cleaner(
        tags=_BLOCKS | _FOLDED | _INLINE | _TABLE | ({"img"} if allowed else set()),
        attributes={**_ATTRIBUTES, "img": {"alt", "src"}} if allowed else _ATTRIBUTES,
        attribute_filter=_image_source if allowed else None,
        tag_attribute_values={"td": _CELL, "th": _CELL, "input": {"type": {"checkbox"}, "checked": {""}}},
        set_tag_attribute_values={"a": {"target": "_blank"}, "input": {"disabled": ""}, "img": _IMAGE},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _image_source(_: str, attribute: str, value: str) -> str | None:
    return None if attribute == "src" and not is_remote(value) else value


def sanitise(html: str, images: Images = "link") -> str:
    """Return `html` with only the elements, attributes and URL schemes that the dialect emits.

    Args:
        html: The HTML of one block.
        images: `"allow"` lets images through that are loaded by http or https, `"link"` none.

    Returns:
        The HTML that is left, serialised by the sanitiser.

    Example:
        >>> sanitise('<p onclick="x()">a<script>b</script></p>')
        '<p>a</p>'
    """
    return _cleaner(images).clean(html)
