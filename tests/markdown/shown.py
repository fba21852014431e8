r"""What saved Markdown looks like elsewhere, next to what was shown live: the same structure, or it is a mistake.

    python -m tests.markdown.shown                        the table of all renderers and corpora
    python -m tests.markdown.shown --left                 and each text that is read otherwise, with the difference
    python -m tests.markdown.shown --record               and raise what the suite asks for to what is reached now
    python -m tests.markdown.shown --name "prices"        the texts whose names contain that, and what was made of them
    python -m tests.markdown.shown --text 'costs $5'      the same of any text ("-" reads standard input)
    python -m tests.markdown.shown --raw --text 'a \$b'   the same of Markdown as it is, not made inert: for experiments
    … --renderer lab --corpus math                        of these only; both may be given several times

The renderers are run in `renderers/`, which npm fills once (`npm ci`):

* `lab`: JupyterLab's own code: the cutting out of formulas, marked, the sanitiser, and MathJax's search in the result.
* `github`: GitHub's parser with GitHub's rules for formulas as they are known, see `_github`.
* `mistune`: nbconvert's Markdown, and MathJax's search in the result. (Its page loads version 2.7, which has the same
  delimiters and skips the same elements as the version 3 that is used here.)
* `code`: markdown-it and the KaTeX plugin of VS Code, with the options of its notebooks.

The normalisation, applied to both sides alike:

* White space next to block tags, line breaks and displayed formulas is dropped; elsewhere a run of it is one space. In
  code it is kept, but for the end of a block. Word joiners (U+2060) are dropped everywhere.
* `span`, `div`, `section`, `thead` and `tbody` are transparent. A `code` in `pre` is, too, but for its language.
* Kept are the attributes `href` (percent-decoded), `start`, `align` (or the style that says so) and `checked`.
* A destination that is refused here is not a link on the other side either. An image is the link that stands for it.
* A check box right before a paragraph counts as being in it.
* `s` is `del`, `b` and `i` are `strong` and `em`.
* A formula is its TeX and whether it is displayed; which delimiters it has does not matter. White space and comments in
  it are dropped, and `\lt` and `\gt` are `<` and `>`. One that starts an environment is displayed.
* A displayed formula is a block of its own: a paragraph around it ends before it.
* Footnotes: the raised digits in saved Markdown are a number in `sup`; the rule and the list below it are the notes. In
  the notes paragraphs are not told from lines.
* JupyterLab's and nbconvert's links from headings to themselves are dropped.
* nbconvert only: the languages of code are not compared, and the line with a language that it does not know, which it
  puts on top of the code, is dropped.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from html import escape
from html.parser import HTMLParser
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import cmarkgfm
from cmarkgfm.cmark import Options
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from nbstream.markdown import inert, render
from nbstream.markdown.links import image_note, safe_url
from tests.markdown.structure import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "RENDERERS",
    "Compared",
    "compare",
    "compare_all",
    "corpora",
    "count",
    "difference",
    "floors",
    "left",
    "rendered",
    "structure",
    "table",
]

RENDERERS = ("lab", "github", "mistune", "code")
_HERE = Path(__file__).parent
_NODE = _HERE / "renderers"
_FLOORS = _HERE / "corpus" / "shown.json"
ALL_ANSWERS = "all answers"
_RAW_HTML = re.compile(r"<[A-Za-z/!?]")

_BLOCK = re.compile(r"</?(?:p|h[1-6]|ul|ol|li|table|tr|td|th|pre|blockquote|hr|dl|dt|dd)\b")
_TRANSPARENT = {"span", "div", "section", "thead", "tbody"}
_VOID = {"br", "hr", "img", "input", "wbr"}
_SAME = {"s": "del", "strike": "del", "b": "strong", "i": "em"}
_ALIGN = re.compile(r"text-align:\s*(\w+)")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED_DIGITS = re.compile("([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_JOINER = "\u2060"
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("$", "$"), ("\\(", "\\)"))


def corpora() -> dict[str, dict[str, str]]:
    """Return the texts by name by corpus; formulas are not marked any more."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted((_HERE / "corpus").glob("*.md")):
        parts = re.split(r"^%%% (.*)\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found[file.stem] = {name: source(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    examples = json.loads((_HERE.parent / "data" / "commonmark.json").read_text(encoding="utf-8"))
    found["specification"] = {
        str(each["example"]): each["markdown"] for each in examples if not _RAW_HTML.search(each["markdown"])
    }
    return found


# How the renderers are run.


@cache
def _node() -> str:
    node = shutil.which("node") or str(Path(sys.executable).parent / "node")
    lock, installed = _NODE / "package-lock.json", _NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = shutil.which("npm") or str(Path(node).parent / "npm")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=_NODE, check=True)
    return node


