"""The shell is looked up in whatever state IPython is."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    import pytest


def test_none_is_looked_for_in_an_ipython_that_another_thread_is_importing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    assert running_shell() is None
