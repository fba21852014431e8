"""The programs that people put notebooks through, each as a function from many Markdown texts to what they become.

All are called with many texts, because some of them take longer to start than to convert a thousand texts.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import cmarkgfm
import markdown
import mistune
import pypandoc
from cmarkgfm.cmark import Options
from docutils.core import publish_parts
from markdown_it import MarkdownIt
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.attrs import attrs_block_plugin, attrs_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.field_list import fieldlist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.subscript import sub_plugin
from mdit_py_plugins.superscript import superscript_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from mdit_py_plugins.texmath import texmath_plugin
from mistune.directives import Admonition, FencedDirective, Figure, Image, Include, RSTDirective, TableOfContents
from myst_parser.config.main import MdParserConfig
from myst_parser.mdit_to_docutils.base import DocutilsRenderer
from myst_parser.parsers.docutils_ import Parser as MystParser
from myst_parser.parsers.mdit import create_md_parser
from nbconvert.filters import citation2latex, markdown2html_mistune, strip_files_prefix

from tests.markdown import policy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import nbsphinx

__all__ = ["QUICK", "RENDERERS", "Renderer"]

_HERE = Path(__file__).parent
NODE = shutil.which("node") or str(Path(sys.executable).parent / "node")

Texts = Sequence[str]


class Renderer(NamedTuple):
    """A program that shows Markdown, and what may be in what it makes."""

    convert: Callable[[Texts], list[str]]
    judge: Callable[[str], list[str]] = policy.acts


def _each(convert: Callable[[str], str]) -> Callable[[Texts], list[str]]:
    def attempt(text: str) -> str:
        try:
            return convert(text)
        except Exception as error:  # noqa: BLE001  # a text that breaks a renderer has done something
            return f"<failed>{error!r}</failed>"

    return lambda texts: [attempt(text) for text in texts]


# --- JupyterLab, Notebook 7 and nbclassic -----------------------------------------------------------------------------


def _assets() -> Path:
    return Path(sys.prefix) / "share" / "jupyter" / "lab" / "static"


@cache
def _marked(texts: tuple[str, ...]) -> dict[str, list[str]]:
    job = json.dumps({"assets": str(_assets()), "texts": texts})
    command = [NODE, str(_HERE / "marked_batch.js")]
    made = json.loads(subprocess.run(command, input=job, capture_output=True, check=True, text=True).stdout)
    # There is more than one build of marked, because Mermaid brings its own; JupyterLab may use any that fits.
    return {"jupyterlab": made["jupyterlab"][0], "marked": made["jupyterlab"][-1], "nbclassic": made["nbclassic"]}


def _jupyter(name: str) -> Callable[[Texts], list[str]]:
    return lambda texts: _marked(tuple(texts))[name]


# --- pandoc, Quarto and LaTeX -----------------------------------------------------------------------------------------


def _pandoc(source: str, target: str = "html5") -> Callable[[Texts], list[str]]:
    def convert(texts: Texts) -> list[str]:
        job = json.dumps({"texts": list(texts), "from": source, "to": target})
        command = [pypandoc.get_pandoc_path(), "lua", str(_HERE / "pandoc_batch.lua")]
        done = subprocess.run(command, input=job.encode(), capture_output=True, check=True)
        return [str(made) for made in json.loads(done.stdout)]

    return convert


_TEX_OF_NBCONVERT = "markdown+tex_math_double_backslash"
_QUARTO = "markdown+autolink_bare_uris+tex_math_double_backslash+mark+alerts"


def _nbconvert_latex(texts: Texts) -> list[str]:
    return _pandoc(_TEX_OF_NBCONVERT, "latex")([strip_files_prefix(citation2latex(text)) for text in texts])


# --- Sphinx -----------------------------------------------------------------------------------------------------------

_SPHINX = {
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": io.StringIO(),
    "math_output": "mathjax x",
    "doctitle_xform": False,
}
_MYST = {
    *("amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath", "fieldlist", "html_admonition"),
    *("html_image", "replacements", "smartquotes", "strikethrough", "substitution", "tasklist", "alert"),
}
_MYST_CONFIG = MdParserConfig(
    enable_extensions=_MYST,
    sub_delimiters=("{", "}"),
    substitutions={"x": "<b>filled in</b>"},
    dmath_double_inline=True,
)


@cache
def _nbsphinx_format() -> str:
    """The format that nbsphinx asks pandoc for."""
    asked = []

    def fake(_text: str, source: str, _target: str, **_: object) -> str:
        asked.append(source)
        return ""

    _to_rst("", fake)
    return asked[0]


def _to_rst(text: str, pandoc: Callable[..., str]) -> str:
    version = patch("nbconvert.utils.pandoc.get_pandoc_version", pypandoc.get_pandoc_version)  # it looks on PATH
    with patch.object(nbsphinx, "pandoc", pandoc), version:
        return str(nbsphinx.markdown2rst(text))


def _nbsphinx(texts: Texts) -> list[str]:
    """What nbsphinx does, but with one process of pandoc for all texts in place of two for each."""
    trees = _pandoc(_nbsphinx_format(), "json")(texts)
    filtered: list[str] = []

    def filtering(tree: str) -> Callable[..., str]:
        def fake(_text: str, _source: str, _target: str, filter_func: Callable[[str], str]) -> str:
            filtered.append(filter_func(tree))
            return "\x0ehere\x0f"

        return fake

    around = [_to_rst(text, filtering(tree)) for text, tree in zip(texts, trees, strict=True)]
    rst = _pandoc("json", "rst")(filtered)
    return [
        _docutils(
            re.sub(r"^\n( *)\x0e:nowrap:\x0f$", r"\1:nowrap:", whole.replace("\x0ehere\x0f", made), flags=re.MULTILINE)
        )
        for whole, made in zip(around, rst, strict=True)
    ]


_NOWRAP = re.compile(r"^\n( *)\x0e:nowrap:\x0f$", re.MULTILINE)  # as nbsphinx does after pandoc
_ROLES = ".. role:: nbsphinx-math(raw)\n   :format: latex html\n\n"


def _docutils(rst: str) -> str:
    return str(publish_parts(_ROLES + rst, writer="html5", settings_overrides=_SPHINX)["html_body"])


def _myst(text: str) -> str:
    settings = {
        **_SPHINX,
        "myst_enable_extensions": _MYST,
        "myst_substitutions": {"x": "<b>filled in</b>"},
        "myst_dmath_double_inline": True,
    }
    return str(publish_parts(text, parser=MystParser(), writer="html5", settings_overrides=settings)["html_body"])


@cache
def _myst_tokeniser() -> MarkdownIt:
    return create_md_parser(_MYST_CONFIG, DocutilsRenderer)


def _myst_tokens(text: str) -> str:
    """Return what MyST finds, a type a line: Sphinx knows many more directives and roles than docutils."""

    def types(tokens: Sequence[Any]) -> Iterator[str]:
        for token in tokens:
            if token.type in {"fence", "colon_fence"} and token.info.strip().startswith("{"):
                yield f"directive {token.info.strip()}"
            elif token.type in {"html_block", "html_inline"} and policy.is_plain_tag(token.content.strip()):
                pass
            else:
                yield f"{token.type} {' '.join(sorted({*token.attrs} - policy.ATTRIBUTES_OF_TOKENS))}".strip()
            yield from types(token.children or ())

    return "\n".join(dict.fromkeys(types(_myst_tokeniser().parse(text))))


# --- The others -------------------------------------------------------------------------------------------------------


def _cmark(text: str) -> str:
    return str(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES))


def _markdown_it(parser: MarkdownIt) -> Callable[[str], str]:
    parser.validateLink = lambda url: bool(url) or True  # type: ignore[method-assign]
    return lambda text: str(parser.render(text))


def _markdown_it_with_plugins() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "typographer": True}).enable(["table", "strikethrough"])
    for plugin in (
        *(admon_plugin, amsmath_plugin, attrs_plugin, attrs_block_plugin, colon_fence_plugin, deflist_plugin),
        *(dollarmath_plugin, fieldlist_plugin, footnote_plugin, front_matter_plugin, sub_plugin, superscript_plugin),
        *(tasklists_plugin,),
    ):
        parser.use(plugin)
    return parser.use(container_plugin, "note")


def _texmath() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.use(texmath_plugin, "brackets").use(texmath_plugin, "dollars").use(texmath_plugin, "gitlab")


_MISTUNE_USUAL = ["table", "strikethrough", "url", "task_lists", "footnotes", "math", "def_list"]
_MISTUNE_RARE = ["mark", "insert", "superscript", "subscript", "abbr", "spoiler", "ruby"]
_MISTUNE_TABLES = [
    "mistune.plugins.table.table_in_quote",
    "mistune.plugins.table.table_in_list",
    "mistune.plugins.math.math_in_quote",
    "mistune.plugins.math.math_in_list",
]


def _mistune(*plugins: Any) -> Callable[[Texts], list[str]]:
    convert = mistune.create_markdown(escape=False, plugins=[*_MISTUNE_USUAL, *plugins])
    return _each(lambda text: str(convert(text)))


def _mistune_directives() -> Callable[[Texts], list[str]]:
    known = [Admonition(), TableOfContents(), Image(), Figure(), Include()]
    return _mistune(RSTDirective(known), FencedDirective(known, markers="`~:"))


def _nbconvert(text: str) -> str:
    return str(markdown2html_mistune(text))


def _python_markdown(*extensions: str) -> Callable[[Texts], list[str]]:
    converter = markdown.Markdown(extensions=extensions)

    def convert(text: str) -> str:
        converter.reset()
        return converter.convert(text)

    return _each(convert)


RENDERERS: dict[str, Renderer] = {
    "jupyterlab": Renderer(_jupyter("jupyterlab")),
    "marked": Renderer(_jupyter("marked")),
    "nbclassic": Renderer(_jupyter("nbclassic")),
    "nbconvert": Renderer(_each(_nbconvert)),
    "cmark-gfm": Renderer(_each(_cmark)),
    "markdown-it": Renderer(
        _each(_markdown_it(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])))
    ),
    "markdown-it plugins": Renderer(_each(_markdown_it(_markdown_it_with_plugins()))),
    "markdown-it texmath": Renderer(_each(_markdown_it(_texmath()))),
    "mistune": Renderer(_mistune()),
    "mistune plugins": Renderer(_mistune(*_MISTUNE_RARE, *_MISTUNE_TABLES)),
    **{f"mistune {plugin}": Renderer(_mistune(plugin)) for plugin in _MISTUNE_RARE},
    "mistune directives": Renderer(_mistune_directives()),
    "python-markdown": Renderer(_python_markdown("extra", "toc", "admonition", "sane_lists", "smarty", "nl2br")),
    "python-markdown meta": Renderer(_python_markdown("extra", "meta", "codehilite", "legacy_attrs", "legacy_em")),
    "pandoc": Renderer(_pandoc("markdown")),
    "pandoc gfm": Renderer(_pandoc("gfm")),
    "pandoc commonmark_x": Renderer(_pandoc("commonmark_x")),
    "quarto": Renderer(_pandoc(_QUARTO)),
    "myst": Renderer(_each(_myst)),
    "myst tokens": Renderer(_each(_myst_tokens), policy.tokens_act),
    "nbsphinx": Renderer(_nbsphinx),
    "nbconvert latex": Renderer(_nbconvert_latex, policy.latex_acts),
    "pandoc latex": Renderer(_pandoc("markdown", "latex"), policy.latex_acts),
    "pandoc gfm latex": Renderer(_pandoc("gfm+tex_math_dollars", "latex"), policy.latex_acts),
    "templates": Renderer(list, policy.template_acts),
}
"""All renderers by name.

Not among them, because what they do is done by one that is: myst-nb reads Markdown with MyST's parser, Notebook 7 with
JupyterLab's, and Quarto hands it to pandoc; its shortcodes are looked for by `policy.template_acts`.
"""

QUICK = tuple(name for name in RENDERERS if name not in {"myst", "nbsphinx"})
"""Those that are quick enough for many random texts."""
