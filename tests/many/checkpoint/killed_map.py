"""Maps rows in processes that are killed: `killed_map.py BASE_URL CHECKPOINT NOTES ROWS`, then a line for each run.

It imports everything once and makes a fork for each line, whose number it prints. The fork notes each row that counts
as done in a file, at once, so that what it had in its hands is known.
"""

from __future__ import annotations

import os
import pathlib
import sys
import time
from typing import Any

WINDOW = 200


def main(base_url: str, checkpoint: str, notes: str, rows: int) -> None:
    sys.path.insert(0, str(pathlib.Path(__file__).parents[3]))
    import openai

    import nbstream.many.mapping.mapping
    import nbstream.transport.open

    assert openai
    nbstream.transport.open.prepare()
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            prompts = [f"row {number}" for number in range(rows)]
            job = nbstream.map(prompts, model="m", base_url=base_url, checkpoint=checkpoint, display=False)
            with pathlib.Path(notes).open("a", buffering=1) as noted:
                noted.writelines(f"{number}\t{value}\n" for number, value in enumerate(job))
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


def note(job: Any, notes: pathlib.Path) -> None:
    """Note each row of a map as soon as it is done; rows are asked in order, so few have to be looked at."""
    known = {int(line.partition("\t")[0]) for line in notes.read_text().splitlines()}
    first = 0
    job.start()
    with notes.open("a", buffering=1) as noted:
        while job.state == "streaming":
            while first in known:
                first += 1
            for row in job.rows[first : first + WINDOW]:
                if row.state == "completed" and row.number not in known:
                    known.add(row.number)
                    noted.write(f"{row.number}\t{row.value}\n")
            time.sleep(0.005)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
