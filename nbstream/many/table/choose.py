"""Whether a job that starts now is shown as a table, decided once, from where the code runs."""

from __future__ import annotations

from nbstream.display.host import Host, host_here
from nbstream.display.marimo import MarimoOutput
from nbstream.many.table.table_output import TableOutput

__all__ = ["table_here"]

_MODES = {
    Host.OTHER_KERNEL: "markdown",
    Host.SERVER_PAGE: "static",
    Host.PROGRAM: "static",
    Host.MARIMO: "markdown",
}
"""How a job is shown where there may be no live table."""


def table_here(wanted: str = "auto", *, answers: bool = True) -> TableOutput | None:
    """What shows a job that is started by the code that runs now; `None` where a bar of text serves better.

    Args:
        wanted: `"auto"`, or one of the values of the `surface` setting.
        answers: Whether pages that come meanwhile are let in though a cell keeps the kernel busy.
    """
    host = host_here()
    if wanted == "terminal" or host in {Host.TERMINAL, Host.CONSOLE}:
        return None
    mode = _MODES.get(host, "live") if wanted == "auto" else wanted
    if host is Host.MARIMO:
        return TableOutput("static" if wanted == "static" else "markdown", host, MarimoOutput)
    return TableOutput(mode, host, answers=answers)
