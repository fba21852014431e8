"""How the page follows one open block: what is final in it is committed once, and only what is behind is drawn again.

A list of a thousand items grows by the item, at whatever depth it is. Knows the parts of blocks; nothing of parsing.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.code_colours import COLOURING_SECONDS
from nbstream.markdown.levels import Level, child_of, coloured, grown_code, open_code
from nbstream.markdown.open_text import cuts, open_text
from nbstream.markdown.tree import MOST_LOOSENED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from nbstream.markdown.dialect import Renderer
    from nbstream.markdown.frames import Frame
    from nbstream.markdown.growing_code import GrowingCode
    from nbstream.markdown.highlight import Colouring
    from nbstream.markdown.lexers import Ready
    from nbstream.markdown.tree import Block

__all__ = ["Change", "Growth"]

# So much HTML is drawn again at once if a definition comes.
_LONG = 4_000
# How many children are put together at each update, besides twice those that are new: 2,000 may wait for it.
_FOLDED_AT_ONCE = 100


class Change(NamedTuple):
    """What a patch changes: see `Patch`."""

    depth: int
    commit: str
    tail: str


@dataclass(slots=True)
class Growth:
    """One block from its first line to its last.

    The parser knows what is final by complete lines; what is to be seen is its fork, which has read the last line too.

    Args:
        renderer: Draws the parts.

    """

    renderer: Renderer
    _colourless: dict[Block, Colouring] = field(default_factory=dict)
    _plain: dict[Block, Colouring] = field(default_factory=dict)  # code that has closed without colours
    _top: Level | None = None
    _whole: str | None = None
    _missing: set[str] = field(default_factory=set)
    _last: bool = True
    _code: str | None = None
    _left_plain: int = 0
    _found_plain: int = 0
    _behind: Future[Ready | None] | None = None

    def __post_init__(self) -> None:
        self._left_plain = self._found_plain = self.renderer.code.left_plain

    def draw(self, shown: Block, parsed: Block | None, *, last: bool = True) -> Change | None:
        """Return what has changed on the page, if anything has.

        Args:
            shown: The block as it is to be seen.
            parsed: The same block as the complete lines have it; None if it begins in the last line.
            last: Whether no other block follows it, so that what is not final in it is only a draft.
        """
        self._last, self._code, self._behind = last, None, None
        if parsed is not None:
            self._recolour(parsed)
        if self._top is None or not self._continues(self._top, shown, parsed):
            change = self._draw_whole(shown, parsed)
        else:
            self._whole = None
            change = self._grow(self._top, shown, parsed, 0)
        if change is not None and parsed is not None:
            self._behind = self._not_followed(parsed)
        return change

    def settle(self, block: Block) -> tuple[Change, str, frozenset[str]]:
        """Return the last change, the HTML of the whole block and the labels that it misses.

        Code has the colours that its lines were given while it grew, or none; the last ones are yet to come.

        Args:
            block: The block, now closed.
        """
        frame, top = self.renderer.frame(block), self._top
        if top is not None:
            self._adopt_below(top, block)
            # Code that has become too long for colours loses them.
            if top.code is not None and frame is not None and self.renderer.code.of(block) is not None:
                rest = "".join(grown_code(top, top.code, block, block))
                html = f"{frame.opening}{''.join(top.parts)}{rest}{frame.closing}"
                return Change(frame.depth, rest + frame.end, ""), html, frozenset()
        if frame is None or top is None or not top.committed or top.code or not _is_same(frame, top.frame):
            html, missing = self.renderer.html(block, colours=False)
            if top is not None and top.tail is not None and html == self._on_page():
                return Change(top.frame.depth, "", top.tail), html, missing
            return Change(0, html, ""), html, missing
        rest, missing = self.renderer.part(block, top.committed, tight=frame.tight)
        html = f"{frame.opening}{''.join(top.parts)}{rest}{frame.closing}"
        return Change(frame.depth, rest + frame.end, ""), html, missing | self._missing

    def colourless(self, block: Block) -> dict[Block, Colouring]:
        """Return the code in a settled block whose colours are yet to be found, and what finds them."""
        plain = block.kind == "code" or self._left_plain != self.renderer.code.left_plain
        return self.renderer.code.within(block) if plain else self._colourless

    def _has_plain_code(self) -> bool:
        """Whether the colours of some of its code are yet to be found."""
        return bool(self._colourless) or self._left_plain != self.renderer.code.left_plain

    def awaited(self, parsed: Block) -> Future[Ready | None] | None:
        """Return what the colours of its code wait for: a lexer that is there if more can be drawn; None if all is.

        Args:
            parsed: The block as the complete lines have it.
        """
        if self._top is None:
            return self._behind
        for colouring in self._plain_code(parsed).values():
            if awaited := colouring.awaited:
                return awaited
        code, lines = open_code(self._top, parsed)
        return self._behind if code is None else code.awaited(lines)

    def begin_again(self, parsed: Block | None) -> str | None:
        """Draw the whole block the next time, because there is a new page.

        Args:
            parsed: The block as the complete lines have it.

        Returns:
            The HTML of code as other pages show it, with its colours; None for anything else.
        """
        if self._top is not None:
            self._code = self._on_page() if self._top.code is not None else None
            awaited = self.awaited(parsed) if parsed is not None else None
            self.forget()
            if parsed is not None and self._code is None:
                awaited = awaited or self._not_followed(parsed)
            self._behind = awaited
        self.forget()
        return self._code

    def waits_for(self, references: Mapping[str, str]) -> bool:
        """Whether something that has been committed uses a label that is defined now, and is soon drawn again.

        What is long waits until it is settled: then it is drawn again bit by bit.
        """
        return not references.keys().isdisjoint(self._missing) and self._size(self._top) <= _LONG

    def forget(self) -> None:
        """Draw the whole block the next time: the page shows something else."""
        self._top = self._whole = None
        self._missing.clear()

    def _not_followed(self, parsed: Block) -> Future[Ready | None] | None:
        """The lexer of open code in it that is no level yet, so that it has no colours: it is after some more draws."""
        block = parsed
        while block.children and block.children[-1].open:
            block = block.children[-1]
        if block.kind != "code" or not block.lines or (self._top and open_code(self._top, parsed)[0]):
            return None
        code = self.renderer.code.growing(block)
        return None if code is None else code.lexer

    def _plain_code(self, parsed: Block) -> dict[Block, Colouring]:
        """What finds the colours of closed code that has none."""
        if self._found_plain != self.renderer.code.left_plain:
            self._found_plain = self.renderer.code.left_plain
            codes = self.renderer.code.within(parsed)
            new = {block: colouring for block, colouring in codes.items() if not block.open}
            for block in (each for each in new if each not in self._colourless):
                self._plain.setdefault(block, new[block])
        return self._plain

    def _recolour(self, parsed: Block) -> None:
        """Go on with those colours; once they are there, the whole block is drawn again."""
        if not (plain := self._plain_code(parsed)):
            return
        left = next((colouring for colouring in plain.values() if not colouring.done), None)
        if left is not None and left.ready:
            left.advance(COLOURING_SECONDS)
        if all(colouring.done for colouring in plain.values()):
            if self.renderer.recolour(parsed, plain):
                self.forget()
            self._plain, self._left_plain = {}, self._found_plain

    def _size(self, level: Level | None) -> int:
        return sum(map(len, level.parts)) + self._size(level.below) if level is not None else 0

    def _adopt_below(self, level: Level, block: Block) -> None:
        """Put together what has been drawn of the block below, if it has closed."""
        below, tight = level.below, level.frame.tight
        if below is None or len(block.children) <= level.committed or block.children[level.committed].open:
            return
        child = block.children[level.committed]
        if below.code is not None:
            self._adopt_code(below, below.code, child, tight=tight)
            return
        self._adopt_below(below, child)
        frame = self.renderer.frame(child, tight=tight)
        if frame is not None and below.committed and _is_same(frame, below.frame):
            rest, missing = self.renderer.part(child, below.committed, tight=frame.tight)
            html = f"{''.join(below.parts)}{rest}"
            if child.kind == "paragraph":
                tight = True  # it is kept without its element
            else:
                html = f"{frame.opening}{html}{frame.closing}"
            self.renderer.adopt(child, html, missing | self._missing, tight=tight)

    def _adopt_code(self, below: Level, code: GrowingCode, child: Block, *, tight: bool) -> None:
        """Keep the colours that its lines have: to find those of the whole takes several updates."""
        frame, colouring = self.renderer.frame(child), self.renderer.code.of(child)
        if frame is None or colouring is None or child in self._colourless:
            return
        html = f"{frame.opening}{''.join([*below.parts, *grown_code(below, code, child, child)])}{frame.closing}"
        self.renderer.adopt(child, html, frozenset(), tight=tight)
        if code.awaited(child.lines) is None:
            self._colourless[child] = colouring
        else:
            self.renderer.code.left_plain += 1

    def _draw_whole(self, shown: Block, parsed: Block | None) -> Change | None:
        with self._draft():
            html, _ = self.renderer.html(shown)
        if html == self._on_page():
            return None
        self.forget()
        self._top = self._level(shown, html)
        if self._top is not None and self._top.code is not None and parsed is not None:
            html = coloured(self._top, self._top.code, shown, parsed)
        self._whole = html
        return Change(0, "", html)

    def _draft(self) -> AbstractContextManager[None]:
        return self.renderer.draft() if self._last else nullcontext()

    def _on_page(self) -> str | None:
        """The HTML that the page shows, where it is known."""
        top = self._top
        if top is None:
            return self._whole
        if top.tail is None:
            return None
        frame = top.frame
        return f"{frame.opening}{''.join(top.parts)}{top.tail.removesuffix(frame.end)}{frame.closing}"

    def _level(self, block: Block, html: str, *, tight: bool = False) -> Level | None:
        """The element that the page has just been given whole."""
        frame = self.renderer.frame(block, tight=tight)
        if frame is None:
            return None
        parts = html[len(frame.opening) : -len(frame.closing)]
        below, code = self._below(block, 0, parts, frame), self.renderer.code.growing(block)
        return Level(frame, tail=parts + frame.end, below=below, code=code)

    def _below(self, block: Block, start: int, parts: str, frame: Frame) -> Level | None:
        """The only element after the first parts; one with a check box in it is drawn by its item."""
        if len(block.children) != start + 1 or (block.kind == "item" and block.task and not start):
            return None
        return self._level(block.children[start], parts.removeprefix("\n"), tight=frame.tight)

    def _continues(self, level: Level, shown: Block, parsed: Block | None, *, tight: bool = False) -> bool:
        """Whether the element on the page can continue as this block."""
        if (parsed is not None and parsed.kind != shown.kind) or self.renderer.frame(shown, tight=tight) != level.frame:
            return False
        return not level.source or open_text(shown).startswith(level.source)

    def _grow(self, level: Level, shown: Block, parsed: Block | None, depth: int) -> Change | None:
        depth += level.frame.depth
        if level.code is not None:
            return self._grow_code(level, level.code, shown, parsed, depth)
        tight = level.frame.tight
        final = self._final(level, shown, parsed)
        if level.below is not None and final == level.committed and len(shown.children) == final + 1:
            child, twin = shown.children[final], child_of(parsed, final)
            if self._continues(level.below, child, twin, tight=tight):
                change = self._grow(level.below, child, twin, depth)
                level.tail = level.tail if change is None else None
                return change
        if final > level.committed:
            self._adopt_below(level, shown)
        commit, missing = self.renderer.part(shown, level.committed, final, tight=tight)
        with self._draft():
            rest, _ = self.renderer.part(shown, final, tight=tight)
        tail = rest + level.frame.end
        level.below = self._below(shown, final, rest, level.frame)
        if not commit and tail == level.tail:
            return None
        self._missing |= missing
        level.parts.append(commit)
        if shown.kind == "paragraph":
            level.source = open_text(shown)[:final]
        self._fold(level, parsed, final)
        level.committed, level.tail = final, tail
        return Change(depth, commit, tail)

    def _fold(self, level: Level, parsed: Block | None, final: int) -> None:
        """Keep less of what is final in a container, once neither loose items nor colours change it any more."""
        if parsed is None or not parsed.children or self._has_plain_code():
            return
        if not level.frame.tight or (parsed.kind == "list" and final > MOST_LOOSENED):
            stop = min(final, level.folded + 2 * (final - level.committed) + _FOLDED_AT_ONCE)
            self.renderer.fold(parsed, level.folded, stop, tight=level.frame.tight)
            level.folded = stop

    def _grow_code(
        self, level: Level, code: GrowingCode, shown: Block, parsed: Block | None, depth: int
    ) -> Change | None:
        commit, rest = grown_code(level, code, shown, parsed)
        tail = rest + level.frame.end
        if not commit and tail == level.tail:
            return None
        level.parts.append(commit)
        level.tail = tail
        return Change(depth, commit, tail)

    def _final(self, level: Level, shown: Block, parsed: Block | None) -> int:
        """How many parts of a block will not change any more."""
        match shown.kind:
            case "paragraph":
                return max(cuts(open_text(shown), level.committed), default=level.committed)
            case "code" | "table":
                final = level.committed if parsed is None else len(parsed.lines)
                if parsed is not None and parsed.kind == "code" and parsed.fence is None:
                    final = parsed.end - parsed.start + 1  # blank lines at the end do not belong to indented code
                return max(final, level.committed)
        children = parsed.children if parsed is not None else []
        return len(children) - (1 if children and children[-1].open else 0)


def _is_same(frame: Frame, before: Frame) -> bool:
    return frame.opening == before.opening and frame.tight == before.tight
