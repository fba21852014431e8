"""MIME bundles for notebook outputs: what a saved notebook keeps of an answer. Pure: result in, bundle out.

The Markdown is inert, because a trusted notebook runs what its outputs contain. Nothing of the prompt goes in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbstream.display.marks import footer_of, mark_of, notes_of
from nbstream.display.pictures import IN_MARKDOWN, outputs_of, remark_of
from nbstream.display.segments import Segment, segments_of
from nbstream.display.sources import Sources
from nbstream.display.thoughts import is_cut, quote_of
from nbstream.markdown import escaped, inert
from nbstream.parts import TextPart
from nbstream.text.code import CodeBlock, fenced
from nbstream.text.place import Place
from nbstream.text.plain import plain
from nbstream.text.wording import WORDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.display.pictures import Room
    from nbstream.markdown import Images, Remark
    from nbstream.media import MediaPart
    from nbstream.request import Footer
    from nbstream.result import Retry, StreamResult

__all__ = ["answer_bundle", "answer_outputs", "partial_markdown", "unfinished_bundle", "waiting_bundle"]


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
    pictures: bool = False,
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
        pictures: Whether its own images are in the Markdown, as smaller copies where they are large.

    Returns:
        `data` holds `text/markdown` and `text/plain`; `metadata["nbstream"]` the facts about the stream. Of a failure
        that is raised before anything has arrived there is nothing to show.
    """
    body = _body(result, images, below, IN_MARKDOWN if pictures else None)
    markdown, words = _ended(
        _begun(body, result, images, place, reasoning=reasoning), result, footer, place, raised=raised
    )
    data = {} if raised and not markdown.strip() else {"text/markdown": markdown, "text/plain": words}
    return data, _metadata(result, reasoning=reasoning)


def answer_outputs(
    result: StreamResult,
    images: Images = "link",
    *,
    footer: Footer = "none",
    reasoning: bool = False,
    place: Place = Place.CELL,
    raised: bool = False,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The outputs for a final answer, each as (data, metadata): every image and sound of it is one of its own.

    The arguments are those of `answer_bundle`, which makes the one output of an answer that has neither.
    """
    segments = segments_of(result)
    media = outputs_of(segments)
    if not media:
        return [answer_bundle(result, images, footer=footer, reasoning=reasoning, place=place, raised=raised)]
    words, sources = segments_of(result, cited=0), Sources(result.parts).lines()
    outputs: list[dict[str, Any]] = []
    begin = 0
    for number in (*media, len(segments)):
        last = number == len(segments)
        smaller = segments[begin - 1].media if begin and media[begin - 1].smaller else None
        note = [Segment("line", _smaller(smaller, result, place))] if smaller is not None else []
        markdown = _markdown((*note, *segments[begin:number]), images)
        body = markdown, _words((*note, *words[begin:number]), sources if last else ())
        if not begin:
            body = _begun(body, result, images, place, reasoning=reasoning)
        if last:
            body = _ended(body, result, footer, place, raised=raised)
        outputs += [{"text/markdown": body[0], "text/plain": body[1]}] if body[0].strip() else []
        outputs += [] if last else [media[number].data]
        begin = number + 1
    about = _metadata(result, reasoning=reasoning)
    return [(data, {} if at else about) for at, data in enumerate(outputs)]


def _smaller(part: MediaPart, result: StreamResult, place: Place) -> str:
    runs = (number for number, call in enumerate(result.tool_runs) if call.run and part in call.run.images)
    by_a_tool = next((f".tool_runs[{number}].run" for number in runs), "")
    whole = f"{WORDINGS[place].result}{by_a_tool}.images"
    return f"This is a smaller copy, for the notebook; {whole} has the image itself"


def _begun(
    body: tuple[str, str], result: StreamResult, images: Images, place: Place, *, reasoning: bool
) -> tuple[str, str]:
    """The answer with what stands above it."""
    markdown, words = body
    if reasoning and result.reasoning.strip() and result.state.terminal:
        markdown = f"{quote_of(result.reasoning, place, images)}\n\n{markdown}"
    return markdown, words


def _ended(
    body: tuple[str, str], result: StreamResult, footer: Footer, place: Place, *, raised: bool
) -> tuple[str, str]:
    """The answer with what stands below it."""
    markdown, words = body
    if remarks := _remarks(result, place, raised=raised):
        # One quote, because together they are what is to be said about the answer.
        quote = "\n>\n> ".join(marked_up for marked_up, _ in remarks)
        markdown = f"{markdown}\n\n> {quote}\n".lstrip("\n")
        words = "\n".join([f"{words}\n", *(f"[{line}]" for _, line in remarks)]).lstrip("\n")
    if facts := footer_of(result, footer):
        markdown = f"{markdown.rstrip()}\n\n{_FOOTER.format(escaped(' · '.join(facts)))}\n".lstrip("\n")
    return markdown, words


def _metadata(result: StreamResult, *, reasoning: bool) -> dict[str, Any]:
    kept = result.metadata()
    if reasoning and is_cut(result.reasoning) and result.state.terminal:
        kept["reasoning"] = result.reasoning
    if (value := _json_of(result)) is not None:
        kept["json"] = value
    return {"nbstream": kept}


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
    return f"{_body(snapshot, images)[0].rstrip()}\n\n> **Partial.** {note}\n"


def _body(result: StreamResult, images: Images, below: int = 0, room: Room | None = None) -> tuple[str, str]:
    """The answer in Markdown and in plain words."""
    segments = segments_of(result)
    sources = Sources(result.parts).lines()
    markdown = _markdown(segments, images, below, room)
    if len(segments) == 1 and segments[0].kind == "text" and not sources:
        return markdown, plain(segments[0].text)
    return markdown, _words(segments_of(result, cited=0), sources)


def _markdown(segments: Sequence[Segment], images: Images, below: int = 0, room: Room | None = None) -> str:
    texts: list[str | Remark] = []
    for each in segments:
        texts.append(each.text if each.kind == "text" else remark_of(each, room))
        texts += [fenced(CodeBlock("text", each.error))] if each.error else []
    return inert(*texts, images=images, below=below)


def _words(segments: Sequence[Segment], sources: Sequence[str] = ()) -> str:
    words = [f"[{each.text}]" if each.kind == "line" else plain(each.text).strip("\n") for each in segments]
    words = [f"{said}\n{each.error}".strip("\n") for said, each in zip(words, segments, strict=True)]
    return "\n\n".join(filter(str.strip, [*words, "\n".join(sources)]))


def unfinished_bundle(
    snapshot: StreamResult, model: str, images: Images = "link"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output for an answer that was still arriving when its cell ended, as (data, metadata).

    Args:
        snapshot: What has arrived.
        model: The model that was asked.
        images: Whether images from other servers are links or loaded.
    """
    markdown, words = _body(snapshot, images)
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
