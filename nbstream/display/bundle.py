"""MIME bundles for notebook outputs: what a saved notebook keeps of an answer. Pure: result in, bundle out.

The Markdown is inert, because a trusted notebook runs what its outputs contain. Nothing of the prompt goes in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbstream.display.marks import footer_of, mark_of, notes_of
from nbstream.display.segments import segments_of
from nbstream.display.sources import Sources
from nbstream.display.thoughts import is_cut, quote_of
from nbstream.markdown import Remark, escaped, inert
from nbstream.parts import TextPart
from nbstream.text.place import Place
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from nbstream.markdown import Images
    from nbstream.request import Footer
    from nbstream.result import Retry, StreamResult

__all__ = ["answer_bundle", "partial_markdown", "unfinished_bundle", "waiting_bundle"]


# Opacity is grey on light and on dark pages; what is copied is the answer alone.
_FOOTER = '<small style="opacity:.7;user-select:none">{}</small>'


def answer_bundle(
    result: StreamResult,
    images: Images = "link",
    *,
    footer: Footer = "none",
    reasoning: bool = False,
    place: Place = Place.CELL,
    raised: bool = False,
    below: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output for an answer, growing or final, as (data, metadata).

    Args:
        result: The answer.
        images: Whether images from other servers are links or loaded.
        footer: Which facts the Markdown of a final answer ends with, in one small grey line.
        reasoning: Whether what the model thought is quoted above a final answer; all of it is in the metadata.
        place: Where it is read.
        raised: Whether the error of a failed answer is shown below it.
        below: The level of the heading that it stands below.

    Returns:
        `data` holds `text/markdown` and `text/plain`; `metadata["nbstream"]` the facts about the stream. Of a failure
        that is raised before anything has arrived there is nothing to show.
    """
    markdown, words = _body(result, images, below)
    if reasoning and result.reasoning.strip() and result.state.terminal:
        markdown = f"{inert(quote_of(result.reasoning, place), images=images).strip()}\n\n{markdown}"
    if remarks := _remarks(result, place, raised=raised):
        # One quote, because together they are what is to be said about the answer.
        quote = "\n>\n> ".join(marked_up for marked_up, _ in remarks)
        markdown = f"{markdown}\n\n> {quote}\n".lstrip("\n")
        words = "\n".join([f"{words}\n", *(f"[{line}]" for _, line in remarks)]).lstrip("\n")
    if facts := footer_of(result, footer):
        markdown = f"{markdown.rstrip()}\n\n{_FOOTER.format(escaped(' · '.join(facts)))}\n".lstrip("\n")
    data = {} if raised and not markdown.strip() else {"text/markdown": markdown, "text/plain": words}
    kept = result.metadata()
    if reasoning and is_cut(result.reasoning) and result.state.terminal:
        kept["reasoning"] = result.reasoning
    if (value := _json_of(result)) is not None:
        kept["json"] = value
    return data, {"nbstream": kept}


def _json_of(result: StreamResult) -> Any:
    """The JSON of an answer that is held to a schema.

    It is in the metadata, because front ends that know `application/json` would show it instead of the table.
    """
    texts = [part for part in result.parts if isinstance(part, TextPart) and part.text]
    if result.parsed is None or not texts:
        return None
    try:
        return json.loads(texts[-1].text)
    except ValueError:
        return None


def partial_markdown(snapshot: StreamResult, images: Images = "link") -> str:
    """What a notebook that is saved now keeps of an answer that still arrives; marked as partial.

    Args:
        snapshot: What has arrived.
        images: Whether images from other servers are links or loaded.
    """
    note = escaped("The answer was still arriving when the notebook was saved.")
    return f"{_body(snapshot, images, below=0)[0].rstrip()}\n\n> **Partial.** {note}\n"


def _body(result: StreamResult, images: Images, below: int) -> tuple[str, str]:
    """The answer in Markdown and in plain words."""
    segments = segments_of(result)
    texts = (text if kind == "text" else Remark(text) for kind, text, _ in segments)
    markdown = inert(*texts, images=images, below=below)
    sources = Sources(result.parts).lines()
    if len(segments) == 1 and segments[0].kind == "text" and not sources:
        return markdown, plain(segments[0].text)
    segments = segments_of(result, cited=0)
    words = [f"[{text}]" if kind == "line" else plain(text).strip("\n") for kind, text, _ in segments]
    words += ["\n".join(sources)]
    return markdown, "\n\n".join(filter(str.strip, words))


def unfinished_bundle(
    snapshot: StreamResult, model: str, images: Images = "link"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output for an answer that was still arriving when its cell ended, as (data, metadata).

    Args:
        snapshot: What has arrived.
        model: The model that was asked.
        images: Whether images from other servers are links or loaded.
    """
    markdown, words = _body(snapshot, images, below=0)
    note = plain(
        f"The answer of {model} was still arriving when this cell ended. To keep all of it, wait for it in a cell."
    )
    data = {
        "text/markdown": f"{markdown}\n\n> *Note.* {escaped(note)}\n".lstrip("\n"),
        "text/plain": f"{words}\n\n[Note: {note}]".lstrip("\n"),
    }
    return data, {"nbstream": snapshot.metadata()}


def waiting_bundle(model: str, retry: Retry | None = None) -> dict[str, Any]:
    """What an output shows before the first token, where nothing livelier can be shown.

    Args:
        model: The model that is asked.
        retry: The pause before the next attempt, if the stream is in one; nothing counts down here.
    """
    words = plain(f"Waiting for {model} …" if retry is None else _capitalised(retry.sentence()))
    return {"text/markdown": f"*{escaped(words)}*", "text/plain": words}


def _remarks(result: StreamResult, place: Place, *, raised: bool) -> list[tuple[str, str]]:
    """What is to be said below the text, each in Markdown and in plain words."""
    if not result.state.terminal:  # an answer that is being continued has text to show while it waits
        pause = "" if result.retry is None else plain(_capitalised(result.retry.sentence()))
        return [(f"*{escaped(pause)}*", pause)] if pause else []
    mark, notes = mark_of(result, place, raised=raised), notes_of(result, place)
    remarks = [] if mark is None else [(f"**{mark.word}.** {escaped(mark.sentence)}", f"{mark.word}: {mark.sentence}")]
    return remarks + [(f"*Note.* {escaped(note)}", f"Note: {note}") for note in notes]


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
