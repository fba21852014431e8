"""Importing and loading the extension stay cheap: what is dear is imported with the first stream."""

import subprocess
import sys

import pytest

DEAR = {
    "openai",
    "httpx",
    "httpx2",
    "ipywidgets",
    "anywidget",
    "tornado",
    "markdown",
    "jiter",
    "pydantic",
    "nh3",
    "rich",
    "zmq",
}

LOAD = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("%load_ext nbstream").raise_error()
"""


def modules_after(code):
    """The top-level modules that a fresh interpreter has after some code."""
    report = "import sys; print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize("code", ["import nbstream", LOAD], ids=["import nbstream", "%load_ext nbstream"])
def test_nothing_dear_is_imported(code):
    modules = modules_after(code)
    assert "nbstream" in modules
    assert modules & DEAR == set()


def test_importing_does_not_even_need_ipython():
    assert "IPython" not in modules_after("import nbstream")


def test_importing_starts_no_thread():
    modules_after("import threading, nbstream; assert threading.active_count() == 1")
