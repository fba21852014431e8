"""`%stream_inspect` in a real IPython shell."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from nbstream.streaming.engine import engine
from nbstream.testing import chat_body
from tests.telemetry.conftest import all_told

if TYPE_CHECKING:
    from nbstream.testing import FaultServer


def shown_by(shell: Any, cell: str) -> str:
    """What a reader sees of a cell."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        shell.run_cell(cell)
    return out.getvalue()


def test_the_last_stream_is_shown_step_by_step(shell: Any, loopback: FaultServer) -> None:
    loopback.send(chat_body("Hel", "lo"))
    shell.run_cell(f"%%stream -m m --quiet --base-url {loopback.base_url}\nHi")
    all_told()
    shown = shown_by(shell, "%stream_inspect")
    assert "TextDelta 'Hel'" in shown
    assert "The stream is completed (stop)" in shown
    assert "Request 1: m at" in shown
    assert "TextDelta 'Hel'" not in shell.run_cell("%stream_inspect --events 1").result._repr_html_()


def test_what_cannot_be_shown_is_said(shell: Any) -> None:
    engine().tape = None
    assert "no stream yet" in shown_by(shell, "%stream_inspect")
    assert "unrecognized arguments: this" in shown_by(shell, "%stream_inspect this")
