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
    "PIL",
    "charset_normalizer",
}

LOAD = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("%load_ext nbstream").raise_error()
"""


def printed_by(code):
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def modules_after(code):
    """The top-level modules that a fresh interpreter has after some code."""
    report = "import sys; print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    return set(printed_by(f"{code}\n{report}").rpartition("MODULES ")[2].split())


MAKE = "import nbstream; nbstream.Chat('Be terse.', model='m').messages"


@pytest.mark.parametrize("code", ["import nbstream", LOAD, MAKE], ids=["import", "%load_ext", "Chat"])
def test_nothing_dear_is_imported(code):
    modules = modules_after(code)
    assert "nbstream" in modules
    assert modules & DEAR == set()


def test_importing_does_not_even_need_ipython():
    assert "IPython" not in modules_after("import nbstream")


WITHOUT = """
import sys
def forbid(event, _):
    if event in {"socket.__new__", "_thread.start_new_thread"}:
        raise RuntimeError(event)
sys.addaudithook(forbid)
sys.modules["tornado"] = None
"""


def test_everything_is_imported_without_a_thread_a_socket_or_tornado():
    modules = modules_after(f"{WITHOUT}{LOAD}\nfrom nbstream import ChatPanel, StreamError, demo, testing")
    assert {"nbstream", "ipywidgets"} <= modules


def test_where_tornado_is_missing_the_demo_model_answers_without_a_server():
    asked = "import nbstream\nprint(nbstream.stream('hello', model='demo', display=False).text)"
    instant = "import os, sys; os.environ['NBSTREAM_DEMO_PACE'] = 'instant'"
    assert "## Hello" in printed_by(f"{instant}; sys.modules['tornado'] = None\n{asked}")


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


def test_loading_takes_only_what_declares_the_magics():
    """Each module is a millisecond or two of the 50 that `%load_ext` may take."""
    modules = printed_by(f"{LOAD}\nimport sys; print(*(name for name in sys.modules if name.startswith('nbstream.')))")
    rooms = {name.split(".")[1] for name in modules.split()}
    assert "ipython" in rooms
    assert rooms.isdisjoint({"api", "assembly", "display", "markdown", "parts", "request", "result", "transport"})
    assert len(modules.split()) <= 36
