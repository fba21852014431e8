"""The page's side of a widget: its code as one text, and its messages taken at once. It must not know any widget."""

from __future__ import annotations

import pathlib
import re
from typing import Any

__all__ = ["page_code", "take_messages_at_once", "view_bundle"]

_STATIC = pathlib.Path(__file__).parent / "static"
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)


def page_code(*names: str) -> str:
    """The files as one text, for anywidget takes one module and there is no bundler.

    What is for their readers only is left out, because the text travels with each widget.

    Args:
        names: Files in `static/`, in order.
    """
    text = "\n".join((_STATIC / name).read_text("utf-8") for name in names)
    return "\n".join(line.strip() for line in _COMMENT.sub("", text).split("\n") if line.strip())


def view_bundle(model_id: str) -> dict[str, Any]:
    """The output data that makes a front end show a widget."""
    view = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def take_messages_at_once(comm: Any) -> None:
    """Let the page's messages reach a kernel that is busy with a cell, so that Stop works.

    Front ends send widget messages to a subshell of the kernel, whose thread is free. Since 7.4, ipykernel redirects
    them to whichever shell the widget was last drawn from, which for a blocking cell is the busy one. The redirection
    helps code that awaits an answer there; our widgets await none and are safe on any thread.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, asked: asked  # noqa: SLF001  there is no public way
