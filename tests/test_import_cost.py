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


MAKE = "import nbstream; nbstream.Chat('Be terse.', model='m').messages"


@pytest.mark.parametrize("code", ["import nbstream", LOAD, MAKE], ids=["import", "%load_ext", "Chat"])
def test_nothing_dear_is_imported(code):
    modules = modules_after(code)
    assert "nbstream" in modules
    assert modules & DEAR == set()


def test_importing_does_not_even_need_ipython():
    assert "IPython" not in modules_after("import nbstream")


def test_importing_starts_no_thread():
    modules_after("import threading, nbstream; assert threading.active_count() == 1")


def test_what_is_made_late_is_there_by_name():
    modules_after(
        "import nbstream, sys; assert 'Chat' in dir(nbstream); assert 'nbstream.conversation.chat' not in sys.modules"
    )
    modules_after("from nbstream import Chat; assert Chat.__module__ == 'nbstream.conversation.chat'")
    modules_after("from nbstream import *; Chat()")
    modules_after("import nbstream; assert not hasattr(nbstream, 'NoSuchName')")


IN_A_KERNEL = LOAD.replace("shell.run_cell", "shell.kernel = object()\nSETTING\nshell.run_cell")
WAIT = """
import sys, threading
threads = [each for each in threading.enumerate() if each.name == "nbstream-prepare"]
for each in threads:
    each.join()
assert [bool(threads), "openai" in sys.modules, "anywidget" in sys.modules] == [PREPARES] * 3
"""


@pytest.mark.parametrize(("setting", "prepares"), [("", True), ("shell.config.NBStream.preload = False", False)])
def test_a_kernel_prepares_for_the_first_answer_in_the_background_unless_told_not_to(setting, prepares):
    modules_after((IN_A_KERNEL + WAIT).replace("SETTING", setting).replace("PREPARES", str(prepares)))
