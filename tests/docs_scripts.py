"""The scripts that make the documentation: they stand in a folder that is no package."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
from typing import Any

__all__ = ["DOCS", "docs_script"]

DOCS = pathlib.Path(__file__).parent.parent / ".docs"


def docs_script(name: str) -> Any:
    """Load one of them.

    Args:
        name: Its name, without the ending.
    """
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
