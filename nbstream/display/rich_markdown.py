"""Markdown drawn for a terminal by `rich`: a piece of a text in, printable lines out.

What rich and its parser would hide or act on is shown instead: HTML is text, formulas keep their characters, an address
is printed and never hidden behind words.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from markdown_it import MarkdownIt
from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.syntax import Syntax
from rich.text import Text
from rich.theme import Theme

from nbstream.display.growing_blocks import LONGEST_PARAGRAPH
from nbstream.display.terminal_table import TableLayout
from nbstream.markdown.highlight import colouring_of
from nbstream.markdown.links import safe_url
from nbstream.markdown.literals import Literals
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from nbstream.display.growing_blocks import Piece

__all__ = ["Line", "MarkdownPrinter"]


# Of processor time, for the colours of some code and for each of its characters: several times what is ordinary.
_SECONDS, _SECONDS_EACH = 0.005, 0.00001
_MOST_TIMES_SLOW = 2
# Below the head of a table.
_RULE = "───"


class Line(NamedTuple):
    """One line as it is written, without its line end, and how many columns it takes."""

    text: str
    width: int


class MarkdownPrinter:
    """Draws pieces of an answer for one terminal, in its colours.

    Args:
        out: The terminal.
    """

    def __init__(self, out: TextIO) -> None:
        theme = Theme({"markdown.code": "bold cyan"})  # no black box on a light terminal
        self._console = Console(file=out, theme=theme, force_jupyter=False, highlight=False, markup=False, emoji=False)
        self._table = TableLayout()
        self._slow: list[str] = []  # the languages whose colours took too long, each time

    @property
    def capable(self) -> bool:
        """Whether the terminal moves its cursor as it is told to."""
        console = self._console
        return console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows

    def draw(self, piece: Piece, width: int) -> list[Line]:
        """The lines of a piece, none of them wider than `width`."""
        if piece.kind == "table":
            return self._rows(piece, width)
        if piece.kind == "paragraph" and len(piece.source) > LONGEST_PARAGRAPH:
            parts = [part for line in map(plain, piece.source.split("\n")) for part in chop_cells(line, width)]
            return [Line(part, cell_len(part)) for part in parts]
        lines = self._lines(Text(piece.source) if piece.kind == "math" else _Answer(piece, self._slow), width)
        return lines if piece.kind == "code" else _without_margins(lines)

    def _rows(self, piece: Piece, width: int) -> list[Line]:
        """The lines of a table; of the rest of one, without its head."""
        if piece.begins:
            self._table = TableLayout()
        laid_out = self._table.lines(piece.source.partition("\n\n")[0], width)
        if laid_out is None:
            lines = _without_margins(self._lines(_Answer(piece, self._slow), width))
            below = next((number for number, line in enumerate(lines) if _RULE in line.text), -1) + 1
            return lines if piece.begins else lines[below:]
        head, rule, *rows = laid_out
        lines = self._lines(Text(f"{head}\n{rule}", "markdown.table.header"), width) if piece.begins else []
        for row in map(plain, rows):
            columns = cell_len(row)
            lines += [Line(row, columns)] if columns <= width else self._lines(Text(row), width)
        return lines

    def note(self, words: str, width: int) -> list[Line]:
        """The lines of a remark that is not the model's."""
        return self._lines(Text(words, style="dim"), width)

    def _lines(self, renderable: RenderableType, width: int) -> list[Line]:
        options = self._console.options.update(width=width, height=None)
        lines = [_trimmed(line) for line in self._console.render_lines(renderable, options, pad=False)]
        with self._console.capture() as written:  # once for all of them: it takes longer than the lines do
            parted = [segment for line in lines for segment in (*line, Segment.line())]
            self._console.print(Segments(parted), end="", crop=False, no_wrap=True)
        widths = (sum(cell_len(segment.text) for segment in line) for line in lines)
        return list(map(Line, written.get().split("\n")[: len(lines)], widths))


