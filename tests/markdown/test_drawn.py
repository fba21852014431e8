"""What a long answer leaves in memory while it grows, counted, and that nothing is missing when it is drawn again."""

from __future__ import annotations

import gc
import random

import pytest

from nbstream.markdown import IncrementalRenderer, render
from tests.markdown.families import family
from tests.markdown.measure import STEP, warm_up
from tests.slots import Slots

_SIZE = 100_000
# Many lines in one block, or in many.
_FAMILIES = (
    "lines of +",
    "lines of >",
    "lines of |",
    "one list",
    "one loose list",
    "task list",
    "numbered list",
    "list, nested twice, long inside",
    "list with one item of many paragraphs",
    "quotes with empty lines",
    "many headings",
    "table of two columns",
)
# Objects that Python's collector looks at, for 1,000 lines. Items that may become loose, the first 2,000 of a list, are
# kept as they were parsed; what is left of all others is one object now and then.
_MOST = 60


def held(name: str) -> float:
    """How many objects a renderer of a family holds for each 1,000 lines, when all but the end has come."""
    text = family(name).make(_SIZE)
    gc.collect()
    before = len(gc.get_objects())
    renderer = IncrementalRenderer()
    for start in range(0, len(text), STEP):
        renderer.append(text[start : start + STEP])
    gc.collect()
    return 1_000 * (len(gc.get_objects()) - before) / text.count("\n")


@pytest.mark.parametrize("name", _FAMILIES)
def test_lines_that_are_final_leave_next_to_nothing_behind(name: str) -> None:
    warm_up()
    assert held(name) < _MOST


@pytest.mark.parametrize("name", ["lines of +", "list with one item of many paragraphs", "quotes with empty lines"])
def test_the_count_tells_if_the_tree_is_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up()
    monkeypatch.setattr("nbstream.markdown.dialect.fold", lambda *_, **__: None)
    assert held(name) > 20 * _MOST


def test_a_note_that_has_been_drawn_leaves_little_behind() -> None:
    warm_up()
    assert held("footnotes without references") < 2_100


TEXTS = {
    "items that wait for labels and notes among others": "".join(
        f"- [l{n % 9}] *a*[^{n % 5}]\n\n  b{n}\n\n" for n in range(120)
    )
    + "End\n\n[l3]: https://u.example\n[^2]: two\n\n[l4]: https://v.example\n",
    "labels that are defined within": "- a\n\n"
    + "".join(f"- [l{n}] b\n\n  [l{n - 3}]: https://u.example/{n}\n\n" for n in range(90)),
    "notes that are counted once": "[^a]: one\n[^b]: two\n[^c]: three\n\n- x\n\n"
    + "".join(f"- see[^{'cab'[n % 3]}]\n\n" for n in range(60))
    + "Then[^b] and[^a].\n",
    "boxes that come and go": "".join(f"- {'[x] ' * (n % 50 == 49)}a\n\n" for n in range(180)) + "End\n",
    "boxes that begin behind a long list": "- a\n" * 2_050 + "- [ ] b\n- c\n",
    "an item of many kinds": "1. [ ] first\n\n"
    + "   *a*\n\n   > b\n\n   - c\n   - d\n\n   ```\n   e\n   ```\n\n   [x]: /u\n\n   |f|\n   |-|\n\n   ***\n\n" * 40
    + "2. second\n",
    "quotes of many kinds": "> # a\n> *b*\n>\n> > c\n>\n> - d\n>   - e\n>\n>     f\n>\n" * 60 + "\nEnd\n",
    "a list in a list that becomes loose": ("- a\n" + "  - b\n" * 30 + "\n  - c\n\n") * 8 + "- d\n",
    "code that waits for its colours": "".join(f"- a\n\n  ```python\n  x = {n}\n  ```\n\n" for n in range(40)),
}


@pytest.mark.parametrize("step", [7, 400])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_kept_is_enough_to_draw_it_again(text: str, step: int) -> None:
    html = render(text)  # first, so that the lexer is there
    chance = random.Random(step)
    renderer, slots = IncrementalRenderer(), Slots()
    for start in range(0, len(text), step):
        patches = renderer.append(text[start : start + step])
        if chance.random() < 10 * step / len(text):  # a page that begins now is given all
            slots = Slots()
            patches = ()
            for block, drawn in enumerate(renderer.snapshot()):
                slots.place(block, 0, "", drawn)
        for patch in patches:
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    for patch in renderer.finish():
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert slots.text == html
    assert "\n".join(renderer.snapshot()) == html


@pytest.mark.parametrize("name", ["lines of +", "one list that becomes loose at its end", "quotes with empty lines"])
def test_while_many_lines_come_the_collector_has_hardly_anything_to_do(name: str) -> None:
    warm_up()
    text, collections = family(name).make(_SIZE), [0, 0, 0]

    def count(phase: str, facts: dict[str, int]) -> None:
        collections[facts["generation"]] += phase == "stop"

    renderer = IncrementalRenderer()
    gc.collect()
    gc.callbacks.append(count)
    try:
        for start in range(0, len(text), STEP):
            renderer.append(text[start : start + STEP])
    finally:
        gc.callbacks.remove(count)
    assert sum(collections) < 60
    assert collections[2] == 0, "each of these looks at the whole process"
