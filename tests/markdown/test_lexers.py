"""A language's first use stops nothing: its lexer is made ready on another thread, and its code is plain until then."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading

import pygments.lexers
import pytest

import nbstream.markdown.lexers
from nbstream.markdown import IncrementalRenderer, render
from nbstream.markdown.lexers import lexer_of
from tests.slots import Slots

# What embeds others, by its own code or by names in what it reads.
_EMBEDDING = {
    "html": "<style>a { color: red }</style><p>x</p><script>let a = `b${c}`</script>",
    "pycon": '>>> f("x")\nTraceback (most recent call last):\n  File "<stdin>", line 1, in <module>\nE: x\n',
    "console": "$ ls -l | grep 'x'\ntotal 0\n",
    "php": '<p><?php echo "a $b"; ?></p><script>let a = 1</script>',
    "markdown": "# A\n\n```rust\nlet mut a = 1;\n```\n\n```no-such-language\nx\n```\n",
    "rst": "A\n\n.. code-block:: go\n\n   func main() {}\n",
    "http": 'HTTP/1.1 200 OK\nContent-Type: application/json; charset=utf-8\n\n{"a": 1}\n',
    "jsx": "const a = <b c={1}>d</b>;\n",
    "html+jinja": "{% if a %}<b>{{ a|b }}</b>{% endif %}\n",
    "mermaid": "graph TD\n  A --> B\n",
    "ipython3": "%time x = 1\n!ls\n",
    "notmuch": "\x0cmessage{ id:a\n\x0cbody{\n\x0cpart{ ID: 1, Content-type: text/plain\nint main() {}\n\x0cpart}\n",
}

_SCRIPT = """
import sys, threading
from nbstream.markdown import IncrementalRenderer, render
texts = {texts!r}
IncrementalRenderer().append("# a *b*\\n\\n- c\\n\\n```\\nd\\n```\\n\\n|e|\\n|-|\\n|f|\\n\\n")
render("# a\\n\\n```\\nb\\n```")
here, found = threading.get_ident(), []
def imported(event, arguments):
    if event == "import" and threading.get_ident() == here and "pygments" in arguments[0]:
        found.append(arguments[0])
def called(frame, event, argument):
    if event == "call" and frame.f_code.co_filename.endswith("_compiler.py") and frame.f_code.co_name == "compile":
        found.append("a pattern was compiled")
sys.addaudithook(imported)
for text in texts:
    renderer = IncrementalRenderer()
    sys.setprofile(called)
    for start in range(0, len(text), 30):
        renderer.append(text[start:start + 30])
    renderer.end()
    for patches in renderer.rest():
        pass
    sys.setprofile(None)
    assert "<span" in renderer.snapshot()[0] or "mermaid" in text, text
    assert "\\n".join(renderer.snapshot()) == render(text), text
assert not found, found
assert not [each for each in threading.enumerate() if each is not threading.main_thread() and each.join(30)]
"""


def _run(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_no_update_imports_or_compiles_a_lexer() -> None:
    fences = [f"~~~~{language}\n{code}~~~~\n" for language, code in _EMBEDDING.items()]
    _run(_SCRIPT.format(texts=[*fences, "- See\n\n  ```lua\n  x = 1\n  ```\n- b\n\n> ```zig\n> const a = 1;\n> ```\n"]))


def test_where_no_thread_can_be_started_it_is_made_ready_at_once() -> None:
    refuse = """
