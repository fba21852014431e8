"""Which cells of a notebook are awaited. A browser test shows what it is for: a page is reloaded mid-stream."""

from types import SimpleNamespace

import ipykernel
import pytest
from ipykernel.kernelbase import Kernel
from IPython.core.interactiveshell import InteractiveShell

from nbstream.ipython.awaited_cells import AwaitedCells

CALL = "get_ipython().run_cell_magic('stream', '-m demo', 'hello\\n')\n"


@pytest.fixture
def cells(shell):
    transformer = AwaitedCells(shell)
    transformer.install()
    yield transformer
    transformer.remove()


def test_a_stream_cell_is_awaited(cells):
    assert cells([CALL]) == ["await get_ipython().run_cell_magic('stream', '--awaited -m demo', 'hello\\n')\n"]


@pytest.mark.parametrize(
    "line",
    ["1 + 1\n", f"f = lambda: {CALL}", f"def f(): return {CALL}", f"text = {CALL!r}\n", CALL.replace("stream", "time")],
)
def test_everything_else_stays_as_it_is(cells, line):
    assert cells([line]) == [line]


def test_a_cell_inside_a_running_cell_cannot_await(cells, shell):
    shell.user_ns["transform"] = cells
    shell.run_cell(f"inside = transform([{CALL!r}])")
    assert shell.user_ns["inside"] == [CALL]
    assert cells([CALL]) != [CALL]


def test_without_autoawait_nothing_is_awaited(cells, shell, monkeypatch):
    monkeypatch.setattr(shell, "autoawait", False)
    assert cells([CALL]) == [CALL]


def test_only_kernels_that_make_use_of_it_are_changed(shell, monkeypatch):
    assert not AwaitedCells.worthwhile(shell)
    assert isinstance(shell, InteractiveShell)
    monkeypatch.setattr(ipykernel, "version_info", (7, 4, 0))
    monkeypatch.setattr(shell, "kernel", SimpleNamespace(), raising=False)
    assert not AwaitedCells.worthwhile(shell), "ipykernel is only imported"
    monkeypatch.setattr(shell, "kernel", Kernel.__new__(Kernel))
    assert AwaitedCells.worthwhile(shell)
