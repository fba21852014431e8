"""An answer rendered piece by piece: each top-level block is drawn for good once it has closed.

Only complete lines decide what is closed; the unfinished last line is shown on a fork of the parser's state.
Knows nothing of clocks, threads or displays.
"""

from __future__ import annotations

import re
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from nbstream.markdown.blocks import BlockParser
from nbstream.markdown.code_colours import COLOURING_SECONDS
from nbstream.markdown.dialect import Renderer
from nbstream.markdown.growth import Growth
from nbstream.markdown.late import LateBlocks
from nbstream.markdown.open_text import open_text
from nbstream.markdown.references import may_define
from nbstream.markdown.remarks import remark_html
from nbstream.markdown.source import clean, lines_of
from nbstream.markdown.tree import NOT_IN_PLACE, Remark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nbstream.markdown.highlight import Colouring
    from nbstream.markdown.links import Images
    from nbstream.markdown.tree import Block

__all__ = ["IncrementalRenderer", "Patch"]

# A last line that is nothing but markers so far, or opens a fence or formula, may still become something else.
_UNDECIDED = re.compile(r"[ \t]*(?:[-*_=+#>~|:.$()\\\[\]`\d \t]*|\[\^[^\]\s]*\]?|(?:```|~~~|\$\$|\\\[).*)")
# Beyond so many characters a last line is shown anyway, if it is the text of a paragraph or heading by now.
_LONGEST_UNDECIDED = 1_000
# How many notes are drawn at once in the end.
_NOTES_AT_ONCE = 1_000
# Half a character or half a line end: kept back until the rest arrives.
_CUT = re.compile(r"[\r\ud800-\udbff]\Z")


@dataclass(frozen=True, slots=True)
class Patch:
    """How the HTML of a block has changed.

    A block is drawn in an element of its own, its slot. A patch goes into the element that is reached from the slot by
    taking the last child element `depth` times. That element's content is what has been committed to it, for good, and
    a tail, which the next patch replaces.

    Attributes:
        block: The number of the top-level block, from 0.
        depth: 0 for the slot itself, of which everything is replaced.
        commit: HTML to append to what has been committed, sanitised.
        tail: The HTML after that, sanitised; it may still change.
        settled: Whether the block is structurally final. Only the colours of code, a link reference defined later and
            `change_remark` change it again.
    """

    block: int
    depth: int
    commit: str
    tail: str
    settled: bool


