"""The code in an answer: found in whatever holds it, and growing with it."""

from __future__ import annotations

import pytest

from nbstream.markdown.blocks import parse
from nbstream.structured.shown import ShownCode
from nbstream.text.code import code_blocks, code_of

LIST = "1. First:\n\n   ```python\n   def f():\n       return 1\n   ```\n2. Then\n"
QUOTE = "> So:\n> ~~~js\n> let x;\n>\n>   x = 1;\n> ~~~\n"
ANSWER = f"Install it:\n```bash\npip install x\n```\nand run\n\n```python\nimport x\n``` \n{LIST}{QUOTE}The end, `a`."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1\n", "x = 1"),
        ("Here:\n```python\nx = 1\n\n\ny = 2\n```\nDone.", "x = 1\n\n\ny = 2"),
        ("```python\nx = 1", "x = 1"),
        ("```\na\n```\n```\nb\n```", "a\n\nb"),
        ("````md\n```\na\n```\n````", "```\na\n```"),
        ("```sh\nls\n```", "ls"),
        ("```sh\nls\n```\n```{.python}\nx\n```", "x"),
        ("`````", ""),
        (LIST, "def f():\n    return 1"),
        (QUOTE, "let x;\n\n  x = 1;"),
        (ANSWER, "import x\n\ndef f():\n    return 1\n\nlet x;\n\n  x = 1;"),
    ],
)
def test_the_code_of_an_answer(text: str, code: str) -> None:
    assert code_of(text) == code


def test_blocks_are_those_that_are_drawn() -> None:
    drawn, open_ = [], [*parse([ANSWER]).document.children]
    while open_:
        block = open_.pop(0)
        open_ = [*block.children, *open_]
        if block.kind == "code":
            drawn.append((block.language, block.text))
    assert [(block.language, block.code) for block in code_blocks(ANSWER)] == drawn


def test_what_is_shown_of_growing_code_only_grows() -> None:
    shown = ""
    for end in range(len(ANSWER) + 1):
        [now] = ShownCode().of([ANSWER[:end]], whole=False)
        assert now is not None
        assert now.startswith(shown)
        shown = now
    assert ShownCode().of([ANSWER], whole=True) == [shown]
    assert code_of(shown) == code_of(ANSWER)


def test_an_answer_without_a_fence_is_code_once_it_is_whole() -> None:
    assert ShownCode().of(["x = 1\n"], whole=False) == [""]
    assert ShownCode().of(["x = 1\n"], whole=True) == ["```python\nx = 1\n```"]
    texts = ["Let me look.", "Here:\n```r\nx\n```"]
    assert ShownCode().of(texts, whole=True) == ["", "```r\nx\n```"]
