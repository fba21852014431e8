"""What holds for all tests of Markdown."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _time_for_all_colours(still_clock: None) -> None:
    """Which code has colours would depend on how busy the machine is."""
