"""The block tree drawn as sanitised HTML, and `render`, one whole text at once.

Knows the tree and the inline phase; nothing of streaming.
"""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING

from nbstream.markdown.blocks import parse
from nbstream.markdown.code_colours import CodeColours
from nbstream.markdown.drawn import NO_LABELS, Drawn, fold
from nbstream.markdown.formulas import allowed_commands
from nbstream.markdown.frames import ALIGN, Frame, code_frame, list_frame, plain_row, with_box
from nbstream.markdown.inline_html import InlineHtml
from nbstream.markdown.open_text import OpenText, cuts, open_text
from nbstream.markdown.remarks import remark_html
from nbstream.markdown.safety import sanitise
from nbstream.markdown.tables import LONGEST_ROW, cells
from nbstream.markdown.tree import NOT_IN_PLACE, NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from nbstream.markdown.highlight import Colouring
    from nbstream.markdown.links import Images
    from nbstream.markdown.tree import Block, Remark

__all__ = ["Renderer", "render"]

_TASK = ' class="nbs-task"'
_MATH_END = {"$$": "$$", "\\[": "\\]"}
# A paragraph beyond so many characters is drawn part by part.
_LONG = 800
# A longer row of an open table is plain text until it is complete: all its cells would be drawn at each update.
_LONGEST_OPEN_ROW = 4_000
# So many pieces of a text are remembered as they were drawn.
_MOST_KEPT = 200
_TOO_LONG = "Shown as it was written, because the row is too long."


