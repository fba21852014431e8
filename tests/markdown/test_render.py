"""What one full render makes of the shapes that models write, by value."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nbstream.markdown import IncrementalRenderer, inert, render

_LINK = ' target="_blank" rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("\n \n", ""),
        ("a\nb", "<p>a\nb</p>"),
        ("# A #", "<h1>A</h1>"),
        ("Steps:\n- a\n- b", "<p>Steps:</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("- a\n\n- b", "<ul>\n<li><p>a</p></li>\n<li><p>b</p></li>\n</ul>"),
        ("> a\nb", "<blockquote>\n<p>a\nb</p>\n</blockquote>"),
        ("a\n\n---\n", "<p>a</p>\n<hr>"),
        ("```\na < b", "<pre><code>a &lt; b\n</code></pre>"),
        ("```nolang\na\n```", '<pre><code class="language-nolang">a\n</code></pre>'),
        ("a  \nb\\\nc", "<p>a<br>b<br>c</p>"),
        ("~~a~~ snake_case_x", "<p><del>a</del> snake_case_x</p>"),
        ("<b>*x*</b> &amp; &lt;", "<p>&lt;b&gt;<em>x</em>&lt;/b&gt; &amp; &lt;</p>"),
        ("<div>\n\n*x*\n</div>", "<p>&lt;div&gt;</p>\n<p><em>x</em>\n&lt;/div&gt;</p>"),
        (
            "see https://a.example/x_y_z.",
            f'<p>see <a href="https://a.example/x_y_z"{_LINK}>https://a.example/x_y_z</a>.</p>',
        ),
        ("https://a.example/`b`", f'<p><a href="https://a.example/"{_LINK}>https://a.example/</a><code>b</code></p>'),
        ("me@a.example", f'<p><a href="mailto:me@a.example"{_LINK}>me@a.example</a></p>'),
        ("[a](javascript:x)", "<p><span>a</span></p>"),
        (
            "![a](https://x.example)",
            f'<p><a class="nbs-image" href="https://x.example"{_LINK}>image not loaded: a</a></p>',
        ),
        ("[^1] and", "<p>[^1] and</p>"),
    ],
)
def test_text_becomes_html(text, html):
    assert render(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("so $a_b*c*d < e$", '<p>so <span class="nbs-math">$a_b*c*d &lt; e$</span></p>'),
        (
            r"so \(a_b\) and \[c\]",
            r'<p>so <span class="nbs-math">\(a_b\)</span> and <span class="nbs-math">\[c\]</span></p>',
        ),
        ("$$\na_b\n\n= c\n$$", '<div class="nbs-math">$$\na_b\n\n= c\n$$</div>'),
        ("text\n\\[\nx\n\\]\nafter", '<p>text</p>\n<div class="nbs-math">\\[\nx\n\\]</div>\n<p>after</p>'),
        ("$$x$$ inline", '<p><span class="nbs-math">$$x$$</span> inline</p>'),
        ("see\n\\[INFO] ok", "<p>see\n[INFO] ok</p>"),
        (r"\[1\] or \[citation needed\]", "<p>[1] or [citation needed]</p>"),
        (
            r"\begin{align}a&=b\\ c&=d\end{align}",
            r'<p><span class="nbs-math">\begin{align}a&amp;=b\\ c&amp;=d\end{align}</span></p>',
        ),
    ],
)
def test_math_is_kept_with_its_delimiters(text, html):
    assert render(text) == html


@pytest.mark.parametrize(
    "text",
    ["$5 and $6", "$5-$6", "from $HOME/a to $PATH", "US$5 or A$6", "$5 million, or $6 million", r"\$x\$", "$ x $"],
)
def test_dollars_are_not_math(text):
    assert "nbs-math" not in render(text)


def test_code_in_a_known_language_is_coloured_by_classes():
    html = render("```python\nx = 1 < 2\n```")
    assert '<span class="mi">1</span>' in html
    assert "style=" not in html


def test_task_items_have_disabled_check_boxes():
    html = render("- [ ] a\n- [x] b")
    assert html.count('type="checkbox"') == html.count('disabled=""') == 2
    assert html.count('checked=""') == 1


def test_table_cells_are_aligned_and_rows_fitted():
    html = render("| a | b |\n|:--|--:|\n| 1 |\n| 1 | 2 | 3 |")
    assert '<th align="left">a</th>' in html
    assert html.count("<td") == 4


@pytest.mark.parametrize(
    "text", ["[" * 3000, "![" * 2000, "*a " * 3000, "`" * 3000, "> " * 200 + "a", "- " * 200 + "a", "$" * 3000]
)
def test_hostile_nesting_ends_in_time(text):
    assert render(text)


def test_importing_markdown_imports_neither_openai_nor_widgets():
    code = "import sys, nbstream.markdown; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "nbstream.markdown" in loaded
    assert not {"openai", "ipywidgets", "anywidget"} & set(loaded)


@pytest.mark.parametrize(
    ("text", "html", "saved"),
    [
        ("```math\nx^2\n```", '<div class="nbs-math">$$\nx^2\n$$</div>', "$$x^2$$"),
        ("```math\n$x$\n```", "<pre><code>$x$\n</code></pre>", "```\n$x$\n```"),
        ("```math\na\n\nb\n```", "<pre><code>a\n\nb\n</code></pre>", "```\na\n\nb\n```"),
        ("```{python}\n```", '<pre><code class="language-python"></code></pre>', "```python\n```"),
        ("```{r, echo=FALSE}\n```", '<pre><code class="language-r"></code></pre>', "```r\n```"),
        ("```{=html}\nx\n```", "<pre><code>x\n</code></pre>", "```\nx\n```"),
        ("```plaintext\nx\n```", "<pre><code>x\n</code></pre>", "```\nx\n```"),
    ],
)
def test_what_a_fence_says_of_its_language_is_read_as_others_write_it(text, html, saved):
    assert render(text) == html
    assert inert(text) == saved
    renderer = IncrementalRenderer()
    for character in text:
        renderer.append(character)
    renderer.finish()
    assert renderer.snapshot() == [html]


@pytest.mark.parametrize(
    ("text", "saved"),
    [
        (r"\begin{align*}a&=b\end{align*}", r"$$\begin{aligned}a&=b\end{aligned}$$"),
        (r"so \begin{equation}x\end{equation} and", "so $$x$$ and"),
        (r"\begin{pmatrix}1\end{pmatrix}", r"$$\begin{pmatrix}1\end{pmatrix}$$"),
    ],
)
def test_environments_are_saved_as_formulas_that_all_renderers_see(text, saved):
    assert inert(text) == saved


def test_formulas_in_tags_are_saved_behind_another_tag():
    assert inert("a<sub>$x$</sub>") == "a<sub><span></span>$x$\u2060</sub>"
