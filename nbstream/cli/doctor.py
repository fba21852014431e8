"""What `nbstream doctor` looks at besides the settings: versions, front ends, and whether the endpoint answers.

Each finding is rows of text; how they are printed is up to the command line.
"""

from __future__ import annotations

import asyncio
import pathlib
import platform
import re
import sys
import time
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

from nbstream import __version__
from nbstream.errors import ConnectTimeoutError, StreamError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.place import Place

if TYPE_CHECKING:
    from nbstream.request import Target
    from nbstream.settings.provenance import Rows, Setup
    from nbstream.transport.open import ClientPool

__all__ = ["ask_endpoint", "front_ends", "versions"]

_JUPYTER = ("ipykernel", "ipywidgets", "anywidget", "ipython", "jupyterlab", "notebook", "jupyter_client")

# Package: its extension for JupyterLab and Notebook, without which they cannot show a live view.
_LAB_EXTENSIONS = {"jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}

_MODELS_SHOWN = 5
_MISSING = "not installed"


def versions() -> Rows:
    """The versions that matter when something does not work."""
    http = _http_library()
    return [
        ("nbstream", __version__),
        ("Python", platform.python_version(), sys.executable),
        ("openai", _version("openai"), f"on {http} {_version(http)}"),
        *((name, _version(name)) for name in _JUPYTER),
    ]


def front_ends() -> Rows:
    """Whether a notebook can show a live view, and whether the view's Stop button reaches a busy kernel."""
    folders = lab_extension_folders()
    missing = [
        package
        for package, extension in _LAB_EXTENSIONS.items()
        if not any((folder / extension / "package.json").is_file() for folder in folders)
    ]
    widgets = ("installed", "answers are drawn live in a Jupyter that runs from this environment")
    if missing:
        widgets = ("missing", f"answers grow as plain Markdown; pip install {' '.join(missing)} where Jupyter runs")
    # Older kernels handle a click only after the cell that it is meant to stop.
    subshells = ("no", "ipykernel 7 has them; while a cell is busy, use the notebook's interrupt button, not Stop")
    kernel = _version("ipykernel")
    if re.match(r"[7-9]|\d\d", kernel):
        subshells = ("yes", "Stop works while a cell is busy")
    elif kernel == _MISSING:
        subshells = (
            "unknown",
            "there is no ipykernel here; install it to run notebooks in this environment: pip install ipykernel",
        )
    return [("widgets", *widgets), ("subshells", *subshells)]


def ask_endpoint(setup: Setup, timeout: float) -> tuple[Rows, bool]:
    """Ask the endpoint which models it has: the cheapest proof that it answers and takes the key.

    Args:
        setup: Where to ask.
        timeout: Seconds to wait, all in all.

    Returns:
        What was found, and whether the endpoint answered.
    """
    target = setup.target
    if target is None:
        return [("not asked", "the settings name no endpoint")], False
    from nbstream.transport.open import ClientPool  # before the clock starts: it takes half a second

    name = target.endpoint.name
    limited = replace(target, limits=replace(target.limits, connect=timeout))
    started = time.perf_counter()
    try:
        models = asyncio.run(_models(ClientPool(), limited, timeout))
    except StreamError as error:
        return [(name, error.told(Place.TERMINAL))], False
    except TimeoutError:
        late = ConnectTimeoutError(f"No answer within {timeout:g} s.", remedies=[Remedy(RemedyKind.CHECK_CONNECTION)])
        return [(name, late.told(Place.TERMINAL))], False
    seconds = time.perf_counter() - started
    return [(name, f"answers, in {seconds:.2f} s"), ("models", _summary(models, setup.model))], True


async def _models(pool: ClientPool, target: Target, timeout: float) -> list[str]:  # noqa: ASYNC109  it is the limit
    try:
        async with asyncio.timeout(timeout):
            return await pool.models(target)
    finally:
        await pool.close()


def _summary(models: list[str], wanted: str | None) -> str:
    if wanted in models:
        return f"{len(models)}, {wanted} among them"
    shown = ", ".join(sorted(models)[:_MODELS_SHOWN]) + (", …" if len(models) > _MODELS_SHOWN else "")
    without = "" if wanted is None else f", without {wanted}"
    return f"{len(models)}{without}{': ' if shown else ''}{shown}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return _MISSING


def _http_library() -> str:
    """What this openai sends with: httpx up to 2.x, httpx2 since. Both may be installed."""
    try:
        requirements = metadata.requires("openai") or []
    except metadata.PackageNotFoundError:
        requirements = []
    names = (re.split(r"[^\w-]", requirement, maxsplit=1)[0] for requirement in requirements)
    return next((name for name in names if name in {"httpx", "httpx2"}), "httpx")


def lab_extension_folders() -> list[pathlib.Path]:
    """Where JupyterLab looks for extensions."""
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:
        return [pathlib.Path(sys.prefix, "share", "jupyter", "labextensions")]
    return [pathlib.Path(folder) for folder in jupyter_path("labextensions")]
