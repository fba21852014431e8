"""The tutorial notebooks: where they are, copies to work in, and a run of the first without a front end."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import pathlib
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbstream.demo.pace import ENVIRONMENT as PACE_VARIABLE
from nbstream.settings.target import DEMO_MODEL

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["TutorialRun", "copy_into", "run", "tutorial"]

_NAME = "01_quickstart.ipynb"
_OTHERS = (
    "02_chat_panel.ipynb",
    "03_tools.ipynb",
    "04_structured_output.ipynb",
    "05_reproducible.ipynb",
    "06_many_at_once.ipynb",
    "07_usage_and_safety.ipynb",
    "08_any_server.ipynb",
    "09_how_streaming_works.ipynb",
)

# For one cell; far more than any needs, so that a hanging kernel does not hang the check.
_CELL_SECONDS = 120
# The path of a socket has about a hundred bytes at most.
_LONGEST_FOLDER = 80


@dataclass(frozen=True, slots=True)
class TutorialRun:
    """What came of running the tutorial without a front end.

    Attributes:
        answer: The first streamed answer, as plain text; empty if there was none.
        facts: What the notebook keeps about that stream (`state`, `usage`, …).
        problem: Why the notebook did not run to its end; `None` if it did.
    """

    answer: str = ""
    facts: dict[str, Any] | None = None
    problem: str | None = None

    @property
    def failure(self) -> str | None:
        """Why the installation does not work; `None` if it does."""
        if self.problem is not None:
            return self.problem
        if self.facts is None:
            return "no answer was streamed"
        state = self.facts.get("state")
        return None if state == "completed" else f"the stream ended as {state}"


def tutorial() -> bytes:
    """The file of the first notebook, as it comes with nbstream.

    Raises:
        FileNotFoundError: The installation lacks it.
    """
    return _content(_NAME)


def _content(name: str) -> bytes:
    package = pathlib.Path(__file__).parents[1]
    places = (package / "demo" / name, package.parent / "notebooks" / name)  # in a wheel, in a checkout
    for place in places:
        if place.is_file():
            return _not_run(place.read_bytes())
    raise FileNotFoundError(f"{name} is missing from this installation of nbstream: install it again")


def _not_run(content: bytes) -> bytes:
    """A notebook without its outputs, which are there for those who read it where it cannot be run."""
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n".encode()


def copy_into(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path | None]:
    """Put the tutorials into a folder, never over a file that differs.

    Returns:
        The copy of the first, and the file whose name it could not have because it differs, if any.

    Raises:
        OSError: The folder cannot be written.

    Example:
        ```python
        notebook, differing = copy_into(pathlib.Path("nbstream-demo"))
        ```
    """
    content = tutorial()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / _NAME
    others = (wanted.with_stem(f"{wanted.stem}-{number}") for number in itertools.count(2))
    copy = next(p for p in itertools.chain([wanted], others) if not p.exists() or p.read_bytes() == content)
    if not copy.exists():
        copy.write_bytes(content)
    for name in _OTHERS:
        if not (other := folder / name).exists():  # nobody is sent there, so one that differs can stay
            other.write_bytes(_content(name))
    return copy, None if copy == wanted else wanted


def run() -> TutorialRun:
    """Run the tutorial with this interpreter and the demo model, offline, leaving no file behind.

    Raises:
        ImportError: `nbclient` or `ipykernel` is not installed.
        FileNotFoundError: The installation lacks the tutorial.

    Example:
        ```python
        if (reason := run().failure) is not None:
            sys.exit(reason)
        ```
    """
    import nbformat

    notebook = nbformat.reads(tutorial().decode(), as_version=4)  # type: ignore[no-untyped-call]  # half typed
    with tempfile.TemporaryDirectory(prefix="nbstream-", ignore_cleanup_errors=True) as folder:
        problem = asyncio.run(_execute(notebook, folder))
    answer, facts = _first_answer(notebook)
    return TutorialRun(answer, facts, problem)


async def _execute(notebook: NotebookNode, folder: str) -> str | None:
    """Run every cell; the reason if that did not go to the end."""
    # ipykernel 6 brings its debugger along, here and in the kernel, which warns of Python's own frozen modules.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    import ipykernel  # noqa: F401  without it, the error would be a baffling "no such kernel"
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    manager = AsyncKernelManager(
        # Looking in no folder finds the one native kernel: this interpreter's, whatever "python3" is installed where.
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=os.path.join(folder, "kernel.json"),  # noqa: PTH118  it is a string trait
        transport=_transport(folder),
    )
    # The kernel's warnings about its own transport would only worry the reader.
    quiet = ["--log-level=ERROR"]
    client = NotebookClient(notebook, km=manager, timeout=_CELL_SECONDS, extra_arguments=quiet)
    try:
        await client.async_execute(cleanup_kc=True, cwd=folder, env=_environment(folder))
    except CellExecutionError as error:
        return f"the notebook stopped with {error.ename}: {str(error.evalue).strip().partition(chr(10))[0]}"
    except (RuntimeError, TimeoutError) as error:  # nbclient's words for a kernel that died or hangs
        return f"the kernel did not run the notebook ({type(error).__name__})"
    return None


def _transport(folder: str) -> str:
    """Sockets in the folder where that is possible: a TCP port that is free now may not be when the kernel takes it."""
    fits = len(os.fsencode(folder)) < _LONGEST_FOLDER
    return "ipc" if fits and sys.platform != "win32" else "tcp"


def _environment(folder: str) -> dict[str, str]:
    return {
        # Faster than a real model, because nobody watches it, and slow enough that a cell can stop an answer.
        PACE_VARIABLE: "0,400",
        **os.environ,
        "NBSTREAM_MODEL": DEMO_MODEL,
        # Where the kernel keeps its history, and would find a profile that has nothing to do with the tutorial.
        "IPYTHONDIR": folder,
    }


def _first_answer(notebook: NotebookNode) -> tuple[str, dict[str, Any] | None]:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if (facts := output.get("metadata", {}).get("nbstream")) is not None:
                return output["data"].get("text/plain", ""), facts
    return "", None
