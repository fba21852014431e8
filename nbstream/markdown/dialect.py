"""The block tree drawn as sanitised HTML, and `render`, one whole text at once.

Knows the tree and the inline phase; nothing of streaming.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.blocks import BlockParser
from nbstream.markdown.healing import heal
from nbstream.markdown.highlight import highlight
from nbstream.markdown.inlines import Inlines
from nbstream.markdown.references import take_definitions
from nbstream.markdown.safety import sanitise
from nbstream.markdown.source import clean, lines_of
from nbstream.markdown.tables import fit, split_row
from nbstream.markdown.tree import NOT_IN_PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from nbstream.markdown.tree import Block

__all__ = ["Renderer", "render"]

_ALIGN = {"": ""} | {side: f' align="{side}"' for side in ("left", "center", "right")}
_MATH_END = {"$$": "$$", "\\[": "\\]"}
_CLASS_SAFE = re.compile(r"[^\w+#.\-]")


class _Drawn(NamedTuple):
    """What was made of a closed leaf, the labels that had no definition then, and the first uses of footnotes in it."""

    html: str
    missing: frozenset[str]
    notes: tuple[str, ...] = ()


class Renderer:
    """Draws blocks; what it made of a closed leaf is kept in the leaf until one of its labels is defined.

    Args:
        references: The definitions known so far; may grow between calls.
    """

    def __init__(self, references: dict[str, str]) -> None:
        self.references = references
        self._inlines = Inlines(references)
        self._missing: set[str] = set()
        self._cells: dict[str, _Drawn] = {}

    def html(self, block: Block) -> tuple[str, frozenset[str]]:
        """Return the sanitised HTML of a top-level block and the labels it uses that have no definition."""
        self._missing = set()
        html = "" if block.kind in NOT_IN_PLACE else sanitise(self._draw(block))
        return html, frozenset(self._missing)

    def draft(self) -> AbstractContextManager[None]:
        """What is drawn inside may still change: its footnote references are not counted for good."""
        return self._inlines.footnotes.draft()

    def footnotes(self, notes: Mapping[str, Block]) -> str:
        """Return the sanitised HTML of the section with the footnotes that what was drawn refers to, or nothing."""
        return sanitise(self._inlines.footnotes.section(notes, self._children))

    def _draw(self, block: Block, *, tight: bool = False) -> str:
        if block.kind == "paragraph":
            html = self._inline(block)
            return html if tight else f"<p>{html}</p>"
        if block.kind == "heading":
            return f"<h{block.level}>{self._inline(block)}</h{block.level}>"
        if block.kind == "rule":
            return "<hr>"
        if block.kind == "quote":
            return f"<blockquote>\n{self._children(block)}\n</blockquote>"
        if block.kind == "list":
            return self._list(block)
        leaf = {"code": self._code, "table": self._table, "math": self._math}.get(block.kind)
        return self._kept(block, lambda: leaf(block)) if leaf else ""

    def _children(self, block: Block, *, tight: bool = False) -> str:
        return "\n".join(self._draw(child, tight=tight) for child in block.children if child.kind not in NOT_IN_PLACE)

    def _list(self, block: Block) -> str:
        marker = block.marker
        tag, start, tasks = "ul", "", ""
        if marker is not None and marker.number is not None:
            tag, start = "ol", f' start="{marker.number}"' if marker.number != 1 else ""
        items = []
        for item in block.children:
            tasks = ' class="nbs-tasks"' if item.task else tasks
            items.append(self._item(item, tight=not block.loose))
        return f"<{tag}{start}{tasks}>\n{''.join(items)}</{tag}>"

    def _item(self, item: Block, *, tight: bool) -> str:
        inside = self._children(item, tight=tight)
        if not item.task:
            return f"<li>{inside}</li>\n"
        checked = "" if item.task == " " else ' checked=""'
        box = f'<input type="checkbox"{checked}> '
        # In a loose list the box goes into the paragraph, as on GitHub.
        inside = f"<p>{box}{inside[3:]}" if inside.startswith("<p>") else box + inside
        return f'<li class="nbs-task">{inside}</li>\n'

    def _inline(self, block: Block) -> str:
        if block.open:
            # Not closed: what stands in front may be definitions, and marks may be half open.
            return self._text(heal(take_definitions(block.text, {}).strip()))
        return self._kept(block, lambda: self._text(block.text.strip()))

    def _text(self, text: str) -> str:
        self._inlines.missing = set()
        html = self._inlines.render(text)
        self._missing |= self._inlines.missing
        return html

    def _code(self, block: Block) -> str:
        language = block.fence.info.split(maxsplit=1)[0] if block.fence and block.fence.info else ""
        code = "".join(f"{line}\n" for line in block.lines)
        name = _CLASS_SAFE.sub("", language)
        attribute = f' class="language-{name}"' if name else ""
        body = escape(code, quote=False) if block.open else highlight(code, language)
        return f"<pre><code{attribute}>{body}</code></pre>"

    def _math(self, block: Block) -> str:
        run = block.fence.run if block.fence else "$$"
        return f'<div class="nbs-math">{escape(run + block.text + _MATH_END[run], quote=False)}</div>'

    def _table(self, block: Block) -> str:
        rows = [self._row(line, block.align, "td" if number else "th") for number, line in enumerate(block.lines)]
        body = "<tbody>\n" + "".join(rows[1:]) + "</tbody>\n" if rows[1:] else ""
        return f"<table>\n<thead>\n{rows[0]}</thead>\n{body}</table>"

    def _row(self, line: str, align: tuple[str, ...], tag: str) -> str:
        cells = zip(fit(split_row(line), len(align)), align, strict=True)
        drawn = "".join(f"<{tag}{_ALIGN[side]}>{self._cell(cell)}</{tag}>\n" for cell, side in cells)
        return f"<tr>\n{drawn}</tr>\n"

    def _cell(self, text: str) -> str:
        """Draw a cell, or return what was drawn for the same text in the table that is growing."""
        if "[^" in text:
            return self._text(text)  # a reference counts each time
        drawn = self._cells.get(text)
        if drawn is None or not drawn.missing.isdisjoint(self.references):
            html = self._text(text)
            drawn = self._cells[text] = _Drawn(html, frozenset(self._inlines.missing))
        self._missing |= drawn.missing
        return drawn.html

    def _kept(self, block: Block, draw: Callable[[], str]) -> str:
        """Draw a leaf, or return what was drawn when it had closed and no label of it has been defined since."""
        kept = block.cache
        if isinstance(kept, _Drawn) and kept.missing.isdisjoint(self.references):
            self._missing |= kept.missing
            for key in kept.notes:
                self._inlines.footnotes.number(key)
            return kept.html
        before, self._missing = self._missing, set()
        seen = self._inlines.footnotes.seen()
        html = draw()
        if not block.open:
            self._cells.clear()
            block.cache = _Drawn(html, frozenset(self._missing), self._inlines.footnotes.since(seen))
        self._missing |= before
        return html


def render(text: str) -> str:
    r"""Return GitHub-flavoured Markdown, as models write it, as sanitised HTML.

    Args:
        text: The whole text. An unclosed fence is code, raw HTML is shown as text, images become links.

    Returns:
        The HTML of the top-level blocks, joined by line ends.

    Example:
        >>> render("Steps:\n- *one*")
        '<p>Steps:</p>\n<ul>\n<li><em>one</em></li>\n</ul>'
    """
    parser = BlockParser()
    for line in lines_of(clean(text)):
        parser.feed(line)
    parser.close()
    renderer = Renderer(parser.references)
    drawn = [renderer.html(block)[0] for block in parser.document.children if block.kind not in NOT_IN_PLACE]
    notes = renderer.footnotes(parser.notes)
    return "\n".join([*drawn, notes] if notes else drawn)
