"""What these tests have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbstream.streaming.engine import replace_engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def new_engine() -> Iterator[None]:
    """A test begins with an empty ledger."""
    before = replace_engine(None)
    yield
    if (own := replace_engine(before)) is not None:
        own.close()
