"""What stands around the parts of a block: the HTML that opens and closes it.

Knows the blocks that can grow part by part; nothing of how the parts are drawn.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.tables import filled

if TYPE_CHECKING:
    from nbstream.markdown.tree import Block

__all__ = ["ALIGN", "Frame", "code_frame", "code_opening", "list_frame", "plain_row", "with_box"]

ALIGN = {"": ""} | {side: f' align="{side}"' for side in ("left", "center", "right")}
"""The attribute of a cell, by the alignment of its column."""

_CLASS_SAFE = re.compile(r"[^\w+#.\-]")


class Frame(NamedTuple):
    """What stands around the parts of a block that can grow at its end.

    Attributes:
        opening: The HTML before the parts.
        closing: The HTML after them.
        depth: How many elements stand around the parts.
        tight: Whether the paragraphs of a list's items have no element of their own.
    """

    opening: str
    closing: str
    depth: int
    tight: bool = False

    @property
    def end(self) -> str:
        """What is inside the innermost element after the last part."""
        return self.closing[: self.closing.index("<")]


def list_frame(block: Block) -> Frame:
    """Return what stands around the items of a list."""
    marker = block.marker
    tag, start = "ul", ""
    if marker is not None and marker.number is not None:
        tag, start = "ol", f' start="{marker.number}"' if marker.number != 1 else ""
    tasks = ' class="nbs-tasks"' if block.task else ""
    return Frame(f"<{tag}{start}{tasks}>", f"\n</{tag}>", 1, tight=not block.loose)


def code_frame(block: Block, title: str = "") -> Frame:
    """Return what stands around the lines of code, which a title may say something about."""
    closing = "</code></pre>" if block.open or not block.lines else "\n</code></pre>"
    return Frame(code_opening(block, title), closing, 2)


def code_opening(block: Block, title: str = "") -> str:
    """Return what stands before the lines of code."""
    name = _CLASS_SAFE.sub("", block.language)
    attributes = f' class="language-{name}"' * bool(name) + f' title="{title}"' * bool(title)
    return f"<pre><code{attributes}>"


def with_box(html: str, task: str) -> str:
    """Return what is in an item with its check box."""
    checked = "" if task == " " else ' checked=""'
    box = f'<input type="checkbox" disabled=""{checked}> '
    # In a loose list the box goes into the paragraph, as on GitHub.
    return f"<p>{box}{html[3:]}" if html.startswith("<p>") else box + html


def plain_row(line: str, align: tuple[str, ...], attribute: str = "") -> str:
    """Return a row of a table with all of it as text in its first cell."""
    first, *rest = filled([line], len(align))
    drawn = f"<td{ALIGN[align[0]]}{attribute}>{escape(first, quote=False)}</td>\n"
    empty = "".join(f"<td{ALIGN[side]}></td>\n" for side, _ in zip(align[1:], rest, strict=False))
    return f"<tr>\n{drawn}{empty}</tr>"
