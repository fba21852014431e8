"""What the documentation says to write works: the README's section and the fixtures' examples, run by pytest itself.

Each runs in an interpreter of its own, with nothing of this suite's own fixtures.
"""

import ast
import os
import pathlib
import re
import subprocess
import sys
import textwrap

import nbformat
import pytest

from nbstream.testing import fixtures

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = re.DOTALL | re.MULTILINE
HEADING = "## Testing your own notebooks\n"
REPORT = ["%load_ext nbstream", "%%stream\nSummarise the sales of {{ 2000 + 24 }}."]
IMPORTS = """
import asyncio, os, pytest
import nbstream as nbs
from nbstream.events import TextDelta
from nbstream.testing import error_body, play
"""


def code_blocks(markdown):
    return [textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", markdown, FLAGS)]


@pytest.fixture
def run_pytest(tmp_path):
    """Run pytest on files in a folder of their own; its last line."""

    def run_pytest(files):
        for name, source in files.items():
            (tmp_path / name).write_text(source, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()[-1]

    return run_pytest


def test_a_notebook_is_tested_as_the_readme_says(run_pytest, tmp_path):
    section = (ROOT / "README.md").read_text("utf-8").partition(HEADING)[2].partition("\n## ")[0]
    files = {block.partition("\n")[0].removeprefix("# "): block for block in code_blocks(section)}
    assert set(files) == {"conftest.py", "test_report.py"}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in REPORT])
    nbformat.write(notebook, tmp_path / "report.ipynb")
    assert run_pytest(files).startswith("3 passed")


OF_THE_ENVIRONMENT = """
import os

import nbstream as nbs
from nbstream.testing import chat_body

NAMES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "NBSTREAM_MODEL")

def announced():
    return tuple(os.environ.get(name) for name in NAMES)

def test_first(fault_server):
    fault_server.send(chat_body("Hi"))
    assert announced() == (fault_server.base_url, fault_server.api_key, "scripted")
    assert nbs.stream("Hi", display=False).text == "Hi"
    [asked] = fault_server.requests
    assert (asked.json["model"], asked.path) == ("scripted", "/v1/chat/completions")
    assert asked.headers["authorization"] == f"Bearer {fault_server.api_key}"

def test_then():
    assert announced() == ("http://before.test/v1", None, None)

def test_each_test_has_its_own(fault_server, recording_surface, manual_clock, scripted_stream):
    assert fault_server.requests == []
    assert recording_surface.frames == []
    assert manual_clock.now() == 0
"""


def test_the_fixtures_and_their_examples(run_pytest, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://before.test/v1")
    source = pathlib.Path(fixtures.__file__).read_text("utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    examples = [block for function in functions for block in code_blocks(ast.get_docstring(function) or "")]
    assert sorted(function.name for function in functions) == fixtures.__all__
    assert len(examples) == len(functions)
    files = {
        "conftest.py": 'pytest_plugins = ["nbstream.testing.fixtures"]\n',
        "test_environment.py": OF_THE_ENVIRONMENT,
        "test_examples.py": IMPORTS + "\n".join(examples),
    }
    assert run_pytest(files).startswith(f"{3 + len(examples)} passed")


def test_names_do_not_collide_with_this_suites_own(request):
    for name in fixtures.__all__:
        with pytest.raises(pytest.FixtureLookupError):
            request.getfixturevalue(name)