def _trimmed(line: Iterable[Segment]) -> list[Segment]:
    """A line without padding and without characters that act: a parser may have decoded some only now."""
    segments = [Segment(plain(text), style) for text, style, control in line if not control]
    while segments and not segments[-1].text.strip():
        segments.pop()
    if segments:
        segments[-1] = Segment(segments[-1].text.rstrip(), segments[-1].style)
    return segments


def _without_margins(lines: list[Line]) -> list[Line]:
    shown = [number for number, line in enumerate(lines) if line.width]
    return lines[shown[0] : shown[-1] + 1] if shown else []


class _Title(Heading):
    """A heading at the left edge: the middle of a wide terminal is far from the text."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Code(CodeBlock):
    """Code in the terminal's own colours, without a background that would be wrapped when the window narrows."""

    slow: list[str]

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _Code:
        made = super().create(markdown, token)
        assert isinstance(made, _Code)
        assert isinstance(markdown, _Answer)
        made.slow = markdown.slow
        return made

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text, theme = Text(tab_size=4, overflow="fold"), Syntax.get_theme("ansi_dark")
        # Without a line end, some lexers take the last line for another.
        code = str(self.text).removesuffix("\n") + "\n"
        for kind, token in _tokens(code, self.lexer_name, self.slow):
            text.append(token, theme.get_style_for_token(kind))
        text.right_crop(1)
        yield Padding(text, (0, 0, 0, 2))


def _tokens(code: str, language: str, slow: list[str]) -> list[tuple[Any, str]]:
    from pygments.token import Text as Plain

    # The first time may be that of a language in it, which has to be prepared.
    colouring = colouring_of(code, language) if slow.count(language) < _MOST_TIMES_SLOW else None
    if colouring is not None and not colouring.advance(_SECONDS + _SECONDS_EACH * len(code)):
        slow.append(language)
        colouring = None
    return (colouring and colouring.tokens) or [(Plain, code)]


class _Answer(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Title,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, piece: Piece, slow: list[str]) -> None:
        super().__init__("", hyperlinks=False)
        self.slow = slow
        # What is no table for us is none, however wide it is.
        self.parsed = _parser(tables=piece.kind != "paragraph").parse(piece.source)
        if piece.number is not None and self.parsed:
            self.parsed[0].attrs["start"] = piece.number
        for token in self.parsed:
            if token.children:
                token.children = _shown_links(token.children)


@functools.cache
def _parser(*, tables: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", *["table"] * tables])
    parser.validateLink = lambda url: safe_url(url) is not None  # type: ignore[method-assign]
    parser.inline.ruler.before("escape", "formula", _formula)
    return parser


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the shape of a rule
    """Keep a formula as it is written: its underscores, asterisks and backslashes mark nothing."""
    if state.src[state.pos] not in "$\\":
        return False
    literals = state.env.get("literals")
    if literals is None or literals.text != state.src:
        literals = state.env["literals"] = Literals(state.src)
    span = literals.at(state.pos)
    if span is None or span.kind not in {"inline", "display", "environment"}:
        return False
    if not silent:
        state.push("text", "", 0).content = state.src[state.pos : span.end]
    state.pos = span.end
    return True


def _shown_links(tokens: Iterable[Token]) -> list[Token]:
    """Links that are their own address are unmarked, so that they are not printed twice; images become links."""
    shown: list[Token] = []
    for token in tokens:
        if token.markup == "autolink" and token.type in {"link_open", "link_close"}:
            continue
        if token.type != "image":
            shown.append(token)
            continue
        opening, label, closing = (token.copy(type=kind, tag="", children=None) for kind in _LINK)
        opening.attrs, opening.content = {"href": token.attrs.get("src", "")}, ""
        label.content = f"image: {token.content}" if token.content else "image"
        shown += [opening, label, closing]
    return shown


_LINK = ("link_open", "text", "link_close")
