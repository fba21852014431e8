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


def test_the_stand_in_of_solara_is_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = type("FakeIPython", (), {"__module__": "solara.server.patch", "kernel": object()})
    ipython = ModuleType("IPython")
    ipython.get_ipython = stand_in  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert running_shell() is None
