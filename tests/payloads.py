"""Hostile answers by class, for the tests of what they must not do.

In the corpus `alert(1)` stands for code that must not run and `evil.example` for a server that must not be asked.
`Payload.armed` puts code and an address in their places that name the payload, so that whatever happens has an author.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["FOR_A_PAGE", "PAYLOADS", "Payload"]

_CORPUS = Path(__file__).parent / "markdown" / "corpus" / "payloads.json"


class Payload(NamedTuple):
    """A hostile answer."""

    number: int
    kind: str
    text: str

    def armed(self, server: str) -> str:
        """Return the text so that its code calls `__ran(number)` and its requests go to `server/number`."""
        text = self.text.replace("alert(1)", f"__ran({self.number})")
        return text.replace("https://evil.example", "http://evil.example").replace(
            "evil.example", f"{server}/{self.number}"
        )


PAYLOADS = tuple(
    Payload(number, kind, text)
    for number, (kind, text) in enumerate(
        (kind, text) for kind, texts in json.loads(_CORPUS.read_text(encoding="utf-8")).items() for text in texts
    )
)

_OTHER_TOOLS = {
    *("LaTeX", "MyST directives and roles", "Python-Markdown", "mistune plugins"),
    *("pandoc and Quarto", "pandoc attributes", "templates"),
}
FOR_A_PAGE = tuple(payload for payload in PAYLOADS if payload.kind not in _OTHER_TOOLS)
"""Those that could do something in a page of Jupyter's, without another tool."""
