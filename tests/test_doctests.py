"""The examples in the docstrings do what they say."""

import doctest
import importlib
import pathlib

import pytest

import nbstream

ROOT = pathlib.Path(nbstream.__file__).parent
MODULES = [
    ".".join(("nbstream", *path.relative_to(ROOT).with_suffix("").parts))
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    known = {"openai": importlib.import_module("openai")} if name.startswith("nbstream.demo.") else {}
    result = doctest.testmod(importlib.import_module(name), extraglobs=known, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0


def test_there_are_examples():
    assert len(MODULES) >= 10
