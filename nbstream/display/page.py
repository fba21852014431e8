"""The page's side of a widget: its code as one text, and its messages handled at once."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pathlib

__all__ = ["WIDGET", "is_ours", "packed_code", "page_code", "take_messages_at_once", "view_bundle"]

WIDGET = "application/vnd.jupyter.widget-view+json"
"""The MIME type of what shows a widget."""


def page_code(path: pathlib.Path) -> str:
    """A module or a style sheet with everything it imports as one text, because anywidget takes one of each.

    Comments and the like are left out, because the text travels with each widget. A wheel holds the joined text instead
    of the sources. A checkout has only the sources; they are joined here, so the page never gets stale code.

    Args:
        path: A `.js` or `.css` file among the sources.
    """
    if not path.exists():
        return path.with_suffix(f".joined{path.suffix}").read_text("utf-8")
    from nbstream.display.joining.modules import join_modules
    from nbstream.display.joining.styles import join_styles

    return join_modules(path) if path.suffix == ".js" else join_styles(path)


# anywidget gives up on a widget for good whose code is not there in two seconds, and a busy page takes longer to unpack
# it. So what anywidget loads is there at once, and the widgets of a page share what is unpacked.
_UNPACK = """\
const codes=globalThis[Symbol.for("nbstream")]??={{}};
const load=async()=>{{
const packed=Uint8Array.from(atob("{packed}"),(sign)=>sign.charCodeAt(0));
const stream=new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
const code=new Blob([await new Response(stream).arrayBuffer()],{{type:"text/javascript"}});
const address=URL.createObjectURL(code);
const{{default:widget,styles}}=await import(address);
URL.revokeObjectURL(address);
if(styles)document.head.append(Object.assign(document.createElement("style"),{{textContent:styles}}));
return widget;
}};
const code=codes["{digest}"]??=load();
export default{{
initialize(widget){{const begun=code.then((made)=>made.initialize(widget));return()=>begun.then((end)=>end());}},
async render(widget){{return(await code).render(widget);}},
}};
"""


def packed_code(path: pathlib.Path, styles: pathlib.Path | None = None) -> str:
    """A module that unpacks what `page_code` gives and does what that does: a third of the bytes for each widget.

    Nothing between a kernel and its page compresses messages.

    Args:
        path: A `.js` file among the sources, whose default export has `initialize` and `render`.
        styles: A `.css` file that goes into the head of the page with it; only for widgets that no front end puts into
            a shadow tree.
    """
    code = page_code(path)
    if styles is not None:
        code += f"\nexport const styles={json.dumps(page_code(styles))};"
    packed = zlib.compress(code.encode(), 9)
    digest = hashlib.sha256(packed).hexdigest()[:16]
    return _UNPACK.format(packed=base64.b64encode(packed).decode(), digest=digest)


def view_bundle(model_id: str) -> dict[str, Any]:
    """The output data that makes a front end show a widget."""
    view = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    return {WIDGET: view}


def take_messages_at_once(comm: Any) -> None:
    """Let the page's messages reach a kernel that is busy with a cell, so that Stop works.

    Front ends send widget messages to a subshell of the kernel, whose thread is free. Since 7.4, ipykernel redirects
    them to whichever shell the widget was last drawn from, which for a blocking cell is the busy one. The redirection
    helps code that awaits an answer there; our widgets await none and are safe on any thread.
    """
    if comm is not None:
        comm._reply_subshell_for = _as_asked  # noqa: SLF001  there is no public way


def is_ours(comm: Any) -> bool:
    """Whether a channel between kernel and page is one whose messages are taken at once."""
    return getattr(comm, "_reply_subshell_for", None) is _as_asked


def _as_asked(_data: Any, asked: str | None) -> str | None:
    return asked
