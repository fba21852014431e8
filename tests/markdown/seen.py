r"""The structure of what is seen: what two renderers have to agree on.

The normalisation, applied to both sides alike:

* White space next to block tags, line breaks and displayed formulas is dropped; elsewhere a run of it is one space. In
  code it is kept, but for the end of a block. Word joiners (U+2060) are dropped everywhere.
* `span`, `div`, `section`, `thead` and `tbody` are transparent. A `code` in `pre` is, too, but for its language.
* Kept are the attributes `href` (percent-decoded), `start`, `align` (or the style that says so) and `checked`.
* A destination that is refused here is not a link on the other side either. An image is the link that stands for it.
* A check box right before a paragraph counts as being in it.
* `s` is `del`, `b` and `i` are `strong` and `em`. A `strong` in a `strong` adds nothing: GitHub drops it.
* A formula is its TeX and whether it is displayed; which delimiters it has does not matter. White space and comments in
  it are dropped; `\lt`, `\gt`, `\vert` and `\Vert` are `<`, `>`, `|` and `\|`. One that starts an
  environment is displayed; between dollars, `align` is called `aligned`, and of `equation` only the inside is left.
* A displayed formula is a block of its own: a paragraph around it ends before it.
* Footnotes: the raised digits in saved Markdown are a number in `sup`; the rule and the list below it are the notes. In
  the notes paragraphs are not told from lines.
* JupyterLab's and nbconvert's links from headings to themselves are dropped.
* VS Code only: it knows no check boxes, so they are compared as they are written.
* nbconvert only: the languages of code are not compared, and the line with a language that it does not know, which it
  puts on top of the code, is dropped.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote

from nbstream.markdown.links import image_note, safe_url

__all__ = ["structure"]

_BLOCK = re.compile(r"</?(?:p|h[1-6]|ul|ol|li|table|tr|td|th|pre|blockquote|hr|dl|dt|dd)\b")
_TRANSPARENT = {"span", "div", "section", "thead", "tbody"}
_VOID = {"br", "hr", "img", "input", "wbr"}
_SAME = {"s": "del", "strike": "del", "b": "strong", "i": "em"}
_ALIGN = re.compile(r"text-align:\s*(\w+)")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED_DIGITS = re.compile("([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_JOINER = "\u2060"
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("$", "$"), ("\\(", "\\)"))


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
        shown = shown and not (tag == "strong" and self._inside("strong"))
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
    for name, within in (("align", "aligned"), ("alignat", "alignedat"), ("gather", "gathered")):
        written = re.sub(rf"\\(begin|end)\{{{name}\*?\}}", rf"\\\1{{{within}}}", written)
    written = re.sub(r"\\(?:begin|end)\{equation\*?\}", "", written)
    written = re.sub(r"\\vert(?![A-Za-z])", "|", re.sub(r"\\Vert(?![A-Za-z])", r"\\|", written))
    written = re.sub(r"\\lt(?![A-Za-z])", "<", re.sub(r"\\gt(?![A-Za-z])", ">", written))
    return ("$$ " if display else "$ ") + re.sub(r"\s+", "", written)


def _is_block(token: str) -> bool:
    return token.startswith("$$ ") or bool(_BLOCK.match(token))


def structure(html: str, *, notes: bool = False, languages: bool = True, boxes: bool = True) -> list[str]:
    """Return the tags, texts and formulas of `html` after the normalisation.

    Args:
        html: What is shown.
        notes: Whether the list below the last rule are footnotes.
        languages: Whether the language of code matters.
        boxes: Whether the renderer knows check boxes; if not, they are compared as they are written.
    """
    parser = _Tokens()
    parser.feed(html)
    parser.close()
    if not boxes:
        parser.tokens = _written(parser.tokens)
    tokens = _boxed(_raised(_split(parser.tokens)))
    tokens = _coded(tokens, languages=languages)
    return _squeezed(_loose_notes(tokens) if notes else tokens)


def _written(tokens: list[str]) -> list[str]:
    """Write check boxes as in Markdown."""
    found: list[str] = []
    for token in tokens:
        box = {"<input>": '"[ ]', "<input checked>": '"[x]'}.get(token)
        if box is None and found[-1:] in (['"[ ]'], ['"[x]']) and token.startswith('"'):
            found[-1] += token[1:]
        else:
            found.append(box or token)
    return found


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
