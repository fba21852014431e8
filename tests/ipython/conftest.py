"""Cells in a real shell, and the variables that they leave."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.ran import run_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ran import Ran


@pytest.fixture
def run(shell: Any) -> Callable[[str], Ran]:
    """Run a cell and return what a reader sees of it."""
    return partial(run_in, shell)


@pytest.fixture
def ns(shell: Any) -> dict[str, Any]:
    """The variables."""
    names: dict[str, Any] = shell.user_ns
    return names
