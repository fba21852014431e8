"""Lets a `%%stream` cell wait without blocking the kernel, where the kernel supports that.

While a cell blocks, a kernel answers nobody: a page that is reloaded mid-stream would show "Loading widget..." until
the end. Since 7.4, ipykernel handles widget messages while a cell awaits, so there the cell `%%stream …` is run as
`await …` of the same magic. Run All still goes cell by cell.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["AWAITED_OPTION", "AwaitedCells"]

# Tells the magic that its caller awaits what it returns.
AWAITED_OPTION = "--awaited"

_CALL = re.compile(r"^get_ipython\(\)\.run_cell_magic\('stream', (['\"])")


class AwaitedCells:
    """An input transformer for cells that consist of one `%%stream`.

    Args:
        shell: The shell whose cells to transform.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._running = 0

    @staticmethod
    def worthwhile(shell: InteractiveShell) -> bool:
        """Whether this shell's kernel handles messages while a cell awaits.

        One of another make, where ipykernel is only imported, may not survive an interrupt then (xeus-python 0.19).
        """
        ipykernel, base = sys.modules.get("ipykernel"), sys.modules.get("ipykernel.kernelbase")
        if ipykernel is None or base is None or not isinstance(getattr(shell, "kernel", None), base.Kernel):
            return False
        return tuple(ipykernel.version_info) >= (7, 4)

    def install(self) -> None:
        """Begin to transform."""
        self._shell.input_transformers_post.append(self)
        self._shell.events.register("pre_run_cell", self._began)
        self._shell.events.register("post_run_cell", self._ended)

    def remove(self) -> None:
        """Transform no more."""
        self._shell.input_transformers_post.remove(self)
        self._shell.events.unregister("pre_run_cell", self._began)
        self._shell.events.unregister("post_run_cell", self._ended)

    def __call__(self, lines: list[str]) -> list[str]:
        """Put `await` before the call. A cell inside a running one (`%%capture`) cannot await and stays as it is."""
        if self._running or not self._on_asyncio() or not lines:
            return lines
        first = _CALL.sub(rf"await get_ipython().run_cell_magic('stream', \1{AWAITED_OPTION} ", lines[0], count=1)
        return [first, *lines[1:]]

    def _on_asyncio(self) -> bool:
        """Whether a cell that awaits does so on asyncio, which is what `%autoawait` can change."""
        shell = self._shell
        return bool(shell.autoawait) and shell.loop_runner is shell.loop_runner_map["asyncio"][0]

    def _began(self, _info: Any) -> None:
        self._running += 1

    def _ended(self, _result: Any) -> None:
        self._running = 0
