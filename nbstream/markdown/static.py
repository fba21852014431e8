"""Markdown made inert: safe to show as `text/markdown` in a trusted notebook, on GitHub and through nbconvert.

The text is parsed and rewritten in one canonical form, because parsers disagree about what is code and that
disagreement is what an attack needs. Fences are ours, prose has no `<`, backtick or `$` of its own, every link is
inline and its destination is on the allow-list. Knows nothing of HTML policies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.markdown.blocks import parse
from nbstream.markdown.diagrams import diagram
from nbstream.markdown.formulas import closed_openers, formula, hide_markers, hide_openers
from nbstream.markdown.inline_markdown import InlineMarkdown
from nbstream.markdown.literals import balanced
from nbstream.markdown.remarks import remark_markdown
from nbstream.markdown.scripts import is_left_to_right, is_right_to_left
from nbstream.markdown.source import JOINER, clean
from nbstream.markdown.tables import LONGEST_ROW, cells, filled
from nbstream.markdown.tree import NOT_IN_PLACE, Remark
from nbstream.markdown.words import line_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.markdown.links import Images
    from nbstream.markdown.tree import Block

__all__ = ["inert"]

# A class in some pages, where it must not be one of the front end's own.
_INFO = re.compile(r"(?!jp-|lm-|nbs-)[A-Za-z][\w+#.\-]{0,30}", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")
_OPENS_MATH = re.compile(r"\$|\\begin\{|\\\\[(\[]")
# Code that would be a tag, a link, a definition or attributes if it were no code.
_MARKUP = re.compile(r"<[A-Za-z/!?]|\]\(|^[ \t]*\*?\[[^\]\n]+\]:|\{:?[^{}\n]*[=.#][^{}\n]*\}|&[#A-Za-z]", re.MULTILINE)
# A line that begins no block, whatever stands before it.
_GOES_ON = re.compile(r"[ \t]*[A-Za-z0-9$\\/.(){};,\"'<&@%]")
# An element that notebooks know. GitHub finds the direction by itself, and of a `div` pandoc would make TeX that few
# documents define. Python-Markdown's `extra` wants to be asked to read it.
_LEFTWARDS, _END = '<section dir="rtl" markdown="1">', "</section>"
# JupyterLab aligns all paragraphs to the left.
_AT_THE_RIGHT = '<span style="display: block; direction: rtl; text-align: right">'
_AT_THE_LEFT = '<span style="display: block; direction: ltr; text-align: left">'
# VS Code finds no formula after a tag with attributes, unless there is another tag between them.
_BEFORE_FORMULAS = "<span></span>"
_DISPLAYED = re.compile(r"\$\$\\begin\{[^$]*\$\$")
_BARE_DOLLAR = re.compile(r"(?<!\\)\$")
_ACTS_IN_HTML = re.compile(rf"<(?!/?(?:br|kbd|span|sub|sup)>|{_AT_THE_RIGHT[1:]}|{_AT_THE_LEFT[1:]})[A-Za-z/!?]")
# A paragraph of which nothing is seen.
_NOTHING = "&#8288;"
_OTHER_BULLET = {"-": "*", "*": "-", "+": "-", ".": ")", ")": "."}
_DELIMITER = {"": "---", "left": ":---", "right": "---:", "center": ":---:"}


def inert(*texts: str | Remark, images: Images = "link", below: int = 0) -> str:
    r"""Return Markdown that looks like the text and can do nothing, whichever parser shows it.

    Args:
        texts: Markdown from a source that is not trusted, or stretches of it with remarks between them.
        images: `"link"` makes links of images and says so, `"allow"` keeps those that are loaded by http or https.
        below: The level of the heading that the text stands below; its own headings begin one level deeper.

    Returns:
        Markdown without raw HTML; links lead to other machines by http or https, or are mail addresses.
        `\(…\)` and `\[…\]` become `$…$` and `$$…$$`, which notebooks typeset.

    Example:
        >>> inert("<img src=x onerror=alert(1)> [x](javascript:alert(1))")
        '&lt;img src=x onerror=alert(1)> x'
    """
    source = clean("\n".join(text.words if isinstance(text, Remark) else text for text in texts))
    parser = parse(texts)
    writer = _Writer(source, InlineMarkdown(parser.references, source, allow_images=images == "allow"), below)
    return "\n".join([*writer.blocks(parser.document.children), *writer.notes(parser.notes)])


class _Writer:
    """Writes blocks as lines of canonical Markdown; containers put their prefix in front of the lines inside."""

    def __init__(self, source: str, prose: InlineMarkdown, below: int) -> None:
        self._openers = closed_openers(source)
        self._below = below
        self._prose = prose
        self._quoted = False
        self._in_risky_quote = False
        self._nested = False
        self._wide = False
        self._leftwards = False

    def blocks(self, blocks: list[Block], *, tight: bool = False) -> list[str]:
        lines: list[str] = []
        bullet = before = ""
        leftwards = False
        for block in blocks:
            if block.kind in NOT_IN_PLACE:
                continue
            if self._is_indented(block) and before not in {"paragraph", "heading"}:
                lines += [""] * bool(lines and lines[-1]) + [_NOTHING]  # or it would be part of what is before it
            written = self._directed(block, bullet if before == "list" else "", tight=tight)
            if not self._nested and leftwards != self._leftwards:
                leftwards = not leftwards
                lines += [*[""] * bool(lines), _LEFTWARDS if leftwards else _END, ""]
            isolated = not tight or self._risky(block)
            if lines and (isolated or before == "risky") and lines[-1]:
                lines.append("")
            lines += written
            bullet = written[0].lstrip("0123456789")[:1] if block.kind == "list" else ""
            before = "risky" if self._risky(block) else block.kind
        return [*lines, "", _END] if leftwards else lines

    def _directed(self, block: Block, bullet_before: str, *, tight: bool) -> list[str]:
        """Write a block, with elements around what runs in another direction than what it stands in.

        Python-Markdown by itself leaves alone what is in HTML, so there may be no markup in it, not even in code.
        """
        if not self._nested:
            self._leftwards = _is_right_to_left(block)
        written = self._block(block, bullet_before)
        if block.kind == "paragraph":
            written = self._aligned(written, block.text, tight=tight)
        if not self._nested and self._leftwards and any(map(_ACTS_IN_HTML.search, written)):
            self._leftwards = False
            written = self._block(block, bullet_before)
            if block.kind == "paragraph":
                written = self._aligned(written, block.text, tight=tight)
        return written

    def _aligned(self, written: list[str], text: str, *, tight: bool) -> list[str]:
        """Put a paragraph at the side where it begins; JupyterLab aligns all but those of tight lists to the left."""
        if any("$$" in line for line in written):
            return written
        if is_right_to_left(text) and not (tight and self._leftwards):
            opening = _AT_THE_RIGHT
        elif self._leftwards and is_left_to_right(text):
            opening = _AT_THE_LEFT
        else:
            return written
        lines = [*written]
        lines[0] = f"{opening}{_BEFORE_FORMULAS * any(map(_BARE_DOLLAR.search, written))}{lines[0]}"
        lines[-1] += "</span>"
        return lines

    def _risky(self, block: Block) -> bool:
        """Whether code needs blank lines around it: a formula never reaches across one."""
        return block.kind == "code" and (bool(_OPENS_MATH.search(block.text)) or self._is_indented(block))

    def _is_indented(self, block: Block) -> bool:
        """Whether code is indented, not fenced.

        Python-Markdown knows no fences in lists and quotes; there it takes them for code in a line, which ends where
        another block begins.
        """
        return self._nested and _is_markup(block) and not all(map(_GOES_ON.match, block.lines))

    def _block(self, block: Block, bullet_before: str) -> list[str]:
        kind = block.kind
        if kind == "paragraph":
            return self._paragraph(block.text)
        if kind == "heading":
            text = self._prose.line(block.text).rstrip()
            bare = text.rstrip("#")  # behind a space these would close the heading
            text = text if bare and not bare[-1].isspace() else f"{bare}{chr(92) * (bare != text)}{text[len(bare) :]}"
            return [f"{'#' * min(block.level + self._below, 6)} {text}".rstrip()]
        if kind == "rule":
            return ["___"]
        if kind == "remark":
            return [remark_markdown(*block.lines)]
        if kind == "code":
            return self._code(block)
        if kind == "math":
            return self._math(block)
        if kind == "table":
            return self._table(block)
        if kind == "quote":
            return self._quote(block)
        return self._list(block, bullet_before)

    def _paragraph(self, text: str) -> list[str]:
        lines = self._prose.text(text.strip()).split("\n")
        if len(lines) == 1 and _DISPLAYED.fullmatch(lines[0]):
            return lines
        return [line_start(line.strip(" \t")) for line in lines]

    def _code(self, block: Block) -> list[str]:
        info = _INFO.match(block.language)
        code = block.text
        if info and info[0].lower().startswith("mermaid"):
            code = diagram(code)
        if self._in_risky_quote:
            code = hide_openers(code, self._openers, markup=True)
        code = hide_markers(code)
        if self._is_indented(block):
            lines = code.split("\n")
            lines[0] = lines[0] if lines[0].strip() else JOINER  # a blank line would not belong to it
            return [f"    {line}" if line else "" for line in lines]
        run = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(code)), default=0))
        return [f"{run}{info[0] if info else ''}", *(code.split("\n") if block.lines else []), run]

    def _math(self, block: Block) -> list[str]:
        body = formula(block.text, one_line=self._quoted)
        if not body or "`" in body or "$" in body or not balanced(body):
            opener = block.fence.run if block.fence else "$$"
            return self._paragraph("\n".join(line.strip() for line in (opener + block.text).split("\n")))
        return [f"$${body}$$"] if "\n" not in body else ["$$", *body.split("\n"), "$$"]

    def _table(self, block: Block) -> list[str]:
        # The cells of a head are in the middle, but those of a column that is aligned.
        head = self._row(block.lines[0], tuple(side or "center" for side in block.align))
        delimiters = f"| {' | '.join(_DELIMITER[side] for side in block.align)} |"
        return [head, delimiters, *(self._row(line, block.align) for line in block.lines[1:])]

    def _row(self, line: str, align: tuple[str, ...]) -> str:
        if len(line) > LONGEST_ROW:
            return f"| {' | '.join(filled([self._prose.plain(line)], len(align)))} |"
        return f"| {' | '.join(map(self._cell, cells(line, len(align)), align))} |"

    def _cell(self, text: str, side: str) -> str:
        written = self._prose.line(text, in_table=True)
        return written if side else self._aligned([written], text, tight=True)[0]

    def _quote(self, block: Block) -> list[str]:
        outer, quoted, nested = self._in_risky_quote, self._quoted, self._nested
        self._quoted = self._nested = True
        # No line in a quote is blank, so a formula may reach from one code to the next: then tags and links in code
        # are taken apart.
        self._in_risky_quote = outer or _code_opens_math(block)
        lines = self.blocks(block.children)
        self._in_risky_quote, self._quoted, self._nested = outer, quoted, nested
        return [f"> {line}".rstrip() if not line else f"> {line}" for line in lines or [""]]

    def notes(self, definitions: Mapping[str, Block]) -> list[str]:
        """Write the notes that were referred to, below a rule: few parsers know notes, and all know numbered lists."""
        lines: list[str] = []
        expected, delimiter = 1, "."
        for number, note in self._prose.footnotes.numbered(definitions):
            if lines and number != expected:
                delimiter = _OTHER_BULLET[delimiter]  # or the numbers of the list would continue without a gap
            nested, wide = self._nested, self._wide
            self._nested, self._wide = True, _holds_markup(note)
            lines += ["", *self._item(note, f"{number}{delimiter}", tight=False)]
            self._nested, self._wide = nested, wide
            expected = number + 1
        return ["", "___", *lines] if lines else []

    def _list(self, block: Block, bullet_before: str) -> list[str]:
        marker = block.marker
        bullet = marker.bullet if marker else "-"
        if bullet == bullet_before:
            bullet = _OTHER_BULLET[bullet]  # what stood between two lists is gone, they must not become one
        number = marker.number if marker else None
        nested, wide = self._nested, self._wide
        self._nested, self._wide = True, wide or _holds_markup(block)
        # Blank lines around risky code make the list loose: then it is loose throughout.
        loose = block.loose or any(self._risky(child) for item in block.children for child in item.children)
        lines: list[str] = []
        for item in block.children:
            mark = bullet if number is None else f"{number}{bullet}"
            number = None if number is None else number + 1
            lines += [""] * bool(loose and lines) + self._item(item, mark, tight=not (loose or item.loose))
        self._nested, self._wide = nested, wide
        return lines

    def _item(self, item: Block, mark: str, *, tight: bool) -> list[str]:
        written = self.blocks(item.children, tight=tight)
        if item.task and written:
            written[0] = f"[{item.task.lower()}] {written[0]}"
        # Python-Markdown counts by four columns.
        width = -(-(len(mark) + 1) // 4) * 4 if self._wide else len(mark) + 1
        first = f"{mark:<{width}}{written[0]}" if written else mark
        return [first, *(" " * width + line if line else "" for line in written[1:])]


def _is_right_to_left(block: Block) -> bool:
    while block.children:
        block = block.children[0]
    return block.kind in {"heading", "paragraph", "table"} and is_right_to_left(block.text)


def _is_markup(block: Block) -> bool:
    return block.kind == "code" and bool(_MARKUP.search(block.text))


def _holds_markup(block: Block) -> bool:
    return _is_markup(block) or any(map(_holds_markup, block.children))


def _code_opens_math(block: Block) -> bool:
    if block.kind == "code":
        return bool(_OPENS_MATH.search(block.text))
    return any(map(_code_opens_math, block.children))
