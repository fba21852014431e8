"""Run the tutorials and save what they show: `python .docs/tutorials.py`, or `--check` to only see what would change.

What differs from run to run (a time, an id, a port) would be a difference in every commit. So each tutorial runs
twice, in two time zones, and a cell that shows something else in the second run is an error, unless it has the tag
`varies`: of such a cell nothing is saved. Of the facts about an answer, none are.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

__all__ = ["KERNEL", "PACE", "kept", "outputs_of", "run", "saved"]

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS = 300
WIDGETS = "application/vnd.jupyter.widget"
TRANSCRIPT = '<div class="nbs-transcript"'
RESTORING = re.compile(r' data-panel="\w*"|<p><em>To continue this conversation, .*?</em></p>')
"""What a transcript says to its panel, and of what is not saved here."""
VARIES = "varies"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PACE = "0,400"
"""Fast, but slow enough that what stops an answer finds it arriving."""
ZONES = ("Etc/GMT+12", "Etc/GMT-14")  # there it is never the same day


def main() -> int:
    """Run all of them, or those that are named. Returns how many have changed, if it only checks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="which, such as 01_quickstart; by default all")
    parser.add_argument("--check", action="store_true", help="save nothing")
    chosen = parser.parse_args()
    changed = 0
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if chosen.names and path.stem not in chosen.names:
            continue
        before = path.read_text("utf-8")
        first, second = (run(nbformat.reads(before, as_version=4), {"TZ": zone}) for zone in ZONES)
        after = nbformat.writes(saved(first, second, path.name)) + "\n"
        if after != before:
            changed += 1
            sys.stdout.write(f"{path.name} has changed\n")
            if not chosen.check:
                path.write_text(after, "utf-8")
    return changed if chosen.check else 0


def run(notebook: nbformat.NotebookNode, environment: dict[str, str]) -> nbformat.NotebookNode:
    """Run a notebook offline on the demo model, in a folder that is gone afterwards.

    Args:
        notebook: It, which gets the outputs.
        environment: Variables that its kernel has besides.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell has failed.
    """
    with tempfile.TemporaryDirectory(prefix="nbstream-", ignore_cleanup_errors=True) as folder:
        here = {"transport": "ipc", "ip": f"{folder}/kernel"} if sys.platform != "win32" else {}
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            startup_timeout=SECONDS,
            iopub_timeout=SECONDS,  # or on a busy machine the outputs that come late would be left out
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            extra_arguments=["--log-level=ERROR"],
        )
        client.create_kernel_manager()
        for name, value in here.items():
            setattr(client.km, name, value)
        client.execute(env={**os.environ, "NBSTREAM_DEMO_PACE": PACE, "IPYTHONDIR": folder, **environment})
    return notebook


def saved(one: nbformat.NotebookNode, other: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """A notebook as it is saved.

    Args:
        one: The notebook after a run.
        other: The same after another run.
        name: What an error calls it.

    Raises:
        ValueError: A cell without the tag `varies` shows something else in the other run.
    """
    cells = zip(one.cells, outputs_of(one), outputs_of(other), strict=True)
    for cell, outputs, others in cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = kept(cell, outputs, others, name), None
    one.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    return one


def outputs_of(notebook: nbformat.NotebookNode) -> list[list[dict[str, Any]]]:
    """The outputs of each cell, without what only the page that ran it needs."""
    return [_joined([_plain(output) for output in cell.get("outputs", ())]) for cell in notebook.cells]


def kept(
    cell: nbformat.NotebookNode, one: list[dict[str, Any]], other: list[dict[str, Any]], name: str
) -> list[dict[str, Any]]:
    """What is saved of a cell: the outputs of one run, if they are those of the other, and hold no path.

    Args:
        cell: The cell.
        one: Its outputs in one run.
        other: Those in the other.
        name: The name of the notebook.

    Raises:
        ValueError: They differ, or hold a path, and the cell has not the tag `varies`.
    """
    if VARIES in cell.metadata.get("tags", ()):
        return []
    where = f"{name}, cell {cell.id} ({cell.source.partition(chr(10))[0]})"
    if one != other:
        lines = (json.dumps(outputs, indent=1, ensure_ascii=False).splitlines() for outputs in (one, other))
        raise ValueError("\n".join([f"{where} shows something else in each run:", *difflib.unified_diff(*lines, n=0)]))
    if "/tmp/" in str(one):  # noqa: S108
        raise ValueError(f"{where} shows a path of this machine:\n{one}")
    return one


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs with what was printed in several pieces in one, because where it is cut depends on the machine."""
    made: list[dict[str, Any]] = []
    for output in outputs:
        if made and "text" in output and output.get("name") == made[-1].get("name"):
            made[-1]["text"] += output["text"]
        else:
            made.append(output)
    return made


def _plain(output: nbformat.NotebookNode) -> dict[str, Any]:
    made = nbformat.from_dict(output)
    if "data" in made:
        made.metadata = {}
        made.data = {kind: value for kind, value in made.data.items() if not kind.startswith(WIDGETS)}
        if (html := made.data.get("text/html", "")).startswith(TRANSCRIPT):
            made.data["text/html"] = RESTORING.sub("", html)
    if "execution_count" in made:
        made.execution_count = None
    return made


if __name__ == "__main__":
    sys.exit(main())
