"""The block tree drawn as sanitised HTML, and `render`, one whole text at once.

Knows the tree and the inline phase; nothing of streaming.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.blocks import BlockParser
from nbstream.markdown.highlight import highlight
from nbstream.markdown.inlines import Inlines
from nbstream.markdown.safety import sanitise
from nbstream.markdown.source import clean
from nbstream.markdown.tables import fit, split_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.markdown.tree import Block

__all__ = ["Renderer", "render", "task_state"]

_TASK = re.compile(r"\[([ xX])\](?=\s)\s*")
_MATH_END = {"$$": "$$", "\\[": "\\]"}
_CLASS_SAFE = re.compile(r"[^\w+#.\-]")


class _Drawn(NamedTuple):
    """What was made of a closed leaf, and the labels that had no definition then."""

    html: str
    missing: frozenset[str]


def task_state(item: Block) -> re.Match[str] | None:
    """Return the match of the check box in front of a list item's text (group 1 its mark), if it has one."""
    first = item.children[0] if item.children else None
    return _TASK.match(first.lines[0]) if first is not None and first.kind == "paragraph" else None


class Renderer:
    """Draws blocks; what it made of a closed leaf is kept in the leaf until one of its labels is defined.

    Args:
        references: The definitions known so far; may grow between calls.
    """

    def __init__(self, references: dict[str, str]) -> None:
        self.references = references
        self._inlines = Inlines(references)
        self._missing: set[str] = set()

    def html(self, block: Block) -> tuple[str, frozenset[str]]:
        """Return the sanitised HTML of a top-level block and the labels it uses that have no definition."""
        self._missing = set()
        html = sanitise(self._draw(block)) if block.kind != "definitions" else ""
        return html, frozenset(self._missing)

    def use(self, references: dict[str, str]) -> None:
        """Resolve references against another set of definitions from now on."""
        self.references = self._inlines.references = references

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
        return "\n".join(self._draw(child, tight=tight) for child in block.children if child.kind != "definitions")

    def _list(self, block: Block) -> str:
        marker = block.marker
        tag, start, tasks = "ul", "", ""
        if marker is not None and marker.number is not None:
            tag, start = "ol", f' start="{marker.number}"' if marker.number != 1 else ""
        items = []
        for item in block.children:
            task = task_state(item)
            tasks = ' class="nbs-tasks"' if task else tasks
            items.append(self._item(item, task, tight=not block.loose))
        return f"<{tag}{start}{tasks}>\n{''.join(items)}</{tag}>"

    def _item(self, item: Block, task: re.Match[str] | None, *, tight: bool) -> str:
        inside = self._children(item, tight=tight)
        if task is None:
            return f"<li>{inside}</li>\n"
        box = f'<input type="checkbox" disabled=""{"" if task[1] == " " else " checked=''"}>'
        # In a loose list the box goes into the paragraph, as on GitHub.
        inside = f"<p>{box} {inside[3:]}" if inside.startswith("<p>") else f"{box} {inside}"
        return f'<li class="nbs-task">{inside}</li>\n'

    def _inline(self, block: Block) -> str:
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
        drawn = (f"<{tag}{f' align="{side}"' if side else ''}>{self._text(cell)}</{tag}>\n" for cell, side in cells)
        return f"<tr>\n{''.join(drawn)}</tr>\n"

    def _kept(self, block: Block, draw: Callable[[], str]) -> str:
        """Draw a leaf, or return what was drawn when it had closed and no label of it has been defined since."""
        kept = block.cache
        if isinstance(kept, _Drawn) and kept.missing.isdisjoint(self.references):
            self._missing |= kept.missing
            return kept.html
        before, self._missing = self._missing, set()
        html = draw()
        if not block.open:
            block.cache = _Drawn(html, frozenset(self._missing))
        self._missing |= before
        return html


def render(text: str) -> str:
    """Return GitHub-flavoured Markdown, as models write it, as sanitised HTML.

    Args:
        text: The whole text. An unclosed fence is code, raw HTML is shown as text, images become links.

    Returns:
        The HTML of the top-level blocks, joined by line ends.

    Example:
        >>> render("Steps:\\n- *one*")
        '<p>Steps:</p>\\n<ul>\\n<li><em>one</em></li>\\n</ul>'
    """
    parser = BlockParser()
    for line in clean(text).split("\n"):
        parser.feed(line)
    parser.close()
    renderer = Renderer(parser.references)
    drawn = (renderer.html(block)[0] for block in parser.document.children if block.kind != "definitions")
    return "\n".join(drawn)
