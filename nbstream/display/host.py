"""Who reads the outputs of the code that runs now: the one place where that is judged, for streams and for panels.

Nothing says so outright. What is known is the request that runs the code, the kernel's surroundings and its kind.
"""

from __future__ import annotations

import contextlib
import enum
import os
import re
import sys
from typing import Any

from nbstream.display.marimo import in_marimo
from nbstream.settings.shell import running_shell

__all__ = ["Host", "host_here"]


class Host(enum.Enum):
    """What reads the outputs, by what can be relied on there."""

    TERMINAL = enum.auto()
    """There is no kernel."""
    MARIMO = enum.auto()
    """A marimo notebook, which has an output API of its own."""
    PAGE = enum.auto()
    """A notebook on a page: it shows widgets, and replaces outputs."""
    LATE_PAGE = enum.auto()
    """A program runs the notebook, then a page with its widgets is opened for a person, as by Voila."""
    SERVER_PAGE = enum.auto()
    """A server runs the cells of a page, as jupyter-server-documents does: it adds outputs, and replaces none."""
    OTHER_KERNEL = enum.auto()
    """A kernel that is not ipykernel: outputs are replaced, and no more is known."""
    CONSOLE = enum.auto()
    """A person at a console of text: outputs are shown as they come, and never replaced."""
    PROGRAM = enum.auto()
    """A program that runs notebooks for nobody in particular: it keeps what a cell has shown when it ends."""

    @property
    def widgets(self) -> bool:
        """Whether somebody may see a widget and use it."""
        return self not in {Host.CONSOLE, Host.PROGRAM}

    @property
    def updates(self) -> bool:
        """Whether an output may promise something that is to take its place."""
        return self not in {Host.CONSOLE, Host.PROGRAM, Host.SERVER_PAGE}

    @property
    def person(self) -> bool:
        """Whether a person reads even what is static."""
        return self in {Host.CONSOLE, Host.SERVER_PAGE}


def host_here() -> Host:
    """Judge who reads the outputs of the code that runs now."""
    kernel: Any = getattr(running_shell(), "kernel", None)
    if kernel is None:
        return Host.MARIMO if in_marimo() else Host.TERMINAL
    if type(kernel).__module__.startswith("ipyparallel"):
        return Host.PROGRAM  # `%%px` gathers what the engines show until the code ends
    try:
        request = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else {}
        return _asked_by(request or {})
    except Exception:  # noqa: BLE001  xeus-python has a `get_parent` of its own, and others may
        return _of_other_make(kernel)


def _of_other_make(kernel: Any) -> Host:
    """xeus-python tells of a request only its header: which client it is from, not whether anybody can answer."""
    if not _by_voila():
        with contextlib.suppress(Exception):  # others tell nothing
            client = _python_client(kernel.get_parent()["header"])
            if client is not None and not _is_the_servers(client):
                return Host.PROGRAM
    return Host.OTHER_KERNEL


def _asked_by(request: dict[str, Any]) -> Host:
    metadata, content = request.get("metadata", {}), request.get("content", {})
    if "cellId" in metadata or "cell_id" in metadata or "google.colab" in sys.modules:
        return Host.PAGE
    if _by_voila():
        return Host.LATE_PAGE
    answers = content.get("allow_stdin", True)
    client = _python_client(request.get("header", {}))
    if client is None:
        return Host.PAGE if answers else Host.PROGRAM
    if not answers:
        return Host.SERVER_PAGE if _has_session() else Host.PROGRAM
    return Host.PAGE if _is_the_servers(client) else Host.CONSOLE


def _by_voila() -> bool:
    return os.environ.get("SERVER_SOFTWARE", "").lower().startswith("voila")


def _python_client(header: dict[str, Any]) -> str | None:
    """The process of a client made with jupyter_client, which no page is; `None` if it is another.

    It numbers its messages after its session: SESSION_PROCESS_NUMBER.
    """
    session, name = str(header.get("session", "")), str(header.get("msg_id", ""))
    if not session or not name.startswith(f"{session}_"):
        return None
    process = re.fullmatch(r"_(\d+)_\d+", name[len(session) :])
    return process[1] if process else ""


def _is_the_servers(client: str) -> bool:
    """Whether a client is the Jupyter server that began this kernel for a notebook."""
    return _has_session() and client == os.environ.get("JPY_PARENT_PID")


def _has_session() -> bool:
    """Whether a Jupyter server began this kernel for a notebook, as it says in the environment.

    A program that is started in a notebook inherits that, and so do the kernels that it begins.
    """
    session = os.environ.get("JPY_SESSION_NAME")
    if not session:
        return False
    with contextlib.suppress(Exception):  # no psutil, or a process that may not be looked at
        import psutil

        return bool(psutil.Process(os.getppid()).environ().get("JPY_SESSION_NAME") != session)
    return True
