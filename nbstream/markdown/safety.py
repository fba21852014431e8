"""What may reach a page: one allow-list for live HTML (`sanitise`); Markdown for a trusted notebook is `inert`.

Model output is hostile. Nothing else in nbstream decides what HTML is allowed.
"""

from __future__ import annotations

from functools import cache

import nh3

from nbstream.markdown.static import inert

__all__ = ["inert", "sanitise"]

_BLOCKS = {"blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_INLINE = {"a", "br", "code", "del", "em", "input", "span", "strong", "sup"}
_TABLE = {"table", "tbody", "td", "th", "thead", "tr"}
_CLASS = {"class"}
_ATTRIBUTES = {
    "a": {"class", "href"},
    "code": _CLASS,
    "div": _CLASS,
    "li": _CLASS,
    "ol": {"start"},
    "pre": _CLASS,
    "span": _CLASS,
    "ul": _CLASS,
}
_CELL = {"align": {"left", "center", "right"}}


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_BLOCKS | _INLINE | _TABLE,
        attributes=_ATTRIBUTES,
        tag_attribute_values={"td": _CELL, "th": _CELL, "input": {"type": {"checkbox"}, "checked": {""}}},
        set_tag_attribute_values={"a": {"target": "_blank"}, "input": {"disabled": ""}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def sanitise(html: str) -> str:
    """Return `html` with only the elements, attributes and URL schemes that the dialect emits.

    Args:
        html: The HTML of one block.

    Returns:
        The HTML that is left, serialised by the sanitiser.

    Example:
        >>> sanitise('<p onclick="x()">a<script>b</script></p>')
        '<p>a</p>'
    """
    return _cleaner().clean(html)
