"""What may be in anything that is made of inert Markdown: whatever is not listed here acts.

HTML is read as a browser reads it, by Lexbor and once more by html5lib, between a beginning and an end of a page that
it must leave as they are.

What renderers add by themselves is allowed by these rules:

- An id of a heading, or of the section around it, if its letters are letters of the heading, in their order. What a
  text asks for itself (`{#id}`) is not.
- An anchor beside a heading (`¶`) that leads to that id.
- A class if it is one that a renderer gives to everything of that kind, or on code, where it is the language.
- `style` if it aligns a cell or sets the width of a column, or puts text that runs from right to left at the right.

Links lead to foreign servers by http or https, or are mail addresses. A server is foreign if its name has a dot and is
neither an address nor a name of this machine: a notebook server is at such an address, and follows its reader's links.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

import html5lib
from docutils.utils.math import latex2mathml, tex2unichar
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ATTRIBUTES_OF_TOKENS", "acts", "is_foreign", "is_plain_tag", "latex_acts", "template_acts", "tokens_act"]

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_PLAIN = {
    *(
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "dl",
        "dt",
        "em",
        "hr",
        "ins",
        "kbd",
        "mark",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
    ),
    *("ruby", "s", "small", "strong", "sub", "sup", "tbody", "tfoot", "thead", "tr", "tt", "u", "ul", "var"),
    *("aside", "div", "li", "main", "ol", "section", "span", "table", "td", "th", "col", "colgroup", "caption"),
    *("a", "figure", "figcaption", "input", "label", "b", "i", "cite", "dfn", "samp"),
    *("eq", "eqn"),  # around formulas, by texmath
}
_ALLOWED = _PLAIN | _HEADINGS
_IMAGE_ATTRIBUTES = {"src", "alt", "title", "loading", "referrerpolicy", "class"}

_CLASSES = re.compile(
    r"align-(?:left|center|right|default)|amsmath|anchor|anchor-link|block|colwidths-(?:auto|given)|contains-task-list"
    r"|display|docutils|email|even|external|eqno|footnote[\w-]*|formula|header|headerlink|highlight|inline|language-[\w+#.-]+"
    r"|line(?:-block)?|literal(?:-block)?|loose|math(?:-[\w-]+)?|mermaid|jp-Mermaid|nbsphinx-math|citation|nbs-[\w-]+|nolinkurl|odd|pre|problematic|reference"
    r"|simple|smallcaps|strikethrough|system-message(?:s|-title)?|table|task-list(?:-item(?:-checkbox)?)?|text|uri|url"
    r"|error|row-(?:odd|even)|head|stub|citation|transition|bare|arabic|upperalpha|loweralpha|upperroman|lowerroman"
)
_CODE_CLASS = re.compile(r"(?!jp-|lm-|nbs-)[\w+#.-]{1,40}|nbs-[\w-]+")
_STYLES = re.compile(r"text-align: ?(?:left|right|center);?|width: ?\d+(?:\.\d+)?%;?")
_DIRECTION = re.compile("display: ?block; ?direction: ?(?:rtl; ?text-align: ?right|ltr; ?text-align: ?left);?")
_VALUES: Mapping[tuple[str, str], re.Pattern[str]] = {
    ("input", "type"): re.compile("checkbox"),
    ("input", "disabled"): re.compile("|disabled"),
    ("input", "checked"): re.compile("|checked"),
    ("span", "data-cites"): re.compile(r"[\w:.#$%&+?<>~/ -]*"),  # pandoc: a name after an @, shown as it is
    ("section", "dir"): re.compile("rtl"),
    ("section", "markdown"): re.compile("1"),  # where Python-Markdown does not know it
    ("section", "data-markdown"): re.compile("1"),  # pandoc's name for it
    ("ol", "start"): re.compile(r"-?\d+"),
    ("ol", "type"): re.compile("[1aAiI]"),
    ("li", "value"): re.compile(r"\d+"),
    ("a", "target"): re.compile("_blank"),
    ("a", "rel"): re.compile(r"[a-z ]*"),
    ("a", "title"): re.compile(r"[\s\S]*"),
    ("pre", "lang"): re.compile(r"(?!jp-|lm-|nbs-)[\w+#.-]{1,40}"),
}
_ALIGN = re.compile("left|center|right")

_URL = re.compile(r"https?://(?P<host>[^\s/?#\\@:<>\"^`{|}]+)(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[^\s\\<>\"`@?]+@[\w%-]+(?:\.[\w%-]+)+(?:\?[^\s\\<>\"`]*)?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)


def is_foreign(host: str) -> bool:
    """Whether `host` is the name of a server elsewhere.

    It is not if a browser could take it for an address, or for a name of this machine or of its own network.

    Example:
        >>> [is_foreign(host) for host in ("example.com", "localhost", "127.1", "[::1]", "x.localhost.")]
        [True, False, False, False, False]
    """
    name = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").casefold().rstrip(".")
    *front, last = name.split(".")
    is_own = last in {"localhost", "local", "localdomain", "internal", "home", "lan", "test"} or _NUMBER.fullmatch(last)
    return bool(front) and all(front) and not is_own and re.fullmatch(r"[\w.-]+", name) is not None


def _may_lead_to(address: str) -> bool:
    if found := _URL.fullmatch(address):
        return is_foreign(found["host"])
    return _MAIL.fullmatch(address) is not None


# --- HTML -------------------------------------------------------------------------------------------------------------

_FILE = re.compile(r"root:x?:0:0:")  # of /etc/passwd, which payloads ask for


def acts(html: str, *, images: bool = False) -> list[str]:
    """Return what is in `html` and may not be, each as a short note; nothing if it does nothing.

    Args:
        html: The HTML, as part of a page.
        images: Whether images of servers are allowed.
    """
    return [*_acts(html, images)]


@lru_cache(maxsize=20_000)  # many renderers make the same
def _acts(html: str, images: bool) -> tuple[str, ...]:  # noqa: FBT001
    found = [*_by_lexbor(html, images=images)] or [*_by_html5lib(html)]
    if "<failed>" in html:
        found.append("the renderer failed")
    if _FILE.search(html):
        found.append("a file was read")
    return tuple(dict.fromkeys(found))


_PAGE = "<!doctype html><html><head></head><body><main id=judged>%s</main><p>the end</p></body></html>"


def _by_lexbor(html: str, *, images: bool) -> Iterator[str]:
    tree = LexborHTMLParser(_PAGE % html)
    body, head, root = tree.body, tree.head, tree.root
    if body is None or head is None or root is None:
        yield "no page is left"
        return
    yield from (f"{part.tag} {' '.join(part.attributes)}" for part in (root, head, body) if part.attributes)
    if head.child is not None:
        yield f"in the head: {head.html}"
    judged = [each for each in body.iter(include_text=True) if (each.text() or "").strip() or each.tag != "-text"]
    is_whole = [each.tag for each in judged] == ["main", "p"] and judged[0].attributes == {"id": "judged"}
    if not is_whole or judged[-1].html != "<p>the end</p>":
        yield "breaks out of its place"
    for node in root.traverse(include_text=False):
        if node.tag not in {"html", "head", "body", "-text"} and node.attributes.get("id") != "judged":
            yield from _of_node(node, images=images)


def _of_node(node: LexborNode, *, images: bool) -> Iterator[str]:
    tag = node.tag or ""
    if tag.startswith(("-", "_", "!")):
        yield f"{tag.strip('-_!')} {node.html}"
        return
    if tag not in _ALLOWED and not (images and tag == "img"):
        yield tag
    for name, value in node.attributes.items():
        if not _is_allowed(tag, name, value or "", node, images=images):
            yield f"{tag} {name}={value}" if value else f"{tag} {name}"


def _by_html5lib(html: str) -> Iterator[str]:
    for kind in _walk(html5lib.parse(_PAGE % html, treebuilder="etree", namespaceHTMLElements=False)):
        if kind not in _ALLOWED | {"html", "head", "body", "img"}:
            yield f"html5lib: {kind}"


def _walk(element: object) -> Iterator[str]:
    for each in element.iter():  # type: ignore[attr-defined]
        yield each.tag if isinstance(each.tag, str) else "comment"


def _is_allowed(tag: str, name: str, value: str, node: object, *, images: bool) -> bool:
    if name == "href":
        return tag == "a" and (_may_lead_to(value) or _is_anchor(node, value))
    if name == "class":
        within = _CODE_CLASS if tag in {"code", "pre", "samp"} or _holds_code(node) else _CLASSES
        return all(within.fullmatch(each) or _CLASSES.fullmatch(each) for each in value.split())
    if name == "id":
        return _is_of_heading(node, value)
    if name == "style":
        styles = _DIRECTION if tag == "span" else _STYLES
        return tag in {"td", "th", "col", "table", "span"} and styles.fullmatch(value.strip()) is not None
    if name == "align":
        return tag in {"td", "th", "col"} and _ALIGN.fullmatch(value) is not None
    if tag == "img" and images:
        return name in _IMAGE_ATTRIBUTES and (name != "src" or _may_lead_to(value))
    allowed = _VALUES.get((tag, name))
    return allowed is not None and allowed.fullmatch(value) is not None


def _holds_code(node: object) -> bool:
    """Whether this is the box around code, or a part of code that is coloured."""
    if node.tag == "div":  # type: ignore[attr-defined]
        inside = [each.tag for each in node.iter()]  # type: ignore[attr-defined]
        return inside == ["pre"]
    above = node.parent  # type: ignore[attr-defined]
    while above is not None:
        if above.tag in {"code", "pre"}:
            return True
        above = above.parent
    return False


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.casefold())


def _is_of_heading(node: object, name: str) -> bool:
    heading = node
    if node.tag == "section":  # type: ignore[attr-defined]
        heading = next((each for each in node.iter() if each.tag in _HEADINGS), node)  # type: ignore[attr-defined]
    if heading.tag not in _HEADINGS:  # type: ignore[attr-defined]
        return False
    name = re.sub(r"^(?:section|id|heading)?(?:[-_]?\d+)?$", "", name)
    letters = iter(_letters(heading.text()))  # type: ignore[attr-defined]
    return all(letter in letters for letter in _letters(unquote(name)))


def _is_anchor(node: object, address: str) -> bool:
    """Whether this is the sign beside a heading that leads to the heading itself."""
    heading = node.parent  # type: ignore[attr-defined]
    given = {*(node.attributes.get("class") or "").split()}  # type: ignore[attr-defined]
    return bool(
        given & {"anchor-link", "headerlink", "anchor"}
        and node.text() in {"¶", ""}  # type: ignore[attr-defined]
        and heading.tag in _HEADINGS
        and unquote(address) == f"#{unquote(heading.attributes.get('id') or '')}"
    )


# --- LaTeX ------------------------------------------------------------------------------------------------------------

_VERBATIM = re.compile(r"\\begin\{verbatim\}[\s\S]*?\\end\{verbatim\}")
# Written by pandoc for ordered lists and tables; no definition of anything else is allowed.
_NUMBERING = re.compile(
    r"\\def\\labelenumi{1,3}v?\{[().]?\\(?:arabic|alph|Alph|roman|Roman)\{enumi{1,3}v?\}[().]*\}"
    r"|\\def\\LTcaptype\{none\}|\\setcounter\{enumi{1,3}v?\}\{-?\d+\}"
)
_TOKEN = re.compile("[A-Z][A-Za-z]+Tok")  # pandoc: a part of coloured code
_CONTROL = re.compile(r"\\(?:([A-Za-z]+)\*?|[\s\S]|$)|\^\^")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^}]*)\}")
_HREF = re.compile(r"\\(?:href|url)\s*\{((?:[^{}\\]|\\.)*)\}")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT_COMMANDS = _words(
    """
    phantomsection LaTeX mbox
    kern LTcaptype begin end item section subsection subsubsection paragraph subparagraph chapter textbf textit emph
    texttt textsc textsuperscript textsubscript underline st sout ul hl href url nolinkurl label hypertarget
    tightlist pagestyle textbackslash textasciitilde textasciicircum textless textgreater textbar textquotesingle
    textasciigrave textquotedblleft textquotedblright textquoteleft textquoteright ldots dots textellipsis
    textbullet textendash textemdash linebreak newline hfill break par noindent centering raggedright raggedleft
    arraybackslash toprule midrule bottomrule endhead endfirsthead endlastfoot endfoot noalign tabularnewline
    linewidth columnwidth tabcolsep real hspace rule protect textdegree textregistered texttrademark copyright
    textcopyright S P pounds euro texteuro strut labelitemi square boxtimes quad qquad bigskip medskip smallskip
    ensuremath dag ddag ss ae AE oe OE aa AA o O l L i j texorpdfstring vspace caption allowbreak penalty
    """
)
_MATH_COMMANDS = _words(
    """
    lt gt ce pu rlap llap mathrlap mathllap frac dfrac tfrac cfrac sqrt left right middle big Big bigg Bigg bigl
    bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm text textrm textbf textit textsf texttt mathrm mathbf mathit
    mathsf mathtt mathbb mathcal mathfrak mathscr boldsymbol bm pmb mathnormal operatorname operatornamewithlimits
    mathop mathbin mathrel mathord mathopen mathclose mathpunct mathinner limits nolimits displaystyle textstyle
    scriptstyle scriptscriptstyle binom dbinom tbinom genfrac choose over atop overline underline overbrace
    underbrace overset underset stackrel overrightarrow overleftarrow underrightarrow underleftarrow xrightarrow
    xleftarrow widehat widetilde hat tilde bar vec dot ddot dddot check breve acute grave mathring not tag notag
    nonumber hline cline multicolumn quad qquad hspace vspace mspace hfill phantom hphantom vphantom smash boxed
    fbox cancel bcancel xcancel color textcolor substack sideset prescript intertext shortintertext pmod bmod mod
    pod lim limsup liminf sup inf max min arg argmin argmax sin cos tan cot sec csc arcsin arccos arctan sinh cosh
    tanh coth log ln lg exp det dim ker hom deg gcd Pr lvert rvert lVert rVert langle rangle lfloor rfloor lceil
    rceil ulcorner urcorner llcorner lrcorner vert Vert ldots cdots vdots ddots dots dotsc dotsb dotsm dotsi dotso
    iff implies impliedby to gets mapsto land lor lnot ne neq le leq ge geq cdot colon mathstrut strut allowbreak
    nobreak newline displaylimits rm bf it sf tt cal scriptsize small large Large tiny normalsize
    """
)
_ENVIRONMENTS = _words(
    """
    Shaded Highlighting itemize enumerate description quote verbatim  longtable longtable* minipage center flushleft
    flushright equation align aligned alignat alignedat gather gathered multline split cases dcases rcases matrix
    pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array subarray eqnarray math displaymath
    """
)


def _names_of(module: object) -> frozenset[str]:
    tables = [each for name, each in vars(module).items() if isinstance(each, dict) and not name.startswith("__")]
    return frozenset(name.removeprefix("\\") for table in tables for name in table if isinstance(name, str))


_COMMANDS = _TEXT_COMMANDS | _MATH_COMMANDS | _names_of(tex2unichar) | _names_of(latex2mathml)


def latex_acts(tex: str) -> list[str]:
    """Return the commands, environments and links in `tex` that are not those of plain text and formulas."""
    left = _NUMBERING.sub("", _VERBATIM.sub("", tex))
    found = [
        f"command {each[0]}"
        for each in _CONTROL.finditer(left)
        if each[0] == "^^" or (each[1] and each[1] not in _COMMANDS and not _TOKEN.fullmatch(each[1]))
    ]
    found += [
        f"environment {name}" for name in _ENVIRONMENT.findall(left) if name.removesuffix("*") not in _ENVIRONMENTS
    ]
    links = [re.sub(r"\\(.)", r"\1", address) for address in _HREF.findall(left)]
    found += [f"link {address}" for address in links if not _may_lead_to(address)]
    found += ["cite" for _ in re.findall(r"\\cite\b", left)]
    return list(dict.fromkeys(found))


# --- What is no HTML --------------------------------------------------------------------------------------------------

_TOKENS = _words(
    """
    inline text softbreak hardbreak code_inline fence code_block math_inline math_inline_double math_block amsmath
    hr image_alt paragraph heading blockquote bullet_list ordered_list list_item em strong s link table thead tbody
    tr th td
    """
)
ATTRIBUTES_OF_TOKENS = frozenset({"href", "style", "start", "class", "title"})


_TAGS = re.compile(
    r'<br>|</?(?:kbd|span|sub|sup)>|<section dir="rtl" markdown="1">|</section>'
    r'|<span style="display: block; direction: (?:rtl; text-align: right|ltr; text-align: left)">'
)


def is_plain_tag(html: str) -> bool:
    """Whether `html` is a tag that Markdown may hold: of an element that does nothing, or has a direction."""
    return _TAGS.fullmatch(html) is not None


def tokens_act(types: str) -> list[str]:
    """Return the types of MyST's tokens that are not those of plain Markdown."""
    return [
        each
        for each in types.split("\n")
        if each and (each.removesuffix("_open").removesuffix("_close") not in _TOKENS)
    ]


_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_TEMPLATE = re.compile(r"\{\{|\{%")  # Jinja, Liquid and MyST, and Quarto and Hugo too
_SHORTCODE = re.compile(r"\{\{[<%]")  # Quarto and Hugo look for these in code too


def template_acts(text: str) -> list[str]:
    """Return what template languages that know no Markdown would take for theirs in `text`."""
    found = _SHORTCODE.findall(text)
    for token in _PARSER.parse(text):
        source = token.content if token.type == "inline" else ""
        for child in token.children or ():
            source = source.replace(child.content, "", 1) if child.type == "code_inline" else source
        found += _TEMPLATE.findall(source)
    return list(dict.fromkeys(found))
