"""Reads one long answer in a process of its own and tells how far its memory rose: `memory.py WAY URL CHUNKS`.

WAY is the name of a method of `Readers`, URL that of a server of `serving`. The figure is the highest that the memory
of the whole process ever was, less what it was before the long answer; a short one goes first, so that imports and
pools are not counted.
"""

from __future__ import annotations

import json
import pathlib
import sys


def main(way: str, url: str, chunks: int) -> None:
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
    from tests.benchmarks.contestants import Readers
    from tests.benchmarks.resources import memory_held

    short, long = (getattr(Readers("chat", f"{url}/burst/{number}/v1"), way) for number in (100, chunks))
    short()
    before = memory_held()
    text = long()
    print(json.dumps({"text": len(text), "rise": memory_held(at_the_most=True) - before}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
