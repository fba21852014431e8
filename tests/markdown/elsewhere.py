"""The renderers that show saved Markdown: JupyterLab's, GitHub's, nbconvert's and VS Code's.

* `lab`: JupyterLab's own code: the cutting out of formulas, marked, the sanitiser, and MathJax's search in the result.
* `github`: GitHub's parser with GitHub's rules for formulas as they are known, see `_github`.
* `mistune`: nbconvert's Markdown, and MathJax's search in the result. (Its page loads version 2.7, which has the same
  delimiters and skips the same elements as the version 3 that is used here.)
* `code`: markdown-it and the KaTeX plugin of VS Code, with the options of its notebooks.

The first and the last run in Node, from `front_ends/`, which npm fills when they are first asked for.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import cmarkgfm
from cmarkgfm.cmark import Options
from nbconvert.filters.markdown_mistune import markdown2html_mistune

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RENDERERS", "rendered"]

RENDERERS = ("lab", "github", "mistune", "code")
_NODE = Path(__file__).parent / "front_ends"


@cache
def _node() -> str:
    node = shutil.which("node") or str(Path(sys.executable).parent / "node")
    asked, installed = _NODE / "package-lock.json", _NODE / "node_modules" / ".package-lock.json"
    with asked.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # tests run side by side, and npm takes away what it finds
        if not installed.exists() or installed.stat().st_mtime < asked.stat().st_mtime:
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
