"""Style sheets joined into one: the same rules in the same order, or words that help."""

from __future__ import annotations

import pytest

from nbstream.display.joining.styles import join_styles


@pytest.fixture
def write(tmp_path):
    """Write style sheets; the first is the entry."""

    def write(**sheets):
        for name, text in sheets.items():
            (tmp_path / f"{name}.css").write_text(text, "utf-8")
        return tmp_path / f"{next(iter(sheets))}.css"

    return write


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ('a { content: "/* no */"; } /* yes */ b { color: red }', 'a { content: "/* no */"; } b { color: red }'),
        ("a { background: url(x/*.png) } /* */\n\n  b {}", "a { background: url(x/*.png) }\nb {}"),
        ('a { content: "one \\\n   two" }', 'a { content: "one \\\n   two" }'),
        (".a/* one */.b, .c /* two */ .d {}", ".a/**/.b, .c .d {}"),
        ("/* é */ a { /* one\n  two */ margin: 0 }", "a { margin: 0 }"),
        (
            '/* first */\n.x::after { content: "\\25BE" / "" }\n\n@container (width < 9px) {\n  a { b: c } }',
            '.x::after { content: "\\25BE" / "" }\n@container (width < 9px) {\na { b: c } }',
        ),
    ],
)
def test_comments_and_indentation_go_and_nothing_else(write, text, joined):
    assert join_styles(write(entry=text)) == joined


def test_imports_come_first_and_once(write):
    entry = write(
        entry='/* x */ @import "./a.css"; @import "./b.css";\n\nentry {}',
        a='@import "./b.css";\na {}',
        b="b {}",
    )
    assert join_styles(entry) == "b {}\na {}\nentry {}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('@import "./gone.css";', "line 1: there is no gone.css"),
        ('\n@import "./other.css" print;', "line 2: only relative imports without conditions"),
        ('@import "https://example.org/a.css";', "only relative imports"),
        ("@import url(./other.css);", "only relative imports"),
        ("a { b: c", "something is not closed"),
        ("a { b: c }\n}", "line 2: syntax error"),
        ("a { b: c } /* d", "something is not closed"),
        ("a { b: url(c d) }", "line 1: syntax error"),
    ],
)
def test_what_cannot_be_joined_is_refused(write, text, words):
    with pytest.raises(ValueError, match=rf"entry\.css.*{words}"):
        join_styles(write(entry=text, other=""))
