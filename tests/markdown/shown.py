r"""What saved Markdown looks like elsewhere, next to what was shown live: the same structure, or it is a mistake.

    python -m tests.markdown.shown                        the table of all renderers and corpora
    python -m tests.markdown.shown --left                 and each text that is read otherwise, with the difference
    python -m tests.markdown.shown --record               and raise what the suite asks for to what is reached now
    python -m tests.markdown.shown --name "prices"        the texts whose names contain that, and what was made of them
    python -m tests.markdown.shown --text 'costs $5'      the same of any text ("-" reads standard input)
    python -m tests.markdown.shown --raw --text 'a \$b'   the same of Markdown as it is, not made inert: for experiments
    … --renderer lab --corpus math                        of these only; both may be given several times

The renderers are those of `elsewhere`. How structures are compared is written in `seen`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from nbstream.markdown import inert, render
from tests.markdown.elsewhere import RENDERERS, rendered
from tests.markdown.seen import structure
from tests.markdown.structure import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "Compared",
    "compare",
    "compare_all",
    "corpora",
    "count",
    "difference",
    "floors",
    "left",
    "table",
]

_HERE = Path(__file__).parent
_FLOORS = _HERE / "corpus" / "shown.json"
ALL_ANSWERS = "all answers"
_FROM_ROOT = re.compile(r"(\]\(\s*<?|\]:\s*<?)/")
_RAW_HTML = re.compile(r"<[A-Za-z/!?]")


def corpora() -> dict[str, dict[str, str]]:
    """Return the texts by name by corpus; formulas are not marked any more.

    Links to the root of the notebook's own server are shown and not saved, on purpose: here they lead elsewhere.
    """
    found: dict[str, dict[str, str]] = {}
    for file in sorted((_HERE / "corpus").glob("*.md")):
        parts = re.split(r"^%%% (.*)\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found[file.stem] = {name: source(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    examples = json.loads((_HERE.parent / "data" / "commonmark.json").read_text(encoding="utf-8"))
    found["specification"] = {
        str(each["example"]): each["markdown"] for each in examples if not _RAW_HTML.search(each["markdown"])
    }
    return {
        corpus: {name: _FROM_ROOT.sub(r"\1", text) for name, text in texts.items()} for corpus, texts in found.items()
    }


@dataclass(frozen=True)
class Compared:
    """One text as shown live and as a renderer shows what was saved."""

    live: list[str]
    other: list[str]
    live_html: str
    saved: str
    other_html: str

    @property
    def agree(self) -> bool:
        return self.live == self.other


Differences = dict[str, dict[str, Compared]]  # by corpus and name


def compare(
    texts: dict[str, str], renderers: Iterable[str] = RENDERERS, *, save: Callable[[str], str] = inert
) -> dict[str, dict[str, Compared]]:
    """Return for each renderer and each text what is shown live and what the renderer shows."""
    saved = {name: save(text) for name, text in texts.items()}
    live = {name: render(text) for name, text in texts.items()}
    html = rendered(list(saved.values()), renderers)
    found: dict[str, dict[str, Compared]] = {}
    for renderer in renderers:
        found[renderer] = {}
        for name, other in zip(texts, html[renderer], strict=True):
            how = {
                "notes": 'class="nbs-footnotes"' in live[name],
                "languages": renderer != "mistune",
                "boxes": renderer != "code",
            }
            found[renderer][name] = Compared(
                structure(live[name], **how), structure(other, **how), live[name], saved[name], other
            )
    return found


def difference(compared: Compared) -> str:
    """Return the first place where the two are not the same, in a few words."""
    pairs = zip(compared.live, compared.other, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(same - 1, 0)

    def some(tokens: list[str]) -> str:
        return " ".join(token.lstrip('"') for token in tokens[start : same + 4])[:160] or "(end)"

    return f"live: {some(compared.live)}\n      saved: {some(compared.other)}"


Counts = dict[str, dict[str, tuple[int, int]]]


def compare_all(corpora_: dict[str, dict[str, str]], renderers: Iterable[str] = RENDERERS) -> dict[str, Differences]:
    """Return for each renderer and each corpus how each text is shown."""
    every = {(corpus, name): text for corpus, texts in corpora_.items() for name, text in texts.items()}
    found = compare({"\n".join(key): text for key, text in every.items()}, renderers)
    return {
        renderer: {corpus: {name: of[f"{corpus}\n{name}"] for name in texts} for corpus, texts in corpora_.items()}
        for renderer, of in found.items()
    }


def count(found: dict[str, Differences]) -> Counts:
    """Return for each renderer and each corpus how many texts agree, of how many; and of all that models write."""
    counts: Counts = {}
    for renderer, of in found.items():
        counts[renderer] = {
            corpus: (sum(each.agree for each in texts.values()), len(texts)) for corpus, texts in of.items()
        }
        answers = [counted for corpus, counted in counts[renderer].items() if corpus != "specification"]
        if len(answers) > 1:
            counts[renderer][ALL_ANSWERS] = (sum(agreed for agreed, _ in answers), sum(total for _, total in answers))
    return counts


def table(counts: Counts) -> str:
    """Return a table of renderers and corpora."""
    lines = ["".join(["".ljust(16), *(f"{name:>23}" for name in counts)])]
    for name in next(iter(counts.values())):
        cells = [of[name] for of in counts.values()]
        shown = [f"{agreed} of {total} ({agreed / total:6.1%})".rjust(23) for agreed, total in cells]
        lines.append("".join([name.ljust(16), *shown]))
    return "\n".join(lines)


def left(found: dict[str, Differences]) -> str:
    """Return the list of the texts that are read otherwise, with the first difference of each."""
    return "\n".join(
        line
        for renderer, of in found.items()
        for line in (
            f"\n{renderer}:",
            *(
                f"  {corpus}: {name}\n      {difference(each)}"
                for corpus, texts in of.items()
                for name, each in texts.items()
                if not each.agree
            ),
        )
    )


def floors() -> dict[str, dict[str, int]]:
    """Return how many texts have agreed once."""
    recorded: dict[str, dict[str, int]] = json.loads(_FLOORS.read_text(encoding="utf-8"))
    return recorded


def _record(counts: Counts) -> None:
    recorded = floors() if _FLOORS.exists() else {}
    for renderer, of in counts.items():
        before = recorded.setdefault(renderer, {})
        before |= {corpus: max(agreed, before.get(corpus, 0)) for corpus, (agreed, _) in of.items()}
    _FLOORS.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")


def _show(name: str, text: str, of: dict[str, Compared]) -> None:
    first = next(iter(of.values()))
    print(f"\n######## {name}\n{text}\n==== live\n{first.live_html}\n==== saved\n{first.saved}")
    for renderer, each in of.items():
        print(f"==== {renderer}: {'agrees' if each.agree else 'DISAGREES'}\n{each.other_html.strip()}")
        if not each.agree:
            print(f"---- {difference(each)}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.markdown.shown")
    parser.add_argument("--renderer", action="append", choices=RENDERERS)
    parser.add_argument("--corpus", action="append", choices=sorted(corpora()))
    parser.add_argument("--name", help="show the texts whose names contain this")
    parser.add_argument("--text", help="show this text; - for standard input")
    parser.add_argument("--raw", action="store_true", help="render the text itself, not what would be saved of it")
    parser.add_argument("--record", action="store_true", help="raise the recorded numbers to the present ones")
    parser.add_argument("--left", action="store_true", help="list the texts that are read otherwise")
    given = parser.parse_args()
    renderers = given.renderer or list(RENDERERS)
    chosen = {name: texts for name, texts in corpora().items() if not given.corpus or name in given.corpus}
    if given.text is not None or given.name:
        texts = {name: text for of in chosen.values() for name, text in of.items() if given.name and given.name in name}
        if given.text is not None:
            texts = {"text": sys.stdin.read() if given.text == "-" else given.text}
        compared = compare(texts, renderers, save=str if given.raw else inert)
        for name, text in texts.items():
            _show(name, text, {renderer: compared[renderer][name] for renderer in renderers})
        return
    found = compare_all(chosen, renderers)
    counts = count(found)
    print(table(counts))
    if given.left:
        print(left(found))
    if given.record:
        _record({renderer: {name: of[name] for name in of if name in chosen} for renderer, of in counts.items()})


if __name__ == "__main__":
    main()
