"""Mermaid code: what draws stays, what loads, styles the page or links is taken out."""

from __future__ import annotations

import time

import pytest

from nbstream.markdown.diagrams import diagram

J = "\u2060"


@pytest.mark.parametrize(
    "code",
    [
        "flowchart TD\nA[Start] --> B{Is it?}\nB -->|yes| C[(Store)]",
        "sequenceDiagram\nparticipant A\nA->>B: Hello (again)",
        "---\ntitle: The way, part 2\n---\ngraph TD; A-->B",
        'flowchart TD\nA@{ shape: docs, label: "a {b}" } --> B',
        "classDiagram\nclass A\n<<interface>> A\nA <|-- B",
        "graph TD; A[one<br>two]-->B; classDef x fill:#f9f,stroke:#333; class A x",
        '%% a comment\npie title Pets\n"Dogs" : 3',
    ],
)
def test_what_draws_is_left_as_it_is(code):
    assert diagram(code) == code


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("---\nconfig:\n  themeCSS: x\ntitle: T\n---\ngraph TD", "---\ntitle: T\n---\ngraph TD"),
        ("---\u00a0\nconfig: x\n---\ngraph TD", "graph TD"),
        ("---\na: b\n---\n---\nconfig: x\n---\ngraph TD", "graph TD"),
        ("%%{init: {'a':\n1}}%%\ngraph TD", " \ngraph TD"),
        ("%%%%{x}%%{init: {}}%%\ngraph TD", "%% {init: {}}%%\ngraph TD"),
        ('A@{ img: "http://x.example/a.png", label: "a" }', 'A@{ label: "a" }'),
        ('A@{ im\\u0067: "http://x.example/a.png" }', "A"),
        ("A@{\n  shape: docs\n  img: >-\n    x\n}", "A@{ shape: docs }"),
        ("classDef x fill:url(y),color:u\\72l(z)", f"classDef x fill:url{J}(y),color:u\\{J}72l{J}(z)"),
        ("A[<img src=x>]", "A[#lt;img src=x>]"),
        ('click A "javascript:x"', 'click A "javascript#colon;x"'),
    ],
)
def test_what_acts_is_taken_out_once_and_for_all(code, written):
    assert diagram(code) == written
    assert diagram(written) == written


@pytest.mark.parametrize(
    "piece", ["---\n", "\n", "@{", '@{ "', "%%{", ";style ", "style ", "url ", "<br ", "@{ shape", "@{ shape: a, "]
)
def test_cost_is_linear(piece):
    code = piece * (80_000 // len(piece))
    before = time.process_time()
    diagram(code)
    assert time.process_time() - before < 4.0  # what is quadratic takes many seconds
