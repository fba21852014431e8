"""Shows what acts: `python -m tests.markdown.acting [--renderer NAME ...] [--payload N ...] [--text MARKDOWN]`.

For each payload and renderer it prints the payload, its inert Markdown, what the renderer makes of that and what is
found in there; with `--brief` in a line. `--table` prints how many payloads of each kind act in each renderer.
"""

from __future__ import annotations

import argparse
import random
from functools import cache
from typing import TYPE_CHECKING

from nbstream.markdown import IncrementalRenderer, inert, render
from tests.markdown import policy
from tests.markdown.renderers import RENDERERS
from tests.payloads import PAYLOADS, Payload
from tests.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.markdown import Patch

__all__ = ["Acting", "acting", "acting_inert", "live", "mixtures", "moments", "right_to_left", "table", "written"]

Acting = dict[str, dict[str, list[str]]]
"""By renderer, what was found for each text that acts."""


def acting(texts: Sequence[str], renderers: Iterable[str] = RENDERERS) -> Acting:
    """Return what is found in what the renderers make of Markdown texts."""
    found: Acting = {}
    for name in renderers:
        renderer = RENDERERS[name]
        judged = zip(texts, map(renderer.judge, renderer.convert(texts)), strict=True)
        found[name] = {text: notes for text, notes in judged if notes}
    return found


@cache
def written() -> dict[str, str]:
    """Return the inert Markdown of every payload."""
    return {payload.text: inert(payload.text) for payload in PAYLOADS}


@cache
def acting_inert(name: str) -> dict[str, list[str]]:
    """Return what is found in what a renderer makes of the inert Markdown of every payload, by that Markdown."""
    return acting(list(written().values()), [name])[name]


@cache
def right_to_left() -> list[str]:
    """Return the inert Markdown of payloads in and around text that runs from right to left."""
    shapes = (
        *("שלום {}", "שלום\n\n{}\n\nעולם", "- שלום\n- {}\n- עולם", "- שלום\n- a {}\n- b", "שלום $x$ {}"),  # noqa: RUF001
        *("|a|b|\n|-|-|\n|c|שלום {}|", "|ש|b|\n|-|-|\n|{}|a $x$ {}|"),
    )
    texts = [inert(shape.replace("{}", payload.text)) for payload in PAYLOADS[::15] for shape in shapes]
    return list(dict.fromkeys(texts))


def moments(seed: int = 11) -> dict[str, list[str]]:
    """Return, by payload, what is found in live HTML at some moment while the text arrives."""
    chance = random.Random(seed)
    found: dict[str, list[str]] = {}
    for payload in PAYLOADS:
        text = payload.text
        cuts = sorted(chance.choices(range(len(text) + 1), k=3))
        at_random = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        for pieces in (text, at_random):
            renderer, slots = IncrementalRenderer(), Slots()
            drawn: list[str] = []
            for piece in pieces:
                _place(slots, renderer.append(piece))
                if pieces is at_random:
                    drawn += [_html(slots), "\n".join(renderer.snapshot())]
            _place(slots, renderer.finish())
            notes = [note for html in dict.fromkeys([*drawn, _html(slots)]) for note in policy.acts(html)]
            if notes:
                found[text] = list(dict.fromkeys([*found.get(text, ()), *notes]))
    return found


def _place(slots: Slots, patches: Iterable[Patch]) -> None:
    for patch in patches:
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)


def _html(slots: Slots) -> str:
    return "\n".join(slot.html for slot in slots.slots)


def live() -> Acting:
    """Return, by payload, what is found in live HTML."""
    return {payload.text: {"live": notes} for payload in PAYLOADS if (notes := policy.acts(render(payload.text)))}


_JOINTS = (
    "",
    "",
    " ",
    "\n",
    "\n\n",
    "`",
    "``",
    "\n```\n",
    "|",
    "\n- ",
    "\n> ",
    "\n1. ",
    "$",
    "{",
    "}",
    "[",
    "]",
    "\\",
    "*",
    "_",
)
_STRANGE = "\0\t\v\f\r\x1b\x7f\x85\xa0\xad\u200b\u2028\u2029\u202e\u2060\ufeff\ufffd<>&\"'`~^=:;!#%@+.-(){}[]|/\\$*_"


@cache
def mixtures(count: int = 150, seed: int = 23) -> tuple[str, ...]:
    """Return texts made of pieces of payloads and of strange characters."""
    chance = random.Random(seed)

    def piece() -> str:
        if chance.random() < 0.2:
            return "".join(chance.choices(_STRANGE, k=chance.randint(1, 6)))
        text = chance.choice(PAYLOADS).text
        start = chance.randrange(max(1, len(text) // 2))
        return text if chance.random() < 0.4 else text[start : start + chance.randint(1, 30)]

    def mixture() -> str:
        return "".join(piece() + chance.choice(_JOINTS) for _ in range(chance.randint(2, 6)))

    return tuple(mixture() for _ in range(count))


def table(payloads: Sequence[Payload], found: Acting) -> str:
    """Return a table of how many payloads of each kind act in each renderer; `found` is by inert Markdown."""
    kinds = {payload.kind: [inert(each.text) for each in payloads if each.kind == payload.kind] for payload in payloads}
    wide = max(map(len, kinds))
    columns = list(found)
    lines = [f"{number:>3} {name}" for number, name in enumerate(columns, 1)]
    lines.append(" ".join(["kind".ljust(wide), "  of", *(f"{number:>3}" for number in range(1, len(columns) + 1))]))
    for kind, texts in kinds.items():
        counts = [sum(text in found[name] for text in texts) for name in columns]
        lines.append(" ".join([kind.ljust(wide), f"{len(texts):>4}", *(f"{count or '.':>3}" for count in counts)]))
    totals = [sum(text in found[name] for texts in kinds.values() for text in texts) for name in columns]
    lines.append(" ".join(["all".ljust(wide), f"{len(payloads):>4}", *(f"{total:>3}" for total in totals)]))
    return "\n".join(lines)


def _chosen(numbers: Sequence[int], text: str | None) -> list[Payload]:
    if text is not None:
        return [Payload(-1, "given", text)]
    return [payload for payload in PAYLOADS if not numbers or payload.number in numbers]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--renderer", action="append", choices=RENDERERS, help="only this one; may be repeated")
    options.add_argument("--payload", action="append", type=int, default=[], help="only this one; may be repeated")
    options.add_argument("--text", help="Markdown in place of the payloads")
    options.add_argument("--raw", action="store_true", help="as it is, not made inert")
    options.add_argument("--brief", action="store_true", help="a line for each")
    options.add_argument("--table", action="store_true", help="only the numbers")
    given = options.parse_args()
    payloads = _chosen(given.payload, given.text)
    written = [payload.text if given.raw else inert(payload.text) for payload in payloads]
    found = acting(written, given.renderer or RENDERERS)
    if given.table:
        print(table(payloads, found))
        return
    for name, acts in found.items():
        shown = [each for each in zip(payloads, written, strict=True) if each[1] in acts or given.text is not None]
        for payload, text in shown:
            notes = "; ".join(acts.get(text, ["nothing"]))
            if given.brief:
                print(f"{name:<20} {payload.number:>4} {payload.kind}: {payload.text!r} -> {text!r}: {notes}")
                continue
            print(f"=== {name}, payload {payload.number} ({payload.kind}): {notes}\n--- payload\n{payload.text}")
            print(f"--- inert\n{text}\n--- {name}\n{RENDERERS[name].convert([text])[0]}\n")
        print(f"{name}: {len(acts)} of {len(payloads)} act\n")


if __name__ == "__main__":
    main()
