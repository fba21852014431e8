"""Families of Markdown that make careless parsers slow: each is a function of its size, in characters.

The first are those of cmark's own `pathological_tests.py`; the others are made of everything that means something here.
Each text has nearly the size that is asked for, so that a text of twice the size is twice as long.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["FAMILIES", "Family", "Kind", "family"]

Kind: TypeAlias = Literal["markdown", "code", "prompt", "words"]
"""What a text is: an answer, an answer that is one fence with a language, a prompt, or a server's words."""

Make: TypeAlias = "Callable[[int], str]"


@dataclass(frozen=True, slots=True)
class Family:
    """Texts of one shape.

    Attributes:
        name: Its name, unique.
        make: Makes a text of about so many characters.
        kind: What the text is.
    """

    name: str
    make: Make
    kind: Kind = "markdown"


# --- shapes -----------------------------------------------------------------------------------------------------------


def _over(unit: str, before: str = "", after: str = "") -> Make:
    """The same over and over."""

    def make(size: int) -> str:
        return before + unit * max(1, (size - len(before) - len(after)) // len(unit)) + after

    return make


def _nested(opener: str, closer: str, middle: str = "a") -> Make:
    """All openers, then all closers."""

    def make(size: int) -> str:
        count = max(1, size // (len(opener) + len(closer)))
        return opener * count + middle + closer * count

    return make


def _numbered(piece: Callable[[int], str], before: str = "", after: str = "") -> Make:
    """Pieces that differ by their number."""

    def make(size: int) -> str:
        return before + _until(size, map(piece, itertools.count())) + after

    return make


def _both(first: Make, second: Make) -> Make:
    """Half of the one and half of the other."""

    def make(size: int) -> str:
        return first(size // 2) + second(size // 2)

    return make


def _until(size: int, pieces: Iterator[str]) -> str:
    chosen: list[str] = []
    length = 0
    while length < size:
        chosen.append(next(pieces))
        length += len(chosen[-1])
    return "".join(chosen)


def _growing(ch: str, between: str = " ") -> Make:
    """Runs of one, two, three … of a character."""
    return _numbered(lambda number: ch * (number + 1) + between)


def _shrinking(ch: str, between: str = " ") -> Make:
    """Long runs first: each looks for a partner that only comes if it is as long."""

    def make(size: int) -> str:
        longest = int((2 * size) ** 0.5)
        return between.join(ch * width for width in range(longest, 0, -1))

    return make


def _mixed(seed: int, pieces: tuple[str, ...]) -> Make:
    """Pieces in an order that looks random and is always the same."""

    def make(size: int) -> str:
        chance = random.Random(seed)
        return _until(size, (chance.choice(pieces) for _ in itertools.count()))

    return make


def _table(columns: int, row: str = "|") -> Make:
    """A table with so many columns, and rows with hardly anything in them."""
    return _over(f"{row}\n", "|" + "a|" * columns + "\n|" + "-|" * columns + "\n")


def _wide_table(size: int) -> str:
    """A square of cells that are not written: as many empty rows as columns."""
    count = size // 6
    return "|" + "a|" * count + "\n|" + "-|" * count + "\n" + "|\n" * count


def _named(*families: tuple[str, Make]) -> list[Family]:
    return [Family(name, make) for name, make in families]


# --- cmark's own ------------------------------------------------------------------------------------------------------

_CMARK = _named(
    ("nested strong emphasis", _nested("*a **a ", " a** a*", "b")),
    ("emphasis closers without openers", _over("a_ ")),
    ("emphasis openers without closers", _over("_a ")),
    ("link closers without openers", _over("a]")),
    ("link openers without closers", _over("[a")),
    ("mismatched openers and closers", _over("*a_ ")),
    ("cmark issue 389", _both(_over("*a "), _over("_a*_ "))),
    ("openers and closers multiple of 3", _over("c* ", "a**b")),
    ("emphasis in brackets", _over("a** ", "**x [a*b**c*](d) ")),
    ("link openers and emphasis closers", _over("[ a_")),
    ("pattern [ (]( repeated", _over("[ (](")),
    ("pattern ![[]() repeated", _over("![[]()")),
    ("strange emphasis", _over("*_* a ", "**x ")),
    ("hard links in emphasis", _over("**x [a*b**c*](d)")),
    ("nested brackets", _nested("[", "]")),
    ("nested block quotes", _over("> ")),
    ("nested block quotes without spaces", _over(">")),
    ("deeply nested lists", _numbered(lambda depth: f"{'  ' * depth}* a\n")),
    ("nul characters", _over("abc\0de\0")),
    ("nul characters alone", _over("\0")),
    ("backticks with growing runs", _numbered(lambda width: "e" + "`" * (width + 1))),
    ("unclosed links A", _over("[a](<b")),
    ("unclosed links B", _over("[a](b")),
    ("unclosed comment", _over("a <!--", "</")),
    ("unclosed comment over and over", _over("<!--")),
    ("unclosed comment with dashes", _over("-", "<!-- ")),
    ("unclosed processing instruction", _over("<?")),
    ("unclosed declaration", _over("<!A ")),
    ("unclosed CDATA", _over("<![CDATA[")),
    (
        "empty lines in deeply nested list",
        _both(lambda size: "- " * (size // 4) + "x" + "\n" * (size // 2), _over("\n")),
    ),
    ("many references", _numbered(lambda number: f"[{number}]: u\n", after="\n" + "[0] " * 40)),
    ("many references, used late", _both(_numbered(lambda n: f"[{n}] "), _numbered(lambda n: f"\n\n[{n}]: u"))),
    ("table with many columns and rows", _wide_table),
    ("table with many short rows", _table(60)),
    ("footnote marks", _over("[^")),
    ("footnote reference and nothing", _over("[^a]")),
    ("issue 424, bracket and footnotes", _over("[^1]:")),
)

# --- single characters, pairs and triples -----------------------------------------------------------------------------

_SPECIAL = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_ALONE = [Family(f"only {ch}", _over(ch)) for ch in _SPECIAL]
_SPACED = [Family(f"only {ch} and spaces", _over(f"{ch} ")) for ch in "!#$&(*+-:<=>[\\]_`{|~"]
_AFTER_A_LETTER = [Family(f"a letter and {ch}", _over(f"a{ch}")) for ch in "!$&(*.:<>@[\\_`|~"]
_LINES = [Family(f"lines of {ch}", _over(f"{ch}\n")) for ch in "#$*+-:=>[\\_`|~"]
_PAIRS = [
    Family(f"pairs {pair}", _over(pair))
    for pair in (
        *("$$", "\\(", "\\[", "\\]", "\\\\", "\\$", "\\`", "[]", "][", "()", ")(", "](", "![", "!]", "[!", "[^", "[["),
        *("]]", "<>", "><", "</", "<a", "<!", "&#", "&;", "{{", "}}", "{}", "*_", "_*", "*~", "~_", "~~", "`$", "$`"),
        *(
            "`\\",
            "<`",
            "`<",
            "`[",
            "|-",
            "-|",
            ":-",
            "-:",
            "@a",
            "a@",
            "//",
            ":/",
            "**",
            "__",
            "[`",
            "$\\",
            "\\<",
            "--",
        ),
    )
]
_TRIPLES = [
    Family(f"triples {triple}", _over(triple))
    for triple in (
        *("*_~", "~*_", "$ $", "` `", "[](", "![]", "]()", "[]:", "[a]", "<a>", "<a ", "&a;", "&#1", "\\$$", "$$$"),
        *(
            "***",
            "___",
            "~~~",
            "```",
            "---",
            "===",
            "`` ",
            "**a",
            "__a",
            "~~a",
            "`a`",
            "$a$",
            "*a*",
            "_a_",
            "\\(\\",
            "[*]",
        ),
        *(
            "*[*",
            "_[_",
            "](<",
            "[a|",
            "|`|",
            "<a@",
            "@.a",
            "a@b",
            "a.b",
            "(a)",
            ")&;",
            "[^]",
            "*`*",
            "$*$",
            "<*>",
            "a*b",
        ),
    )
]

# --- kinds that were slow once ----------------------------------------------------------------------------------------

_SEEN = _named(
    ("image openers with targets", _over("![]()")),
    ("images in brackets", _over("![[]()")),
    ("nested images", _nested("![", "](u)")),
    ("nested images, unclosed", _over("![a](b")),
    ("nested links", _nested("[", "](u)")),
    ("nested links and images", _nested("[![", "](u)](v)")),
    ("code run before an address", _over("`` https://a.b ")),
    ("code run before one long address", _over("a", "`` https://")),
    ("address with a tail of )&;.", _over(")&;.", "https://a.b/")),
    ("address with a tail of &a;", _over("&a;", "https://a.b/")),
    ("address with a tail of )", _over(")", "https://a.b/")),
    ("address with a tail of ]", _over("]", "https://a.b/")),
    ("address with a tail of .", _over(".", "https://a.b/")),
    ("address with brackets", _over("()", "https://a.b/")),
    ("dashes", _over("—")),
    ("dashes in words", _over("a—")),
    ("display math never closed", _over("\\[a ")),
    ("bracket math never closed", _over("\\(a ")),
    ("bracket math closed once", _over("\\(a ", after="\\)")),
    ("display math closed once", _over("\\[a ", after="\\]")),
    ("bracket math closers only", _over("a\\) ")),
    ("dollars with spaces", _over("$ $")),
    ("dollars before letters", _over("$a ")),
    ("dollars closed once", _over("$a ", after="$")),
    ("two dollars before letters", _over("$$a ")),
    ("two dollars on lines", _over("$$\na\n")),
    ("odd dollars", _over("$$$a ")),
    ("amounts of money", _over("$5 and ")),
    ("dollars around open braces", _over("${$")),
    ("dollars and one long formula", _over("x{", "$", "$")),
    ("environments never ended", _over("\\begin{a}")),
    ("environments of other names", _numbered(lambda n: f"\\begin{{{'a' * (n % 50 + 1)}}}")),
    ("environments ended once", _over("\\begin{a}", after="\\end{a}")),
    ("environments ended by others", _over("\\begin{a}\\end{b}")),
    ("environments nested", _nested("\\begin{a}", "\\end{a}")),
    ("environment with a dollar at its end", _over("\\begin{a}x", after="$\\end{a}")),
    ("citations", _over("\\[1, 2")),
    ("one long citation", _over("1, ", "\\[")),
    ("one long citation of words", _over("ab, ", "\\[")),
    ("entities", _over("&amp;")),
    ("entities without a name", _over("&nosuchname;")),
    ("entities, numeric", _over("&#38;")),
    ("entities, unfinished", _over("&amp")),
    ("entity with a long name", _over("a", "&")),
    ("automatic links", _over("<https://a.b>")),
    ("automatic links, unclosed", _over("<https://a.b ")),
    ("automatic link, one long", _over("a", "<https://")),
    ("automatic links without end", _over("<a:")),
    ("mail addresses in angles", _over("<a@b.c>")),
    ("mail address in angles, unclosed", _over("a.", "<")),
    ("mail address in angles, long host", _over("a.", "<a@")),
    ("mail addresses", _over("a@b.cd ")),
    ("mail addresses joined", _over("a@b.cd")),
    ("mail address with a long name", _over("a.", after="@b.cd")),
    ("mail addresses with one long host", _over("b.", "a@")),
    ("mail addresses after a long host", _over("a@b.c-")),
    ("bare addresses", _over("https://a.b ")),
    ("bare addresses joined", _over("https://a.b")),
    ("bare addresses without slashes", _over("https:")),
    ("www.", _over("www.")),
    ("www. with words", _over("www.a.b ")),
    ("tags", _over("<a href='b'>")),
    ("tags with open attributes", _over(" a='b'", "<a")),
    ("tags with open attributes, over and over", _over("<a b='")),
    ("tags with spaces", _over(" ", "<a")),
    ("tags with attributes without values", _over(" a", "<a")),
    ("tags and spaces before =", _over(" a  =", "<a")),
    (
        "many late definitions of used labels",
        _both(_numbered(lambda n: f"[l{n}]\n\n"), _numbered(lambda n: f"[l{n}]: /u\n\n")),
    ),
    (
        "one paragraph of labels, defined late",
        _both(_numbered(lambda n: f"[l{n}] "), _numbered(lambda n: f"\n\n[l{n}]: /u")),
    ),
    ("labels that are never defined", _numbered(lambda n: f"[l{n}]\n\n")),
    ("blocks that wait, and unrelated definitions", _both(_over("[x]\n\n"), _numbered(lambda n: f"[l{n}]: /u\n\n"))),
    ("labels with full references", _numbered(lambda n: f"[a][l{n}] ")),
    ("one very long label", _over("a", "[", "]")),
    ("one very long label of escapes", _over("\\]", "[", "]")),
    ("labels that end at the limit", _over("a" * 990 + "[")),
    ("collapsed references", _over("[a][]", "[a]: u\n\n")),
)

# --- blocks -----------------------------------------------------------------------------------------------------------

_BLOCKS = _named(
    ("quotes nested, one line each", _numbered(lambda depth: f"{'> ' * (depth % 300 + 1)}a\n")),
    ("quotes nested, lazy lines", _both(lambda size: "> " * (size // 2) + "a\n", _over("a\n"))),
    ("quotes with empty lines", _over("> a\n>\n")),
    ("quotes and paragraphs in turn", _over("> a\n\nb\n\n")),
    ("one quote", _over("> a b c\n")),
    ("one quote of one paragraph without end", _over("> a\nb\n")),
    ("bullets in one line", _over("- ")),
    ("numbers in one line", _over("1. ")),
    ("bullets of all kinds in one line", _over("- + * 1. ")),
    ("markers of quotes and lists in one line", _over("> - ")),
    ("list of every marker in turn", _over("- a\n+ a\n* a\n1. a\n1) a\n")),
    ("one list", _over("- a b c\n")),
    ("one loose list", _over("- a b c\n\n")),
    ("one list with code", _over("- a\n\n      code\n")),
    ("one list that becomes loose at its end", _over("- a\n", after="\n- b\n")),
    ("list with one long item", _over("a b c ", "- ")),
    ("list with one item of many paragraphs", _over("  a\n\n", "- a\n\n")),
    ("list with one item of many lines", _over("  a\n", "- a\n")),
    ("list of empty items", _over("-\n")),
    ("list, nested twice, long inside", _over("    - a\n", "- a\n  - a\n")),
    ("task list", _over("- [x] a\n")),
    ("numbered list", _numbered(lambda n: f"{n + 1}. a\n")),
    ("numbered list with long numbers", _over("123456789. a\n")),
    ("list after list", _over("- a\n\n\n1. b\n\n\n")),
    ("blank lines", _over("\n")),
    ("blank lines in a list", _over("\n", "- a\n")),
    ("blank lines in a quoted list", _over(">\n", "> - a\n")),
    ("blank lines with spaces", _over("    \n")),
    ("blank lines in indented code", _over("\n", "    a\n", "\n    b")),
    ("blank lines in an item's code", _over("\n", "-     a\n", "\n      b")),
    ("spaces", _over(" ")),
    ("tabs", _over("\t")),
    ("tabs and bullets", _over("-\t")),
    ("tabs and quotes", _over(">\t")),
    ("tabs in code", _over("\ta\n")),
    ("indented code", _over("    a b c\n")),
    ("one line of indented code", _over("a b c ", "    ")),
    ("line ends of Windows", _over("a b\r\n")),
    ("line ends of old Macs", _over("a\r")),
    ("line ends of every kind", _over("a\r\n\rb\n")),
    ("one heading", _over("a b c ", "# ")),
    ("one heading of hashes", _over("# ", "# a ")),
    ("one heading with spaces before its end", _over(" ", "# a", "b")),
    ("one heading with tails of hashes", _over(" #", "# a", "b")),
    ("many headings", _over("# a\n")),
    ("heading without a text", _over("#\n")),
    ("underlined headings", _over("a\n=\n")),
    ("underlines of dashes", _over("a\n-\n")),
    ("one long underlined heading", _over("a\n", after="===\n")),
    ("underline that ends wrong", _over("=", "a\n", "b")),
    ("underlines that end wrong", _over("a\n= b\n")),
    ("rules", _over("---\n")),
    ("rule with spaces", _over("- ", "", "a")),
    ("rule of asterisks that ends wrong", _over("* ", "", "a")),
    ("rule of underscores that ends wrong", _over("_ ", "", "a")),
    ("rules in turn", _over("* * *\n- - -\n_ _ _\n")),
    ("one fence", _over("a b c\n", "```\n")),
    ("one fence of one line", _over("a b c ", "```\n")),
    ("one fence of empty lines", _over("\n", "```\n")),
    ("one fence in a list in a quote", _over(">   a b c\n", "> - ```\n")),
    ("many fences", _over("```\na\n```\n")),
    ("fences of growing runs", _numbered(lambda width: "`" * (width + 3) + "\n")),
    ("fences of shrinking runs", _shrinking("`", "\n")),
    ("fences with a long name", _over("a", "```")),
    ("fences with a backtick in their name", _over("```a`\n")),
    ("fence that nearly ends", _over("``` a\n", "````\n")),
    ("fences of tildes", _over("~~~\n")),
    ("fence of mermaid", _over("A-->B\n", "```mermaid\n")),
    ("fence of mermaid with shapes", _over("A@{ a", "```mermaid\n")),
    ("fence of mermaid with directives", _over("%%{ a", "```mermaid\n")),
    ("fence of mermaid with rules", _over("---\n", "```mermaid\n")),
    ("fence of mermaid with styles", _over(" style", "```mermaid\n")),
    ("fence of mermaid with spaces", _over(" ", "```mermaid\ndata", "a")),
    ("fences that open math", _over("```\n$$ \\begin{a} \\\\(\n```\n")),
    ("code spans that open math", _over("`$$` `\\begin{` ")),
    ("quotes with code that opens math", _over("> ```\n> $$\n> ```\n")),
    ("quotes nested with code that opens math", _nested("> ", "\n", "```\n$$")),
    ("math blocks", _over("$$\na\n$$\n")),
    ("math block without end", _over("a\n", "$$\n")),
    ("math block without end, in its line", _over("a\n", "$$ b\n")),
    ("math block in brackets without end", _over("a\n", "\\[\n")),
    ("math blocks that a blank line ends", _over("$$ a\n\n")),
    ("math block of one line", _over("a+", "$$ ", " $$")),
    ("math block with comments", _over("a % b\n", "> $$\n", "$$")),
    ("math block with open braces", _over("{", "$$\n", "\n$$")),
    ("math block with escapes", _over("\\\\", "$$\n", "\n$$")),
    ("table of one column", _table(1, "|a")),
    ("table of two columns", _table(2, "|a|b|")),
    ("table with marks", _table(2, "|*a*|`b`|")),
    ("table with escaped pipes", _table(2, "|\\|\\||b|")),
    ("table with one long cell", _over("a b ", "|a|\n|-|\n|")),
    ("table with one long row", _over("a|", "|a|\n|-|\n|")),
    ("table with one long head", lambda size: "|" + "a|" * (size // 4) + "\n|" + "-|" * (size // 4) + "\n|a|\n"),
    ("table head without a body", lambda size: "|" + "a|" * (size // 4) + "\n|" + "-|" * (size // 4)),
    ("table head and wrong delimiters", lambda size: "|" + "a|" * (size // 4) + "\n|" + "-|" * (size // 4) + "x\n"),
    ("lines that might be a table's head", _over("|a|\n")),
    ("delimiter rows", _over("|-|\n")),
    ("delimiter row with spaces", _over(" ", "a\n-", "x")),
    ("delimiter row with dashes and spaces", _over("- ", "a\n|", "x")),
    ("delimiter row with colons", _over(":-:", "a\n|", "x")),
    ("tables in quotes", _over("> |a|\n> |-|\n> |b|\n\n")),
    ("table in a list", _over("  |a|b|\n", "- |a|b|\n  |-|-|\n")),
    ("tables with a reference defined late", _both(_table(1, "|[a]|"), _over("\n\n[a]: u"))),
    ("one paragraph of words", _over("lorem ipsum, ")),
    ("one paragraph of lines", _over("lorem ipsum\n")),
    ("one paragraph of lines with marks", _over("*lorem* `ipsum`\n")),
    ("one paragraph of lines with pipes", _over("|a\n", "a\n")),
    ("one paragraph of hard line ends", _over("a  \n")),
    ("one paragraph of backslashes at line ends", _over("a\\\n")),
    ("one paragraph with a bracket first", _over("lorem ipsum\n", "[")),
    ("many paragraphs", _over("lorem ipsum\n\n")),
    ("many paragraphs with marks", _over("*lorem* `ipsum` [a](b)\n\n")),
    ("one word", _over("a")),
    ("one word of digits", _over("1")),
    ("one word of umlauts", _over("ä")),
    ("one word of Chinese", _over("字")),
    ("one line of Chinese with marks", _over("字**字**")),
)

# --- definitions and footnotes ----------------------------------------------------------------------------------------

_DEFINITIONS = _named(
    ("definitions", _numbered(lambda n: f"[l{n}]: /u\n")),
    ("definitions in one paragraph, and a word", _numbered(lambda n: f"[l{n}]: /u\n", after="a")),
    ("definitions apart", _numbered(lambda n: f"[l{n}]: /u\n\n")),
    ("definitions of one label", _over("[a]: /u\n")),
    ("definitions with titles", _numbered(lambda n: f"[l{n}]: /u 'title'\n")),
    ("definitions with titles on the next line", _numbered(lambda n: f"[l{n}]: /u\n'title'\n")),
    ("definition without an end of its title", _over("a\n", "[a]: /u '")),
    ("definition without an end of its title, over and over", _over("[a]: /u '\n")),
    ("definition with an escaped title", _over("\\'", "[a]: /u '")),
    ("definition with a title in brackets", _over("(", "[a]: /u (")),
    ("definition without an end of its label", _over("a\n", "[a")),
    ("definition without an end of its address", _over("a", "[a]: ")),
    ("definition without an end of its pointed address", _over("a", "[a]: <")),
    ("definition with a bracketed address", _over("(", "[a]: ")),
    ("definition with a destination of backslashes", _over("\\", "[a]: ")),
    ("definition with spaces", _over(" ", "[a]:", "b")),
    ("definition with line ends", _over("\n", "[a]:", "b")),
    ("definition with spaces after its address", _over(" ", "[a]: /u", "b")),
    ("definition of escapes", _over("\\a", "[", "]: u")),
    ("definition of brackets", _over("[", "[a]: ")),
    ("definitions without a colon", _over("[a] \n")),
    ("definitions in a quote", _numbered(lambda n: f"> [l{n}]: /u\n")),
    ("definitions in a list", _numbered(lambda n: f"- [l{n}]: /u\n")),
    ("definitions under a line", _over("[a]: /u\n===\n")),
    ("definitions and words", _over("[a]: /u\nword\n\n")),
    ("footnotes", _numbered(lambda n: f"[^{n}] ")),
    ("footnotes with notes", _both(_numbered(lambda n: f"[^{n}] "), _numbered(lambda n: f"\n\n[^{n}]: note"))),
    ("footnotes with notes behind each", _numbered(lambda n: f"a[^{n}]\n\n[^{n}]: note\n\n")),
    (
        "footnotes in paragraphs, notes at the end",
        _both(_numbered(lambda n: f"a[^{n}]\n\n"), _numbered(lambda n: f"[^{n}]: b\n\n")),
    ),
    ("footnotes without references", _numbered(lambda n: f"[^{n}]: note\n")),
    ("footnote with a long note", _over("    a\n", "a[^1]\n\n[^1]: note\n")),
    ("footnote with a long label", _over("a", "[^", "]")),
    ("footnote definition with a long label", _over("a", "[^", "]: b")),
    ("footnotes in footnotes", _numbered(lambda n: f"[^{n}]: a[^{n + 1}]\n", "a[^0]\n\n")),
    ("footnotes in a list", _numbered(lambda n: f"- a[^{n}]\n")),
    ("footnotes in table cells", _over("|[^1]|\n", "|a|\n|-|\n")),
    ("footnotes in a row in one line", _over("[^a]: ")),
)

# --- links and images -------------------------------------------------------------------------------------------------

_LINKS = _named(
    ("links", _over("[a](b) ")),
    ("images", _over("![a](b) ")),
    ("links with marks in their text", _over("[*a* `b`](c) ")),
    ("links with titles", _over("[a](b 'c') ")),
    ("links with open titles", _over("[a](b 'c ")),
    ("links with open titles in brackets", _over("[a](b (")),
    ("links with pointed addresses", _over("[a](<b>) ")),
    ("links with open pointed addresses", _over("[a](<")),
    ("links with open pointed escapes", _over("[a](<\\")),
    ("links with spaces in front of their address", _over(" ", "[a](", "b)")),
    ("links with spaces behind their address", _over(" ", "[a](b", "c)")),
    ("links with open addresses of spaces", _over("[a]( ")),
    ("links in a link", _over("[a](b)", "[", "](c)")),
    ("images in a link", _over("![a](b)", "[", "](c)")),
    ("links in an image", _over("[a](b)", "![", "](c)")),
    ("images in images in turn", _over("![a](b![c](d) ")),
    ("one link with a long text", _over("a b ", "[", "](c)")),
    ("one link with a long address", _over("a", "[a](", ")")),
    ("one link with a long address of brackets", _nested("[a](" + "(", ")", "b")),
    ("one link with a long address of escapes", _over("\\)", "[a](", ")")),
    ("one link with a long title", _over("a ", "[a](b '", "')")),
    ("one image with a long text", _over("a b ", "![", "](c)")),
    ("one image with a long text of marks", _over("*a* ", "![", "](c)")),
    ("one image with an address of data", _over("A", "![a](data:image/png;base64,", ")")),
    ("one link in brackets", _over("[", "", "a](b)")),
    ("one link and closing brackets", _over("]", "[a", "](b)")),
    ("brackets around a target", _both(_over("["), _over("](b)"))),
    ("brackets in turn", _over("[a] [b](")),
    ("brackets with escapes", _over("\\[a\\]")),
    ("link text with code that holds a bracket", _over("[a `](b)` ")),
    ("links across lines", _over("[a\nb](c\n'd')\n")),
    ("empty links", _over("[]()")),
    ("links to nowhere safe", _over("[a](javascript:b) ")),
    ("addresses with encoded characters", _over("[a](%zz\u00e4) ")),
)

# --- emphasis ---------------------------------------------------------------------------------------------------------

_EMPHASIS = _named(
    ("emphasis", _over("*a* ")),
    ("strong emphasis", _over("**a** ")),
    ("struck words", _over("~~a~~ ")),
    ("emphasis of every kind", _over("*a* _b_ **c** __d__ ~e~ ~~f~~ ")),
    ("emphasis nested", _nested("*a ", " a*")),
    ("emphasis nested in turn", _nested("*_", "_*")),
    ("emphasis nested with strikethrough", _nested("~~*a ", " a*~~")),
    ("emphasis with underscores nested", _nested("_a ", " a_")),
    ("emphasis growing", _growing("*", "a ")),
    ("emphasis shrinking", _shrinking("*", "a ")),
    ("tildes growing", _growing("~", "a ")),
    ("tildes shrinking", _shrinking("~", "a ")),
    ("backticks shrinking", _shrinking("`", " a ")),
    ("backticks growing, apart", _growing("`", " a ")),
    ("dollars growing", _growing("$", "a ")),
    ("one long run in the middle", lambda size: "a" + "*" * size + "b"),
    ("two long runs", lambda size: "*" * (size // 2) + "a" + "*" * (size // 2)),
    ("two long runs of tildes", lambda size: "~" * (size // 2) + "a" + "~" * (size // 2)),
    ("two long runs of backticks", lambda size: "`" * (size // 2) + "a" + "`" * (size // 2)),
    ("two runs of backticks that differ", lambda size: "`" * (size // 2) + "a" + "`" * (size // 2 - 1)),
    ("one long emphasis", _over("a ", "*", "b*")),
    ("one long emphasis without end", _over("a ", "*")),
    ("one long strong emphasis without end", _over("lorem ", "**")),
    ("one long strikethrough without end", _over("lorem ", "~~")),
    ("asterisks in words", _over("a*b ")),
    ("asterisks in words without spaces", _over("a*")),
    ("asterisks and tildes", _over("*~*~a ")),
    ("asterisks and underscores by threes", _over("***a___ ")),
    ("openers of three kinds", _over("*a _b ~c ")),
    ("closers of three kinds", _over("a* b_ c~ ")),
    ("openers, then closers of another kind", _both(_over("*a "), _over("a_ "))),
    ("openers, then closers that never fit", _both(_over("**a "), _over("a*** b* "))),
    ("openers of tildes, then closers of two", _both(_over("~a "), _over("a~~ "))),
    ("underscores in words", _over("snake_case_")),
    ("emphasis around code", _over("*`a`* ")),
    ("emphasis around links", _over("*[a](b)* ")),
    ("emphasis next to punctuation", _over("*(a)*")),
    ("emphasis in a heading", _over("*a ", "# ")),
    ("emphasis in a cell", _over("*a ", "|a|\n|-|\n|")),
)

# --- code spans, escapes, math ----------------------------------------------------------------------------------------

_SPANS = _named(
    ("code spans", _over("`a` ")),
    ("code spans of two", _over("``a`` ")),
    ("one long code span", _over("a ", "`", "`")),
    ("one long code span without end", _over("a ", "`")),
    ("one long code span with runs", _numbered(lambda n: "`" * (n % 50 + 2) + "a", "`", "`")),
    ("code spans without end, of two in turn", _over("`a``b")),
    ("code spans with backslashes", _over("`\\` ")),
    ("code spans with pipes in a table", _over("`|` ", "|a|\n|-|\n|")),
    ("code spans in code that markers hide", _over("`](` ")),
    ("escapes", _over("\\*")),
    ("escapes of letters", _over("\\a")),
    ("escapes of backticks", _over("\\`a ")),
    ("formulas", _over("$a$ ")),
    ("formulas in brackets", _over("\\(a\\) ")),
    ("formulas on display", _over("$$a$$ ")),
    ("formulas with braces", _over("$\\frac{a}{b}$ ")),
    ("formulas with tags", _over("$<a$ ")),
    ("one long formula", _over("a+", "$", "b$")),
    ("one long formula without end", _over("a+", "$")),
    ("one long formula with escaped dollars", _over("\\$", "$a", "$")),
    ("one long formula in brackets", _over("a+", "\\(", "\\)")),
    ("one long formula in brackets without end", _over("a+", "\\(")),
    ("one formula with open braces", _over("{", "$", "$")),
    ("one formula with closed braces", _nested("{", "}", "$")),
    ("formulas that blank lines end", _over("$a\n\n")),
    ("formulas before digits", _over("$a$1 ")),
    ("dollars behind letters", _over("a$ ")),
    ("dollars behind an address", _over("$", "https://a.b/")),
    ("dollars behind one word", _over("a$")),
    ("closers of every kind of math", _over("\\) \\] $$ \\end{a} ")),
    ("openers of every kind of math", _over("\\( \\[ $$ \\begin{a} ")),
    ("openers of math, closed late", _over("\\( \\[ $a \\begin{b} ", after="$ \\end{b} \\] \\)")),
    ("commands of TeX", _over("\\href{a}{b} ")),
    ("commands of TeX in formulas", _over("$\\href{a}$ ")),
)

# --- characters -------------------------------------------------------------------------------------------------------

_ZALGO = "".join(map(chr, range(0x300, 0x340)))
_CHARACTERS = _named(
    ("accents on one letter", _over("\u0301", "a")),
    ("letters with many accents", _over("a" + _ZALGO)),
    ("letters with many accents, in marks", _over("*a" + _ZALGO + "* ")),
    ("marks with accents", _over("*\u0301")),
    ("lone surrogates", _over("\ud83d ")),
    ("lone surrogates, second halves", _over("\ude00")),
    ("surrogates in pairs", _over("\ud83d\ude00")),
    ("emoji", _over("😀")),
    ("emoji of families", _over("👨‍👩‍👧‍👦")),
    ("emoji with selectors", _over("❤️")),
    ("emoji of flags", _over("🇩🇪")),
    ("words from right to left", _over("שלום ")),
    ("words from right to left in marks", _over("**مرحبا** ")),
    ("direction marks", _over("\u202e\u202d\u2066\u2069\u200f")),
    ("direction marks never ended", _over("\u202ea ")),
    ("joiners", _over("\u200d")),
    ("spaces without width", _over("a\u200b")),
    ("spaces that do not break", _over("\xa0")),
    ("line separators", _over("a\u2028b\u2029")),
    ("form feeds", _over("a\f\v")),
    ("escape sequences", _over("\x1b[31m")),
    ("control characters", _over("\x01\x02\x7f\x85")),
    ("wide characters in a table", _over("|字|\n", "|a|\n|-|\n")),
    ("wide punctuation with marks", _over("。**、**")),
    ("private characters", _over("\x0e\x0f\x02\x03")),
    ("the placeholder's own characters", _over("\x02klzzwxh:0000\x03")),
    ("replacement characters", _over("\ufffd")),
)

# --- mixtures ---------------------------------------------------------------------------------------------------------

_INLINE_PIECES = (
    *(
        "*",
        "**",
        "_",
        "__",
        "~~",
        "`",
        "``",
        "[",
        "](",
        ")",
        "![",
        "]",
        "<",
        ">",
        "&",
        "&amp;",
        "$",
        "$$",
        "\\(",
        "\\)",
    ),
    *(
        "\\",
        "a",
        "b ",
        " ",
        "\n",
        "https://a.b",
        "www.",
        "@b.cd",
        "[^1]",
        "<!--",
        "\\begin{a}",
        "\\end{a}",
        "{",
        "}",
        "|",
    ),
)
_BLOCK_PIECES = (
    *(
        "- a\n",
        "  - b\n",
        "1. c\n",
        "> d\n",
        "\n",
        "\n\n",
        "# e\n",
        "```\n",
        "~~~\n",
        "---\n",
        "===\n",
        "|a|b|\n",
        "|-|-|\n",
    ),
    *(
        "$$\n",
        "\\[\n",
        "\\]\n",
        "    f\n",
        "[g]: /u\n",
        "[g]\n",
        "[^h]: i\n",
        "j[^h]\n",
        "\tk\n",
        "> > l\n",
        "- > m\n",
        "n\n",
    ),
)
_MIXTURES = [
    *(Family(f"mixture of marks {seed}", _mixed(seed, _INLINE_PIECES)) for seed in range(4)),
    *(Family(f"mixture of blocks {seed}", _mixed(seed, _BLOCK_PIECES)) for seed in range(4)),
    *(Family(f"mixture of both {seed}", _mixed(seed, _INLINE_PIECES + _BLOCK_PIECES)) for seed in range(4)),
    *(Family(f"mixture of special characters {seed}", _mixed(seed, tuple(_SPECIAL))) for seed in range(4)),
]

# --- code that is coloured --------------------------------------------------------------------------------------------


def _code(language: str, make: Make) -> Make:
    def fenced(size: int) -> str:
        return f"```{language}\n{make(size)}\n```\n"

    return fenced


_CODE = [
    Family(f"{language}: {name}", _code(language, make), "code")
    for language, name, make in (
        ("python", "one line", _over("x = 1; ")),
        ("python", "lines", _over("x = f(1)  # a\n")),
        ("python", "open string", _over("a ", "'")),
        ("python", "open strings", _over("'")),
        ("python", "open triple strings", _over("'''")),
        ("python", "open f-string", _over("{a", "f'")),
        ("python", "spaces", _over(" ")),
        ("python", "backslashes", _over("\\")),
        ("python", "digits", _over("1")),
        ("python", "digits and underscores", _over("1_")),
        ("python", "one name", _over("a")),
        ("python", "dots", _over("a.")),
        ("python", "decorators", _over("@a")),
        ("python", "imports", _over("from ")),
        ("javascript", "open template", _over("${", "`")),
        ("javascript", "slashes", _over("/ ")),
        ("javascript", "open regular expressions", _over("/[")),
        ("javascript", "open comments", _over("/*")),
        ("javascript", "brackets", _over("(")),
        ("typescript", "spaces", _over(" ")),
        ("json", "one line", _over('{"a":1},', "[", "{}]")),
        ("json", "open strings", _over('"')),
        ("json", "escapes", _over("\\", '"')),
        ("json", "spaces", _over(" ", "{")),
        ("json", "open objects", _over("{")),
        ("html", "open tags", _over("<a ")),
        ("html", "open comments", _over("<!--")),
        ("html", "open attributes", _over("<a b='")),
        ("html", "spaces", _over(" ", "<a")),
        ("xml", "open tags", _over("<a")),
        ("css", "open rules", _over("a{")),
        ("css", "open comments", _over("/*")),
        ("bash", "open substitutions", _over("$(")),
        ("bash", "open here documents", _over("<<A ")),
        ("bash", "open quotes", _over("'")),
        ("bash", "open braces", _over("${")),
        ("c", "spaces", _over(" ")),
        ("c", "words", _over("a ")),
        ("c", "open comments", _over("/* ")),
        ("c", "names before a bracket", _over("a b(")),
        ("cpp", "words", _over("a ")),
        ("cpp", "asterisks", _over("*", "a ")),
        ("java", "words", _over("a ")),
        ("java", "dots", _over("a.")),
        ("csharp", "words", _over("a ")),
        ("go", "one word", _over("a")),
        ("rust", "open comments", _over("/*")),
        ("ruby", "open here documents", _over("<<A;")),
        ("ruby", "percent", _over("%")),
        ("perl", "slashes", _over("s/")),
        ("php", "open strings", _over("<?php '")),
        ("sql", "open strings", _over("'")),
        ("sql", "open comments", _over("/*")),
        ("yaml", "spaces", _over(" ", "a:")),
        ("yaml", "dashes", _over("- ")),
        ("toml", "open strings", _over("'''")),
        ("ini", "spaces", _over(" ", "a")),
        ("markdown", "open marks", _over("*a ")),
        ("markdown", "backticks", _over("`")),
        ("latex", "dollars", _over("$")),
        ("diff", "one line", _over("+")),
        ("console", "prompts", _over("$ ")),
        ("http", "one line", _over("a: ")),
        ("r", "one word", _over("a.")),
        ("matlab", "open strings", _over("'")),
        ("makefile", "spaces", _over(" ", "a")),
        ("lua", "open brackets", _over("[=")),
        ("haskell", "open comments", _over("{-")),
        ("scala", "words", _over("a ")),
        ("kotlin", "words", _over("a ")),
        ("swift", "words", _over("a ")),
        ("regex-like text", "one word", _over("a")),
    )
]

# --- prompts and servers' words ---------------------------------------------------------------------------------------

_PROMPTS = [
    Family(f"prompt: {name}", make, "prompt")
    for name, make in (
        ("open braces", _over("{")),
        ("open pairs of braces", _over("{{ a ")),
        ("braces that close much later", _over("{{ a ", after="}}")),
        ("closing braces", _over("}")),
        ("open pair and closing pairs", _over("}} a ", "{{ ")),
        ("open pair and closing braces", _over("}", "{{ (")),
        ("open pair, a long text and closing pairs", _both(_over("a ", "{{ "), _over("}}"))),
        ("expressions", _over("{{ 1 }} ")),
        ("nested pairs", _nested("{{", "}}")),
        ("one long expression", _over("+1", "{{ 1", " }}")),
        ("one long string", _over("a", "{{ '", "' }}")),
        ("one long string of closing pairs", _over("}}", "{{ '", "' }}")),
        ("one long string of closing braces", _over("} ", "{{ '", "' }}")),
        ("one long dictionary", _over("1:{},", "{{ {", "} }}")),
        ("dictionaries nested", _nested("{1:", "}", "1")),
        ("brackets nested", _nested("{{ " + "(", ")", "1")),
        ("brackets never closed", _over("(", "{{ ", " }}")),
        ("line ends", _over("\n", "{{ 1", "}}")),
        ("spaces", _over(" ", "{{ 1", "}}")),
        ("expressions that are no Python", _over("{{ a b }} ")),
        ("one open pair in code of C", _over("int f() { if (a) { b(); }}\n", "{{ ")),
        ("initialisers of C", _over("int a[] = {{1, 2}, {3, 4}};\n")),
        ("templates of Jinja", _over("{{ a | b }} {% if c %}")),
        ("operators in an open pair", _over("- ", "{{ ", "}}")),
        ("strings in an open pair", _over("'}}' ", "{{ ")),
        ("lambdas", _over("lambda:", "{{ ", "1}}")),
    )
]
_WORDS = [
    Family(f"words: {name}", make, "words")
    for name, make in (
        ("key over and over", _over("sk-abcdef1234567890")),
        ("nearly the key", _over("sk-abcdef123456789")),
        ("beginnings of the key", _over("sk-")),
        ("short key over and over", _over("local")),
        ("short key with dashes", _over("local-")),
        ("short key in words", _over(" local ")),
        ("dashes", _over("-")),
        ("letters", _over("a")),
        ("spaces", _over(" ")),
        ("line ends", _over("\r\n")),
    )
]

FAMILIES = (
    *_CMARK,
    *_ALONE,
    *_SPACED,
    *_AFTER_A_LETTER,
    *_LINES,
    *_PAIRS,
    *_TRIPLES,
    *_SEEN,
    *_BLOCKS,
    *_DEFINITIONS,
    *_LINKS,
    *_EMPHASIS,
    *_SPANS,
    *_CHARACTERS,
    *_MIXTURES,
    *_CODE,
    *_PROMPTS,
    *_WORDS,
)
"""All of them."""

_BY_NAME = {each.name: each for each in FAMILIES}
assert len(_BY_NAME) == len(FAMILIES), "two families have one name"


def family(name: str) -> Family:
    """Return the family of that name."""
    return _BY_NAME[name]
