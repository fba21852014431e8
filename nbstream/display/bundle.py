"""MIME bundles for notebook outputs: what a saved notebook keeps of an answer. Pure: result in, bundle out.

The Markdown is inert, for a trusted notebook runs what its outputs contain. Nothing of the prompt goes in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.display.marks import mark_of
from nbstream.markdown import inert
from nbstream.plain import plain

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["answer_bundle", "waiting_bundle"]

# Every character that means something to some Markdown parser; a backslash before it makes it mean itself in all.
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+.!|<>~$&-])")


def answer_bundle(result: StreamResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output for an answer, growing or final, as (data, metadata).

    Returns:
        `data` holds `text/markdown` and `text/plain`; `metadata["nbstream"]` the facts about the stream.
    """
    text = result.body
    markdown, words = inert(text), plain(text)
    if (mark := mark_of(result)) is not None:
        sentence = _MARKDOWN_SPECIAL.sub(r"\\\1", plain(mark.sentence))
        markdown = f"{markdown}\n\n> **{mark.word}.** {sentence}\n".lstrip("\n")
        words = f"{words}\n\n[{mark.word}: {plain(mark.sentence)}]".lstrip("\n")
    return {"text/markdown": markdown, "text/plain": words}, {"nbstream": result.metadata()}


def waiting_bundle(model: str) -> dict[str, Any]:
    """What an output shows before the first token, where nothing livelier can be shown."""
    name = _MARKDOWN_SPECIAL.sub(r"\\\1", plain(model))
    return {"text/markdown": f"*Waiting for {name} …*", "text/plain": f"Waiting for {plain(model)} …"}
