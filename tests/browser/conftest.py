"""The browser tests' fixtures, and their marker."""

from __future__ import annotations

import pathlib

import pytest

from tests.real_jupyter import chromium, front_end, jupyter, open_notebook, page, upstream

__all__ = ["chromium", "front_end", "jupyter", "open_notebook", "page", "upstream"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
