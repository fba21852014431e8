"""Run the tutorials and save what they show: `python .docs/tutorials.py`, or `--check` to only see what would change.

An output that differs from run to run (a time, an id, a port) would be a difference in every commit, so each tutorial
runs twice, and only what is the same in both runs is saved. Of the facts about an answer, none are.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

__all__ = ["kept", "outputs_of", "run"]

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS = 300
WIDGETS = "application/vnd.jupyter.widget"


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
        notebook = nbformat.reads(before, as_version=4)
        first, second = (outputs_of(run(nbformat.reads(before, as_version=4))) for _ in range(2))
        for cell, one, other in zip(notebook.cells, first, second, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = kept(one, other), None
        after = nbformat.writes(notebook) + "\n"
        if after != before:
            changed += 1
            sys.stdout.write(f"{path.name} has changed\n")
            if not chosen.check:
                path.write_text(after, "utf-8")
    return changed if chosen.check else 0


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run a notebook offline on the demo model, in a folder that is gone afterwards.

    Args:
        notebook: It, which gets the outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell has failed.
    """
    with tempfile.TemporaryDirectory(prefix="nbstream-", ignore_cleanup_errors=True) as folder:
        here = {"transport": "ipc", "ip": f"{folder}/kernel"} if sys.platform != "win32" else {}
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            extra_arguments=["--log-level=ERROR"],
        )
        client.create_kernel_manager()
        for name, value in here.items():
            setattr(client.km, name, value)
        environment = {**os.environ, "NBSTREAM_DEMO_PACE": "instant", "IPYTHONDIR": folder}
        client.execute(env=environment)
    return notebook


def outputs_of(notebook: nbformat.NotebookNode) -> list[list[dict[str, Any]]]:
    """The outputs of each cell, without what only the page that ran it needs."""
    return [_joined([_plain(output) for output in cell.get("outputs", ())]) for cell in notebook.cells]


def kept(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs of one run that are the same in the other, and hold no path of this machine."""
    if len(one) != len(other):
        return []
    return [output for output, twin in zip(one, other, strict=True) if output == twin and "/tmp/" not in str(output)]  # noqa: S108


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
    if "execution_count" in made:
        made.execution_count = None
    return made


if __name__ == "__main__":
    sys.exit(main())
