"""Where a cell's outputs go while their cost is counted."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher


@pytest.fixture
def outputs(shell: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The cell's outputs and their updates."""
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    published: list[dict[str, Any]] = publisher.outputs
    return published


@pytest.fixture(autouse=True)
def _time_for_all_colours(still_clock: None) -> None:
    """How much HTML some code takes would depend on how busy the machine is."""