class Renderer:
    """Draws blocks; what it made of a closed one is kept in the block until one of its labels is defined.

    Each text is sanitised as it is drawn; the tags around it are written here, and nothing of it gets into them.

    Args:
        references: The definitions known so far; may grow between calls.
        images: `"link"` makes links of images, `"allow"` shows those that are loaded by http or https.
        wait: Whether to wait for what colours code; without it, code has no colours before that is there.

    Attributes:
        references: See above.
        code: What draws code.
    """

    def __init__(self, references: dict[str, str], images: Images = "link", *, wait: bool = True) -> None:
        self.references = references
        self.code = CodeColours(wait=wait)
        self._images = images
        self._inlines = InlineHtml(references, images)
        self._open_text = OpenText(self._text)
        self._missing: set[str] = set()
        self._cells: dict[Hashable, Drawn] = {}  # of the table that is growing, and its head
        self._drawn: dict[Hashable, Drawn] = {}  # pieces of long texts
        self._places: list[int] = []  # where the last text was cut, up to the end of `_cut_text`
        self._cut_text = ""

    def html(self, block: Block, *, colours: bool = True) -> tuple[str, frozenset[str]]:
        """Return the sanitised HTML of a top-level block and the labels it uses that have no definition.

        Args:
            block: The block.
            colours: Whether code gets its colours now.
        """
        self._missing = set()
        if block.kind == "code" and not colours:
            return self.code.plain(block), frozenset()
        html, kept = self._draw(block), block.cache
        if isinstance(kept, Drawn) and kept.missing == self._missing:
            return html, kept.missing
        return html, frozenset(self._missing)

    def recoloured(self, block: Block, codes: Mapping[Block, Colouring]) -> tuple[str, frozenset[str]]:
        """Return the HTML of a container again, and the labels that it misses, once there are the colours in it."""
        self.recolour(block, codes)
        return self.html(block)

    def recolour(self, block: Block, codes: Mapping[Block, Colouring]) -> bool:
        """Draw the code in a block with its colours; return whether anything has changed."""
        changed = [self.recolour(child, codes) for child in block.children]
        html = self.code.coloured(block, codes[block]) if block in codes else None
        if html is None:
            block.cache = None if any(changed) else block.cache
            return any(changed)
        kept = block.cache
        if isinstance(kept, Drawn) and kept.html == html:
            return False
        block.cache = Drawn(html, kept.tight, NO_LABELS) if isinstance(kept, Drawn) else None
        return True

    def part(self, block: Block, start: int, stop: int | None = None, *, tight: bool) -> tuple[str, frozenset[str]]:
        """Return the HTML of some of the parts of a block that has a `frame`, and the labels they miss.

        Args:
            block: A container, whose parts are its children; a table or open code, whose parts are its lines; or an
                open paragraph, whose parts are the characters of its `open_text`.
            start: The first part.
            stop: Behind the last one; None for all there are.
            tight: Whether paragraphs in the block have no element of their own.
        """
        self._missing = set()
        if block.kind == "table":
            self._table_head(block)  # which is not drawn, but misses labels, too
        return self._part(block, start, stop, tight=tight), frozenset(self._missing)

    def stops(self, block: Block) -> Iterator[int]:
        """Yield where the parts of a block end that has a `frame`, one after the other."""
        if block.kind != "paragraph":
            yield from range(1, 1 + max(len(block.children), len(block.lines)))
            return
        text = open_text(block)
        yield from cuts(text)
        yield len(text)

    def adopt(self, block: Block, html: str, missing: frozenset[str], *, tight: bool) -> None:
        """Keep what a closed block was drawn as, part by part, so that it is not drawn again."""
        block.cache = Drawn(html, tight, missing)

    def fold(self, block: Block, start: int, stop: int, *, tight: bool) -> None:
        """Put closed children together, as far as they can be, see `drawn.fold`.

        Args:
            block: A container.
            start: The first of them.
            stop: Behind the last one.
            tight: Whether paragraphs in the block have no element of their own.
        """
        fold(block, start, stop, lambda child: self._alone(child, tight=tight), tight=tight)

    def _alone(self, child: Block, *, tight: bool) -> tuple[str, frozenset[str]]:
        self._missing = set()
        html = "".join(self._behind_line_end(child, tight=tight)).removeprefix("\n")
        return html, frozenset(self._missing)

    def draft(self) -> AbstractContextManager[None]:
        """What is drawn inside may still change: its footnote references are not counted for good."""
        return self._inlines.footnotes.draft()

    def footnotes(self, notes: Mapping[str, Block]) -> Iterator[str]:
        """Yield the lines of HTML of the section with the footnotes that what was drawn refers to, note by note."""
        with self._inlines.footnotes.ahead():
            yield from self._inlines.footnotes.section(notes, self._note)

    def note(self, note: Block, start: int = 0) -> frozenset[str]:
        """Draw what has closed of a note before the section is drawn, and return the labels that it misses.

        Args:
            note: The note.
            start: The first of its children that has not been drawn yet.
        """
        self._missing = set()
        if note.open:
            with self._inlines.footnotes.ahead():
                for child in note.children[start:-1]:
                    self._draw(child)
        else:
            with self._inlines.footnotes.ahead():
                self._note(note)
            if not self._missing and not self.code.left_plain and note.cache is not None:
                note.children = note.lines = NOTHING  # it is not drawn again
        return frozenset(self._missing)

    def _note(self, note: Block) -> str:
        return self._kept(note, tight=False).removeprefix("\n")

    def frame(self, block: Block, *, tight: bool = False) -> Frame | None:
        """Return what stands around the parts of a block, or None if it can only be drawn whole.

        Args:
            block: The block.
            tight: For an item, whether its list is tight.
        """
        match block.kind:
            case "list":
                return list_frame(block)
            case "item":
                return Frame(f"<li{_TASK * bool(block.task)}>", "</li>", 1, tight=tight and not block.loose)
            case "quote":
                return Frame("<blockquote>", "\n</blockquote>", 1)
            case "table" if len(block.lines) > 1:
                return Frame(f"{self._table_head(block)}<tbody>", "\n</tbody>\n</table>", 2)
            case "code":
                return code_frame(block)
            case "paragraph" if not tight and sum(map(len, block.lines)) > _LONG:
                return Frame("<p>", "</p>", 1)
        return None

    def _draw(self, block: Block, *, tight: bool = False) -> str:
        if block.kind in NOT_IN_PLACE:
            return ""
        if block.kind == "settled":
            assert isinstance(block.cache, Drawn)
            return block.cache.html
        if block.kind == "paragraph" and not block.open:
            # Kept without its element, because all items of a list change when it becomes loose.
            html = self._kept(block, tight=True)
            return html if tight else f"<p>{html}</p>"
        return self._kept(block, tight=tight)

    def _kept(self, block: Block, *, tight: bool) -> str:
        kept = block.cache
        if isinstance(kept, Drawn) and kept.tight == tight and self.references.keys().isdisjoint(kept.missing):
            self._missing |= kept.missing
            for key in kept.notes:
                self._inlines.footnotes.number(key)
            return kept.html
        before, self._missing = self._missing, set()
        seen = self._inlines.footnotes.seen()
        html = self._new(block, tight=tight)
        # What only stands around something else is not kept: forty of them would be forty copies of what is in them.
        if not block.open and not _only_stands_around(block):
            missing = frozenset(self._missing) if self._missing else NO_LABELS
            block.cache = Drawn(html, tight, missing, self._inlines.footnotes.since(seen))
        before |= self._missing  # not the other way round: there may be thousands before it
        self._missing = before
        return html

    def _new(self, block: Block, *, tight: bool) -> str:
        if block.kind == "code" and not block.open:
            return self.code.html(block)
        if frame := self.frame(block, tight=tight):
            html = "".join([frame.opening, *self._parts(block, 0, tight=frame.tight), frame.closing])
            if block.kind == "table" and not block.open:
                self._cells.clear()
            return html
        match block.kind:
            case "paragraph":
                html = self._paragraph(block)
                return html if tight else f"<p>{html}</p>"
            case "heading":
                return f"<h{block.level}>{self._paragraph(block)}</h{block.level}>"
            case "remark":
                return remark_html(*block.lines)
            case "rule":
                return "<hr>"
            case "table":
                return f"{self._table_head(block)}</table>"
            case "math":
                run = block.fence.run if block.fence else "$$"
                # A page may hand it to a TeX engine, as with those in a line.
                source = allowed_commands(run + block.text + _MATH_END[run])
                return f'<div class="nbs-math">{escape(source, quote=False)}</div>'
        return self._part(block, 0, tight=False)  # a note

    def _part(self, block: Block, start: int, stop: int | None = None, *, tight: bool) -> str:
        return "".join(self._parts(block, start, stop, tight=tight))

    def _parts(self, block: Block, start: int, stop: int | None = None, *, tight: bool) -> list[str]:
        """What a part of a block consists of: it may be long, and would be copied for each block that it is in."""
        match block.kind:
            case "paragraph":
                return [self._paragraph(block, start, stop)]
            case "code":
                lines = block.lines[start:stop]
                return [escape("\n".join(["", *lines] if start and lines else lines), quote=False)]
            case "table":
                *lines, last = block.lines[start or 1 : stop] or [""]
                rows = [f"\n{self._row(line, block.align, 'td')}" for line in lines]
                if block.open and stop is None and len(last) > _LONGEST_OPEN_ROW:
                    return [*rows, f"\n{plain_row(last, block.align)}"]
                return [*rows, f"\n{self._row(last, block.align, 'td')}"] if last else rows
        parts = [part for child in block.children[start:stop] for part in self._behind_line_end(child, tight=tight)]
        if block.kind != "item" or start:
            return parts
        html = parts[1:]
        return [with_box("".join(html), block.task)] if block.task and stop != 0 else html

    def _behind_line_end(self, block: Block, *, tight: bool) -> list[str]:
        if _only_stands_around(block) and (frame := self.frame(block, tight=tight)):
            return ["\n", frame.opening, *self._parts(block, 0, tight=frame.tight), frame.closing]
        html = self._draw(block, tight=tight)
        return ["\n", html] if html else []

    def _paragraph(self, block: Block, start: int = 0, stop: int | None = None) -> str:
        """Draw the text of a leaf, or what is between two of its cuts."""
        text = open_text(block)[:stop]
        *pieces, rest = self._pieces(text, start)
        # Most open paragraphs are drawn from their last cut on. Headings and others are drawn whole at each update.
        drawn = [self._piece(piece) for piece in pieces]
        if stop is not None:
            drawn.append(self._piece(rest))  # the paragraph may become a heading
        else:
            drawn.append(self._open_text.html(rest) if block.open else self._text(rest))
        return "".join(drawn)

    def _pieces(self, text: str, start: int = 0) -> list[str]:
        """The text from `start` on, cut where it may be."""
        places = [start]
        if not start and self._cut_text and text.startswith(self._cut_text):
            places = self._places.copy()  # it has grown since, as a heading does
        places += cuts(text, places[-1])
        if not start:
            self._places, self._cut_text = places.copy(), text[: places[-1]]
        return [text[one:other] for one, other in itertools.pairwise([*places, len(text)])]

    def _piece(self, piece: str) -> str:
        if len(self._drawn) > _MOST_KEPT:
            self._drawn.clear()
        return self._remembered(self._drawn, piece, piece, lambda: self._text(piece))

    def _remembered(self, kept: dict[Hashable, Drawn], key: Hashable, text: str, draw: Callable[[], str]) -> str:
        """Draw something, or return what was drawn of it before."""
        if "[^" in text:
            return draw()  # a reference counts each time
        drawn = kept.get(key)
        if drawn is None or not self.references.keys().isdisjoint(drawn.missing):
            before, self._missing = self._missing, set()
            drawn = kept[key] = Drawn(draw(), False, frozenset(self._missing))
            self._missing = before
        self._missing |= drawn.missing
        return drawn.html

    def _text(self, text: str) -> str:
        self._inlines.missing = set()
        html = sanitise(self._inlines.html(text), self._images)
        self._missing |= self._inlines.missing
        return html

    def _table_head(self, block: Block) -> str:
        """Draw the head of a table, or return what was drawn of it: it is asked for at each update."""
        line = block.lines[0]
        return self._remembered(self._cells, (line, block.align), line, lambda: self._new_head(block))

    def _new_head(self, block: Block) -> str:
        return f"<table>\n<thead>\n{self._row(block.lines[0], block.align, 'th')}\n</thead>\n"

    def _row(self, line: str, align: tuple[str, ...], tag: str) -> str:
        if len(line) > LONGEST_ROW:
            return plain_row(line, align, f' title="{_TOO_LONG}"')
        row = zip(cells(line, len(align)), align, strict=False)  # a row may be shorter
        drawn = "".join(f"<{tag}{ALIGN[side]}>{self._cell(cell)}</{tag}>\n" for cell, side in row)
        return f"<tr>\n{drawn}</tr>"

    def _cell(self, text: str) -> str:
        """Draw a cell, or return what was drawn for the same text in the table that is growing."""
        if len(text) > _LONG:
            return "".join(map(self._piece, self._pieces(text)))
        return self._remembered(self._cells, text, text, lambda: self._text(text))


def _only_stands_around(block: Block) -> bool:
    return len(block.children) == 1 and bool(block.children[0].children)


def render(*texts: str | Remark, images: Images = "link") -> str:
    r"""Return GitHub-flavoured Markdown, as models write it, as sanitised HTML.

    Args:
        texts: The whole text, or stretches of it with remarks between them. An unclosed fence is code, raw HTML is
            shown as text.
        images: `"link"` makes links of images, `"allow"` shows those that are loaded by http or https.

    Returns:
        The HTML of the top-level blocks, joined by line ends.

    Example:
        >>> render("Steps:\n- *one*")
        '<p>Steps:</p>\n<ul>\n<li><em>one</em></li>\n</ul>'
    """
    parser = parse(texts)
    renderer = Renderer(parser.references, images)
    drawn = [renderer.html(block)[0] for block in parser.document.children if block.kind not in NOT_IN_PLACE]
    return "\n".join([*drawn, *renderer.footnotes(parser.notes)])