import threading
def start(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
"""
    check = """
from nbstream.markdown import IncrementalRenderer, render
renderer = IncrementalRenderer()
assert "<span" in renderer.append("```python\\nx = 1\\n")[0].tail
assert "<span" in render("```json\\n{}\\n```")
"""
    _run(refuse + check)


_PLACES = {
    "at the top": "```{}\nx = 1\n```\n\n",
    "in a list": "- a\n\n  ```{}\n  x = 1\n  ```\n- b\n\n",
    "in a long list": "- a\n" * 400 + "- b\n\n  ```{}\n  x = 1\n  ```\n" + "- c\n" * 400 + "\n",
    "in a quote": "> a\n>\n> ```{}\n> x = 1\n> ```\n\n",
    "in a note": "See[^1].\n\n[^1]: Here:\n\n    ```{}\n    x = 1\n    ```\n\n",
    "open": "```{}\nx = 1\ny = 2\n",
}


@pytest.mark.parametrize("step", [40, 10_000])
@pytest.mark.parametrize("place", _PLACES)
def test_code_is_plain_until_its_lexer_is_there(place: str, step: int, lexer_gate: threading.Event) -> None:
    language = "lua"
    text = _PLACES[place].format(language)
    renderer, slots = IncrementalRenderer(), Slots()
    for start in range(0, len(text), step):
        _place(slots, renderer, text[start : start + step])
        renderer.snapshot()
    assert "<span" not in slots.text
    lexer_gate.set()
    assert lexer_of(language).result(60) is not None
    more = {"in a note": "", "open": "y = 3\n"}.get(place, "The end.\n")
    if more:
        _place(slots, renderer, more)
        assert "<span" in slots.text
    for patch in renderer.finish():
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert "<span" in slots.text
    assert slots.text == "\n".join(renderer.snapshot()) == render(text + more)


_SILENT = {
    **_PLACES,
    "at the end of a list": "- a\n\n  ```{}\n  x = 1\n  ```\n",
    "open in a list": "1. a\n   - b\n\n     ```{}\n     x = 1\n",
    "open in a quote": "> ```{}\n> x = 1\n",
    "open in a task": "- [ ] a\n\n  ```{}\n  x = 1\n  y = 2\n",
}


@pytest.mark.parametrize("page", ["the same page", "another page"])
@pytest.mark.parametrize("step", [40, 10_000])
@pytest.mark.parametrize("place", [place for place in _SILENT if place != "in a note"])  # which is drawn in the end
def test_colours_come_though_nothing_else_does(place: str, step: int, page: str, lexer_gate: threading.Event) -> None:
    text = "Before.\n\n" + _SILENT[place].format("lua")
    renderer, slots = IncrementalRenderer(), Slots()
    for start in range(0, len(text), step):
        _place(slots, renderer, text[start : start + step])
    shown, block = slots.text, len(slots.slots) - 1
    if page == "another page":
        for number, html in enumerate(renderer.snapshot()):
            slots.place(number, 0, "", html)
        assert slots.text == shown
    assert renderer.go_on() == (), "nothing is there yet"
    [awaited] = renderer.awaited()
    lexer_gate.set()
    awaited.result(60)
    rounds = 0
    while (waiting := renderer.awaited()) and rounds < 10:
        rounds += 1
        [each.result(60) for each in waiting]
        for patch in renderer.go_on():
            assert patch.block == block, "only what has got its colours"
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert rounds < 10, "it ends"
    assert slots.text.count('<span class="mi">') == shown.count(" = ")
    assert renderer.go_on() == ()
    for patch in renderer.finish():
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert slots.text == "\n".join(renderer.snapshot()) == render(text)


def test_the_colours_of_much_code_come_without_more_text(monkeypatch: pytest.MonkeyPatch) -> None:
    now = itertools.count()  # sixteen tokens take a tenth of a millisecond
    monkeypatch.setattr("nbstream.markdown.highlight.time.thread_time", lambda: next(now) / 10_000)
    renderer = IncrementalRenderer()
    functions = "".join(f"def f{number}(x):\n    return x + {number}\n\n" for number in range(120))
    text = "".join(f"```{language}\n{functions}```\n\n" for language in ("python", "python3", "py")) + "```python\n"
    renderer.append(text + functions)
    rounds = 0
    while waiting := renderer.awaited():
        rounds += 1
        assert rounds < 2_000
        [each.result(60) for each in waiting]
        renderer.go_on()
    assert [html.count('<span class="k">return</span>') for html in renderer.snapshot()] == [120] * 4
    assert rounds > 2, "bit by bit"


def test_a_language_whose_lexer_fails_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str, **_: object) -> object:
        raise RuntimeError(name)

    monkeypatch.setattr(pygments.lexers, "get_lexer_by_name", fails)
    monkeypatch.setattr("nbstream.markdown.lexers._lexers", type(vars(nbstream.markdown.lexers)["_lexers"])())
    for code in ("```lua\nx = 1\n", "- a\n\n  ```lua\n  x = 1\n  ```\n", "```markdown\n~~~lua\nx\n"):
        renderer = IncrementalRenderer()
        renderer.append(code)
        rounds = 0
        while waiting := renderer.awaited():
            rounds += 1
            assert rounds < 10
            [each.result(60) for each in waiting]
            renderer.go_on()
        assert "<span" not in "".join(renderer.snapshot())


@pytest.mark.parametrize("place", ["at the top", "in a note"])
def test_the_end_of_an_answer_waits_bit_by_bit(place: str, lexer_gate: threading.Event) -> None:
    language = "lua"
    text = _PLACES[place].format(language)
    renderer = IncrementalRenderer()
    renderer.append(text)
    renderer.end()
    rest = renderer.rest()
    assert [next(rest) for _ in range(3)] == [(), (), ()]
    lexer_gate.set()
    assert any("<span" in patch.commit for patches in rest for patch in patches)
    assert "\n".join(renderer.snapshot()) == render(text)
    for thread in threading.enumerate():
        if thread.name == "nbstream-lexers":
            thread.join(60)
            assert not thread.is_alive()


def _place(slots: Slots, renderer: IncrementalRenderer, text: str) -> None:
    for patch in renderer.append(text):
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)


def test_so_many_languages_of_an_answer_have_colours() -> None:
    names = [f"unknown{number}" for number in range(39)]
    text = "\n".join(f"```{name}\n1 + 1\n```\n" for name in (*names, "python", "lua", "Python"))
    assert render(text).count('<span class="mi">') == 4
    renderer = IncrementalRenderer()
    for start in range(0, len(text), 100):
        renderer.append(text[start : start + 100])
    renderer.finish()
    assert "\n".join(renderer.snapshot()) == render(text)
    assert lexer_of("unknown, too").done(), "nobody looks for plugins again"


_FORKS = """
import os, signal, threading
import pygments.lexers
from nbstream.markdown import render
from nbstream.markdown.lexers import lexer_of
begun, find = threading.Event(), pygments.lexers.get_lexer_by_name
def watched(name, **options):
    begun.set()
    return find(name, **options)
pygments.lexers.get_lexer_by_name = watched
for language in ("racket", "ncl", "scilab"):
    begun.clear()
    lexer_of(language)
    assert begun.wait(60)
    if not (child := os.fork()):
        signal.alarm(20)
        drawn = render(f"```{language}\\nx = 1\\n```")
        os._exit("<span" not in drawn)
    assert os.waitpid(child, 0)[1] == 0, language
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_while_a_lexer_is_made_ready_has_it_too() -> None:
    _run(_FORKS)
