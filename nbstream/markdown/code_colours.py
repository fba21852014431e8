"""The code of one answer, with colours where it has any.

Knows blocks of code; nothing of how colours are found.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nbstream.markdown.frames import code_frame, code_opening
from nbstream.markdown.growing_code import GrowingCode
from nbstream.markdown.highlight import colouring_of, is_among_the_first
from nbstream.markdown.safety import sanitise

if TYPE_CHECKING:
    from nbstream.markdown.highlight import Colouring
    from nbstream.markdown.tree import Block

__all__ = ["COLOURING_SECONDS", "CodeColours"]

COLOURING_SECONDS = 0.005
"""How much of an update is spent on colours, which take much longer than everything else."""

_TOO_SLOW = "Shown without colours, because finding them takes too long."


class CodeColours:
    """Colours the code of one answer.

    Args:
        wait: Whether to wait for lexers that are not there yet.

    Attributes:
        left_plain: How many times code was left without colours, or without some, because that would have taken longer.
    """

    def __init__(self, *, wait: bool) -> None:
        self.left_plain = 0
        self._wait = wait
        self._slow: set[str] = set()  # the lexers that took too long
        self._languages: set[str] = set()

    def of(self, block: Block) -> Colouring | None:
        """Return what finds the colours of a block; None if it is shown without."""
        if block.kind != "code" or not is_among_the_first(block.language, self._languages):
            return None
        return colouring_of("".join(f"{line}\n" for line in block.lines), block.language, self._slow)

    def within(self, block: Block) -> dict[Block, Colouring]:
        """Return what finds the colours of all the code that a block is or holds."""
        colouring = self.of(block)
        codes = {} if colouring is None else {block: colouring}
        for child in block.children:
            codes |= self.within(child)
        return codes

    def growing(self, block: Block) -> GrowingCode | None:
        """Return what colours a block that grows; None if it is shown without colours."""
        has_colours = block.kind == "code" and is_among_the_first(block.language, self._languages)
        return GrowingCode(block.language) if has_colours else None

    def html(self, block: Block) -> str:
        """Return the HTML of a closed block with its colours, if they can be had now."""
        colouring = self.of(block)
        if colouring is None:
            return self.plain(block)
        if not self._wait and not colouring.ready:
            self.left_plain += 1
            return self.plain(block)
        colouring.advance()
        return self.coloured(block, colouring)

    def coloured(self, block: Block, colouring: Colouring) -> str:
        """Return the HTML of code whose colours have been found, or which says that they took too long."""
        html = colouring.html
        if html is None:
            return self.plain(block, _TOO_SLOW if colouring.given_up else "")
        return f"{code_opening(block)}{sanitise(html)}</code></pre>"

    def plain(self, block: Block, title: str = "") -> str:
        """Return the HTML of code without colours, which a title may say something about."""
        frame = code_frame(block, title)
        return f"{frame.opening}{escape(block.text, quote=False)}{frame.closing}"