class IncrementalRenderer:
    r"""Renders a growing text; the HTML of all blocks, joined by line ends, is what `render` gives in the end.

    Args:
        images: As for `render`.

    Example:
        >>> renderer = IncrementalRenderer()
        >>> renderer.append("# Ti")
        (Patch(block=0, depth=0, commit='', tail='<h1>Ti</h1>', settled=False),)
        >>> renderer.append("tle\n")
        (Patch(block=0, depth=0, commit='<h1>Title</h1>', tail='', settled=True),)
        >>> renderer.finish()
        ()
        >>> renderer.snapshot()
        ['<h1>Title</h1>']
    """

    def __init__(self, *, images: Images = "link") -> None:
        self._parser = BlockParser()
        self._renderer = Renderer(self._parser.references, images, wait=False)
        self._held = ""
        self._line: list[str] = []
        self._settled: list[str] = []
        self._late = LateBlocks(self._renderer)
        # The numbers of blocks that are, or hold, code whose colours are yet to be found.
        self._colourless: deque[tuple[int, Block, dict[Block, Colouring]]] = deque()
        self._ended = False
        self._notes: list[tuple[Block, int]] = []  # those that are open, and how many of their children were drawn
        self._known_notes = 0
        self._length = 0
        # What is not settled: each block as it is shown, and as the complete lines have it if they have begun it.
        self._shown: list[tuple[Block, Block | None]] = []
        self._growths: list[Growth] = []

    def append(self, delta: str) -> tuple[Patch, ...]:
        """Take in the next piece of the text.

        Args:
            delta: The piece, cut anywhere.

        Returns:
            The blocks that settled or changed, in block order except that settled blocks changed by a late
            definition come first, and those by their colours after what has settled.
        """
        self._length += len(delta)
        text = self._held + delta
        self._held = ""
        if cut := _CUT.search(text):
            self._held = cut[0]
            text = text[: cut.start()]
        *complete, last = clean(text).split("\n")
        for piece in complete:
            self._parser.feed("".join([*self._line, piece]))
            self._line = []
        self._line.append(last)
        return tuple(self._update())

    def awaited(self) -> list[Future[Any]]:
        """Return what it takes to draw more of the same text, which is done if it can be drawn now; nothing if all is.

        That comes with the next piece of the text, or by `go_on` if there is none.
        """
        awaited: list[Future[Any] | None] = [growth.awaited(parsed) for growth, _, parsed in self._growing() if parsed]
        if self._colourless:
            _, _, codes = self._colourless[0]
            awaited.append(next((each.awaited for each in codes.values() if not each.done), _done()))
        if self._late.is_due(self._length):
            awaited.append(_done())
        return [each for each in awaited if each is not None]

    def go_on(self) -> tuple[Patch, ...]:
        r"""Draw more of the same text: colours whose lexers have come, and what was too much for one update.

        Returns:
            The blocks that changed.

        Example:
            >>> renderer = IncrementalRenderer()
            >>> _ = renderer.append("```python\nx = 1\n```\n")
            >>> while waiting := renderer.awaited():
            ...     _ = [each.result() for each in waiting], renderer.go_on()
            >>> renderer.snapshot()[0].count("<span")
            3
        """
        if not any(each.done() for each in self.awaited()):
            return ()
        patches = self._redraw() + self._colour()
        for number, (growth, shown, parsed) in enumerate(self._growing(), len(self._settled)):
            if parsed is None or growth.awaited(parsed) is None:
                continue
            last = number == len(self._settled) + len(self._shown) - 1
            if change := growth.draw(shown, parsed, last=last):
                patches.append(Patch(number, *change, settled=False))
        return tuple(patches)

    def remark(self, remark: Remark) -> tuple[int, tuple[Patch, ...]]:
        r"""Place a remark behind what has come so far; what comes next begins a block of its own.

        Returns:
            The number of its block, and the blocks that settled or changed.

        Example:
            >>> renderer = IncrementalRenderer()
            >>> _ = renderer.append("Let me look.\n")
            >>> block, _ = renderer.remark(Remark("Tool call: look_up"))
            >>> block, renderer.snapshot()[block]
            (1, '<p class="nbs-step"><em>Tool call: look_up</em></p>')
        """
        self._end_line()
        self._parser.interrupt(remark)
        patches = tuple(self._update())
        return len(self._settled) - 1, patches

    def change_remark(self, block: int, remark: Remark) -> tuple[Patch, ...]:
        """Replace a remark.

        Args:
            block: The number of its block.
            remark: What is to stand there.
        """
        html = remark_html(*remark.lines)
        if html == self._settled[block]:
            return ()
        self._settled[block] = html
        return (Patch(block, 0, html, "", settled=True),)

    def finish(self) -> tuple[Patch, ...]:
        """Take what has come so far for the whole text, and draw all that is left to draw.

        Returns:
            The blocks that settled or changed.
        """
        return (*self.end(), *(patch for patches in self.rest() for patch in patches))

    def end(self) -> tuple[Patch, ...]:
        """Take what has come so far for the whole text, and settle every block; `rest` is to follow.

        Returns:
            The blocks that settled or changed.
        """
        self._end_line()
        self._parser.close()
        self._ended = True
        return (*self._update(final=True), *self._redraw(final=True))

    def rest(self) -> Iterator[tuple[Patch, ...]]:
        """Draw the footnotes and find the colours that are missing, and yield what has changed every few milliseconds.

        The definitions of notes may stand anywhere and may come last, so they are drawn after everything else.
        """
        notes, self._parser.notes, self._known_notes = self._parser.notes, {}, 0
        lines: list[str] = []
        if self._renderer.code.left_plain:
            for note in notes.values():
                codes = self._renderer.code.within(note)
                for colouring in codes.values():
                    while not colouring.advance(COLOURING_SECONDS):
                        yield ()
                self._renderer.recolour(note, codes)
        for line in self._renderer.footnotes(notes):
            lines.append(line)
            if not len(lines) % _NOTES_AT_ONCE:
                yield ()
        if lines:
            html = "\n".join(lines)
            self._settled.append(html)
            yield (Patch(len(self._settled) - 1, 0, html, "", settled=True),)
        while self._colourless:
            yield tuple(self._colour(wait=True))
        yield tuple(self._redraw(final=True))

    def snapshot(self) -> list[str]:
        """Return the HTML of each block as it has been drawn, for a page that begins now or has missed something.

        The following patches continue from there: the open blocks are drawn whole again.
        """
        code = [growth.begin_again(parsed) for growth, _, parsed in self._growing()]
        with self._renderer.draft():
            blocks = (block for block, _ in self._shown)
            shown = (html or self._renderer.html(block)[0] for html, block in zip(code, blocks, strict=True))
            return [*self._settled, *shown]

    def _growing(self) -> list[tuple[Growth, Block, Block | None]]:
        return [(growth, *blocks) for growth, blocks in zip(self._growths, self._shown, strict=True)]

    def _end_line(self) -> None:
        for line in lines_of("".join(self._line) + clean(self._held)):
            self._parser.feed(line)
        self._held, self._line = "", []

    def _update(self, *, final: bool = False) -> list[Patch]:
        patches = self._redraw() + self._settle(final=final) + self._colour()
        self._prepare_notes()
        view = self._view()
        # The document as it looks now; a definition in the making is not shown.
        parsed = self._parser.document.children
        twins = [*parsed, *[None] * (len(view.document.children) - len(parsed))]
        shown = [
            (block, twin) for block, twin in zip(view.document.children, twins, strict=False) if not _hidden(block)
        ]
        patches += self._clear(len(shown))
        for offset, (block, twin) in enumerate(shown):
            if offset == len(self._growths):
                self._growths.append(Growth(self._renderer))
            # Where one block follows another, only the last of them may still become something else.
            if change := self._growths[offset].draw(block, twin, last=offset == len(shown) - 1):
                patches.append(Patch(len(self._settled) + offset, *change, settled=False))
        self._shown = shown
        return patches

    def _view(self) -> BlockParser:
        """The parser as if the last line were complete, where that is not likely to turn out otherwise."""
        line = "".join(self._line)
        undecided = _UNDECIDED.fullmatch(line) is not None
        if undecided and (len(line) <= _LONGEST_UNDECIDED or line.isspace()):
            return self._parser
        view = self._parser.fork()
        view.feed(line)
        if not undecided or view.tip.kind == "paragraph" or view.document.children[-1].kind == "heading":
            return view
        return self._parser

    def _prepare_notes(self) -> None:
        """Draw what has closed of the notes, so that they only have to be put together in the end."""
        notes = self._parser.notes
        new, self._known_notes = len(notes) - self._known_notes, len(notes)
        begun = [*self._notes, *((note, 0) for note in islice(reversed(notes.values()), new))]
        self._notes = []
        for note, drawn in begun:
            missing = self._renderer.note(note, drawn)
            if note.open:
                self._notes.append((note, max(drawn, len(note.children) - 1)))
            else:
                self._late.add_note(note, missing)

    def _clear(self, shown: int) -> list[Patch]:
        """Empty the slots of blocks that have merged into the block before."""
        gone = range(len(self._settled) + shown, len(self._settled) + len(self._growths))
        del self._growths[shown:]
        return [Patch(number, 0, "", "", settled=False) for number in gone]

    def _settle(self, *, final: bool) -> list[Patch]:
        """Draw the blocks that have closed since the last call for good, and forget them."""
        children = self._parser.document.children
        patches = []
        while children and not children[0].open:
            block = children.pop(0)
            if block.kind in NOT_IN_PLACE:
                continue
            growth = self._growths.pop(0) if self._growths else Growth(self._renderer)
            change, html, missing = growth.settle(block)
            number = len(self._settled)
            patches.append(Patch(number, *change, settled=True))
            self._settled.append(html)
            if codes := growth.colourless(block):
                self._colourless.append((number, block, codes))
            else:
                self._late.add(number, block, html, missing, final=final)
        return patches

    def _colour(self, *, wait: bool = False) -> list[Patch]:
        """Go on with the colours of the first code that has none yet: those of a long one take several updates.

        Args:
            wait: Whether to wait, not for long, if they cannot be found yet.
        """
        if not self._colourless:
            return []
        number, block, codes = self._colourless[0]
        left = next((colouring for colouring in codes.values() if not colouring.done), None)
        if left is not None:
            done = (wait or left.ready) and left.advance(COLOURING_SECONDS)
            if not done or not all(colouring.done for colouring in codes.values()):
                return []
        self._colourless.popleft()
        before = self._settled[number]
        if block in codes:
            html = self._renderer.code.coloured(block, codes[block])
        else:
            html, missing = self._renderer.recoloured(block, codes)
            self._late.add(number, block, html, missing, final=self._ended)
        self._settled[number] = html
        return [Patch(number, 0, html, "", settled=True)] if html != before else []

    def _redraw(self, *, final: bool = False) -> list[Patch]:
        """Draw again what waits for a label that has been defined since."""
        if self._late.new_definitions():
            for growth in self._growths:
                if growth.waits_for(self._parser.references):
                    growth.forget()
        patches = []
        for number, html in self._late.drawn_again(self._length, final=final):
            self._settled[number] = html
            patches.append(Patch(number, 0, html, "", settled=True))
        return patches


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


def _hidden(block: Block) -> bool:
    if block.kind == "paragraph" and block.open:
        return may_define(block.text) or not open_text(block)
    return block.kind in NOT_IN_PLACE