def _in_node(asked: dict[str, list[str]]) -> dict[str, list[str]]:
    run = subprocess.run(
        [_node(), "render.js"], cwd=_NODE, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(run.stderr)
    answered: dict[str, list[str]] = json.loads(run.stdout)
    return answered


def rendered(texts: list[str], renderers: Iterable[str] = RENDERERS) -> dict[str, list[str]]:
    """Return the HTML that each renderer makes of each text, with formulas in elements of class `nbs-math`."""
    asked = {name: texts for name in ("lab", "code") if name in renderers}
    if "mistune" in renderers:
        asked["math"] = [markdown2html_mistune(text) for text in texts]
    found = _in_node(asked) if asked else {}
    if "math" in found:
        found["mistune"] = found.pop("math")
    if "github" in renderers:
        found["github"] = [_github(text) for text in texts]
    return found


# GitHub.

_FENCE = (
    r"(?:^[ >]*(?:[-*+]|\d+[.)])?[ ]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n"
    r"(?P<code>[\s\S]*?)(?:^[ >]*(?P=fence)[`~]*[ ]*$|\Z)"
)
_GITHUB = re.compile(
    rf"(?P<block>{_FENCE})"
    r"|(?P<escape>\\.)"
    r"|\$`(?P<ticked>[^`\n]+)`\$"
    r"|(?P<span>(?P<ticks>`+)(?!`)[\s\S]*?(?<!`)(?P=ticks)(?!`))"
    r"|\$\$(?P<display>(?:\\[\s\S]|(?!\$\$|\n[ >]*\n)[^\\])+)\$\$"
    r"|(?<![\w$\u2060\u200b])\$(?P<inline>(?!\s)(?:\\[\s\S]|(?!\n[ >]*\n|</?[a-z])[^\\$])+)\$(?![\w$])",
    re.MULTILINE,
)
_GITHUB_PLAIN = re.compile(
    r"\$(?P<number>\d+)\ue000\$"
    r"|(?<![\w$\u2060\u200b])\$(?P<inline>(?!\s)[^$\ue000]+)\$(?![\w$])"
)


def _github(text: str) -> str:
    r"""Return what GitHub makes of Markdown, with its rules for formulas as far as they are known.

    * `$…$` is a formula if its first character is no space, and if the marks are not glued to letters, digits or
      characters without width outside. `` $`…`$ `` is one always. `$$…$$` is displayed, and so is a fenced block of
      the language `math`.
    * The dollars are looked for in what is left after Markdown: an escaped dollar and an entity are dollars as any
      others. Tags end the search, which is why GitHub's manual advises `<span>$</span>`.
    * The inside of a formula is not read as Markdown. (In fact GitHub resolves the escapes of punctuation in it.)
    """
    formulas: list[str] = []

    def kept(formula: str, mark: str) -> str:
        formulas.append(f'<span class="nbs-math">{mark}{escape(formula)}{mark}</span>')
        return f"${len(formulas) - 1}\ue000$"

    def hidden(found: re.Match[str]) -> str:
        if found["ticked"]:
            return kept(found["ticked"], "$")
        if found["display"]:
            return kept(re.sub(r"\n[ >]*", "\n", found["display"]), "$$")
        if found["inline"]:
            return kept(found["inline"], "$")
        return found[0]

    html = str(cmarkgfm.github_flavored_markdown_to_html(_GITHUB.sub(hidden, text), Options.CMARK_OPT_UNSAFE))

    def shown(found: re.Match[str]) -> str:
        if found["number"]:
            return formulas[int(found["number"])]
        return f'<span class="nbs-math">{found[0]}</span>'

    parts = re.split(r"(<pre[\s\S]*?</pre>|<code>[\s\S]*?</code>|<[^>]*>)", html)
    for at, part in enumerate(parts):
        if at % 2 == 0:
            parts[at] = _GITHUB_PLAIN.sub(shown, part)
        else:
            parts[at] = re.sub(r'<pre lang="math"><code>([\s\S]*?)</code></pre>', _math_fence, part)
    return "".join(parts)


def _math_fence(found: re.Match[str]) -> str:
    return f'<span class="nbs-math">$${found[1]}$$</span>'


# The structure.


class _Tokens(HTMLParser):
    """Collects tags as `<…>`, texts behind a quotation mark, and formulas behind one or two dollars."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._math: int | None = None
        self._formula = ""
        self._hidden: int | None = None
        self._notes: int | None = None

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        tag = _SAME.get(tag, tag)
        shown = tag not in _TRANSPARENT and self._hidden is None and self._math is None
        token = tag
        if "nbs-math" in classes and self._math is None:
            self._math, self._formula = len(self._open), ""
        elif tag == "a" and {"anchor-link", "footnote-backref"} & set(classes) and self._hidden is None:
            self._hidden, shown = len(self._open), False
        elif tag == "a":
            url = safe_url(values.get("href", ""))
            shown = shown and url is not None and not self._inside("sup")
            token = f"a href={unquote(unquote(url or ''))}"
        elif tag == "img":
            self._image(values)
            shown = False
        elif tag == "code" and self._inside("pre"):
            languages = [name for name in classes if name.startswith("language-")]
            self.tokens += [f"<{languages[0]}>"] if languages and shown else []
            shown = False
        elif "nbs-footnotes" in classes:
            self.tokens.append("<hr>")
        else:
            align = values.get("align") or "".join(_ALIGN.findall(values.get("style", "")))
            token += f" align={align}" if align else ""
            token += f" start={values['start']}" if values.get("start", "1") != "1" else ""
            token += " checked" if "checked" in values else ""
        if tag not in _VOID:
            self._open.append((tag, shown))
        if shown:
            self.tokens.append(f"<{token}>")
        if tag == "pre" and "lang" in values:
            self.tokens.append(f"<language-{values['lang']}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _image(self, values: dict[str, str]) -> None:
        url = safe_url(values.get("src", ""))
        linked = url is not None and not self._inside("a")
        self.tokens += [f"<a href={unquote(unquote(url or ''))}>"] if linked else []
        self.handle_data(image_note(values.get("alt", "")))
        self.tokens += ["</a>"] if linked else []

    def handle_endtag(self, tag: str) -> None:
        tag = _SAME.get(tag, tag)
        if tag in _VOID or not self._inside(tag):
            return
        while True:
            opened, shown = self._open.pop()
            if self._math == len(self._open):
                self._math = None
                self.tokens.append(_formula(self._formula))
            elif self._hidden == len(self._open):
                self._hidden = None
            elif shown:
                self.tokens.append(f"</{opened}>")
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        data = data.replace(_JOINER, "")
        if self._math is not None:
            self._formula += data
        elif self._hidden is None and data:
            in_code = self._inside("code") or self._inside("pre")
            data = data if in_code else re.sub(r"[ \t\n]+", " ", data)
            if self.tokens and self.tokens[-1].startswith('"'):
                self.tokens[-1] += data if in_code or not self.tokens[-1].endswith(" ") else data.removeprefix(" ")
            else:
                self.tokens.append('"' + data)


def _formula(written: str) -> str:
    written = written.strip()
    display = written.startswith(("$$", "\\[", "\\begin"))
    for opener, closer in _DELIMITERS:
        if written.startswith(opener) and written.endswith(closer) and len(written) >= len(opener + closer):
            written = written[len(opener) : len(written) - len(closer)]
            break
    written = re.sub(r"(?<!\\)%.*", "", written)
    written = re.sub(r"\\lt(?![A-Za-z])", "<", re.sub(r"\\gt(?![A-Za-z])", ">", written))
    return ("$$ " if display else "$ ") + re.sub(r"\s+", "", written)


def _is_block(token: str) -> bool:
    return token.startswith("$$ ") or bool(_BLOCK.match(token))


def structure(html: str, *, notes: bool = False, languages: bool = True) -> list[str]:
    """Return the tags, texts and formulas of `html` after the normalisation.

    Args:
        html: What is shown.
        notes: Whether the list below the last rule are footnotes.
        languages: Whether the language of code matters.
    """
    parser = _Tokens()
    parser.feed(html)
    parser.close()
    tokens = _boxed(_raised(_split(parser.tokens)))
    tokens = _coded(tokens, languages=languages)
    return _squeezed(_loose_notes(tokens) if notes else tokens)


def _split(tokens: list[str]) -> list[str]:
    """End paragraphs before displayed formulas."""
    found: list[str] = []
    in_paragraph = False
    for token in tokens:
        in_paragraph = token == "<p>" or (in_paragraph and token != "</p>")
        found += ["</p>", token, "<p>"] if token.startswith("$$ ") and in_paragraph else [token]
    return found


def _raised(tokens: list[str]) -> list[str]:
    found: list[str] = []
    in_code = False
    for token in tokens:
        in_code = token in ("<code>", "<pre>") or (in_code and token not in ("</code>", "</pre>"))
        if in_code or not token.startswith('"'):
            found.append(token)
            continue
        for at, part in enumerate(_RAISED_DIGITS.split(token[1:])):
            if at % 2:
                found += ["<sup>", '"' + part.translate(_RAISED), "</sup>"]
            elif part:
                found.append('"' + part)
    return found


def _boxed(tokens: list[str]) -> list[str]:
    """Move check boxes into the paragraphs behind them."""
    found = list(tokens)
    for at, token in enumerate(tokens):
        behind = at + 2 if "".join(tokens[at + 1 : at + 2]).strip() == '"' else at + 1
        if token.startswith("<input") and tokens[behind : behind + 1] == ["<p>"]:
            found[at], found[behind] = "<p>", token
    return found


def _coded(tokens: list[str], *, languages: bool) -> list[str]:
    found: list[str] = []
    for at, token in enumerate(tokens):
        if token.startswith("<language-"):
            found += [token] if languages else []
        elif token.startswith('"') and tokens[at + 1 : at + 2] == ["</pre>"]:
            code = token[1:].rstrip("\n")
            before = tokens[at - 1]
            if not languages and before.startswith("<language-"):
                code = code.removeprefix(f"{before[10:-1]}\n")
            found += ['"' + code] if code else []
        else:
            found.append(token)
    return found


def _loose_notes(tokens: list[str]) -> list[str]:
    rule = max((at for at, token in enumerate(tokens) if token == "<hr>"), default=len(tokens))
    return tokens[:rule] + [token for token in tokens[rule:] if token not in ("<p>", "</p>")]


def _squeezed(tokens: list[str]) -> list[str]:
    found: list[str] = []
    in_code = False
    for at, token in enumerate(tokens):
        kept = token
        in_code = token in ("<code>", "<pre>") or (in_code and token not in ("</code>", "</pre>"))
        if token.startswith('"') and not in_code:
            before = tokens[at - 1] if at else "<p>"
            after = tokens[at + 1] if at + 1 < len(tokens) else "<p>"
            text = token[1:]
            text = text.lstrip() if _is_block(before) or before.startswith(("<br", "<input")) else text
            text = text.rstrip() if _is_block(after) or after.startswith("<br") else text
            kept = '"' + text if text else ""
        if kept == "</p>" and found[-1:] == ["<p>"]:
            found.pop()
        elif kept:
            found.append(kept)
    return found


# The comparison.


@dataclass(frozen=True)
class Compared:
    """One text as shown live and as a renderer shows what was saved."""

    live: list[str]
    other: list[str]
    live_html: str
    saved: str
    other_html: str

    @property
    def agree(self) -> bool:
        return self.live == self.other


Differences = dict[str, dict[str, Compared]]  # by corpus and name


def compare(
    texts: dict[str, str], renderers: Iterable[str] = RENDERERS, *, save: Callable[[str], str] = inert
) -> dict[str, dict[str, Compared]]:
    """Return for each renderer and each text what is shown live and what the renderer shows."""
    saved = {name: save(text) for name, text in texts.items()}
    live = {name: render(text) for name, text in texts.items()}
    html = rendered(list(saved.values()), renderers)
    found: dict[str, dict[str, Compared]] = {}
    for renderer in renderers:
        found[renderer] = {}
        for name, other in zip(texts, html[renderer], strict=True):
            how = {"notes": 'class="nbs-footnotes"' in live[name], "languages": renderer != "mistune"}
            found[renderer][name] = Compared(
                structure(live[name], **how), structure(other, **how), live[name], saved[name], other
            )
    return found


def difference(compared: Compared) -> str:
    """Return the first place where the two are not the same, in a few words."""
    pairs = zip(compared.live, compared.other, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(same - 1, 0)

    def some(tokens: list[str]) -> str:
        return " ".join(token.lstrip('"') for token in tokens[start : same + 4])[:160] or "(end)"

    return f"live: {some(compared.live)}\n      saved: {some(compared.other)}"


Counts = dict[str, dict[str, tuple[int, int]]]


def compare_all(corpora_: dict[str, dict[str, str]], renderers: Iterable[str] = RENDERERS) -> dict[str, Differences]:
    """Return for each renderer and each corpus how each text is shown."""
    every = {(corpus, name): text for corpus, texts in corpora_.items() for name, text in texts.items()}
    found = compare({"\n".join(key): text for key, text in every.items()}, renderers)
    return {
        renderer: {corpus: {name: of[f"{corpus}\n{name}"] for name in texts} for corpus, texts in corpora_.items()}
        for renderer, of in found.items()
    }


def count(found: dict[str, Differences]) -> Counts:
    """Return for each renderer and each corpus how many texts agree, of how many; and of all that models write."""
    counts: Counts = {}
    for renderer, of in found.items():
        counts[renderer] = {
            corpus: (sum(each.agree for each in texts.values()), len(texts)) for corpus, texts in of.items()
        }
        answers = [counted for corpus, counted in counts[renderer].items() if corpus != "specification"]
        if len(answers) > 1:
            counts[renderer][ALL_ANSWERS] = (sum(agreed for agreed, _ in answers), sum(total for _, total in answers))
    return counts


def table(counts: Counts) -> str:
    """Return a table of renderers and corpora."""
    lines = ["".join(["".ljust(16), *(f"{name:>23}" for name in counts)])]
    for name in next(iter(counts.values())):
        cells = [of[name] for of in counts.values()]
        shown = [f"{agreed} of {total} ({agreed / total:6.1%})".rjust(23) for agreed, total in cells]
        lines.append("".join([name.ljust(16), *shown]))
    return "\n".join(lines)


def left(found: dict[str, Differences]) -> str:
    """Return the list of the texts that are read otherwise, with the first difference of each."""
    return "\n".join(
        line
        for renderer, of in found.items()
        for line in (
            f"\n{renderer}:",
            *(
                f"  {corpus}: {name}\n      {difference(each)}"
                for corpus, texts in of.items()
                for name, each in texts.items()
                if not each.agree
            ),
        )
    )


def floors() -> dict[str, dict[str, int]]:
    """Return how many texts have agreed once."""
    recorded: dict[str, dict[str, int]] = json.loads(_FLOORS.read_text(encoding="utf-8"))
    return recorded


def _record(counts: Counts) -> None:
    recorded = floors() if _FLOORS.exists() else {}
    for renderer, of in counts.items():
        before = recorded.setdefault(renderer, {})
        before |= {corpus: max(agreed, before.get(corpus, 0)) for corpus, (agreed, _) in of.items()}
    _FLOORS.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")


def _show(name: str, text: str, of: dict[str, Compared]) -> None:
    first = next(iter(of.values()))
    print(f"\n######## {name}\n{text}\n==== live\n{first.live_html}\n==== saved\n{first.saved}")
    for renderer, each in of.items():
        print(f"==== {renderer}: {'agrees' if each.agree else 'DISAGREES'}\n{each.other_html.strip()}")
        if not each.agree:
            print(f"---- {difference(each)}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.markdown.shown")
    parser.add_argument("--renderer", action="append", choices=RENDERERS)
    parser.add_argument("--corpus", action="append", choices=sorted(corpora()))
    parser.add_argument("--name", help="show the texts whose names contain this")
    parser.add_argument("--text", help="show this text; - for standard input")
    parser.add_argument("--raw", action="store_true", help="render the text itself, not what would be saved of it")
    parser.add_argument("--record", action="store_true", help="raise the recorded numbers to the present ones")
    parser.add_argument("--left", action="store_true", help="list the texts that are read otherwise")
    given = parser.parse_args()
    renderers = given.renderer or list(RENDERERS)
    chosen = {name: texts for name, texts in corpora().items() if not given.corpus or name in given.corpus}
    if given.text is not None or given.name:
        texts = {name: text for of in chosen.values() for name, text in of.items() if given.name and given.name in name}
        if given.text is not None:
            texts = {"text": sys.stdin.read() if given.text == "-" else given.text}
        compared = compare(texts, renderers, save=str if given.raw else inert)
        for name, text in texts.items():
            _show(name, text, {renderer: compared[renderer][name] for renderer in renderers})
        return
    found = compare_all(chosen, renderers)
    counts = count(found)
    print(table(counts))
    if given.left:
        print(left(found))
    if given.record:
        _record({renderer: {name: of[name] for name in of if name in chosen} for renderer, of in counts.items()})


if __name__ == "__main__":
    main()
