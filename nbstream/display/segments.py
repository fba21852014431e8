"""What there is to see of an answer, in order: stretches of Markdown, and a line for everything that is not text.

Every surface draws these, so that all of them agree on the order. Pure: parts in, values out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nbstream.display.call_detail import detail_of, error_of
from nbstream.display.sources import Sources
from nbstream.parts import PARAGRAPH_BREAK, ActivityPart, MediaPart, RefusalPart, TextPart, ToolCallPart
from nbstream.text.code import code_blocks
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.parts import PartViews, ToolRun

__all__ = ["Segment", "kept_of", "line_of", "segments_of"]

_LONGEST_DETAIL = 120
_LOOKED_AT = 1_000  # characters of what may be very long, before its white space is made less

_ACTIVITIES = {
    "code_interpreter_call": "Code interpreter",
    "computer_call": "Computer use",
    "file_search_call": "File search",
    "image_generation_call": "Image generation",
    "local_shell_call": "Shell",
    "mcp_approval_request": "MCP approval request",
    "mcp_call": "MCP call",
    "mcp_list_tools": "MCP tool list",
    "shell_call": "Shell",
    "web_search_call": "Web search",
}
_STATUS = {"waiting": "waits to be allowed", "approved": "allowed", "denied": "not allowed"}
"""Of a question of the provider whether it may call a tool, as it was answered here."""
_UNREMARKABLE = {"completed", "in_progress", "searching", "interpreting", "generating", "calling"}


class Segment(NamedTuple):
    """One thing to show.

    Attributes:
        kind: `"text"` for Markdown, `"line"` for a remark in plain words.
        text: The Markdown as the server sent it, or the words.
        open: Whether it may still change.
        detail: What more there is to say in plain words, which a page shows folded.
        media: The image or sound that the words tell of, if it can be shown.
        error: Why a call has no result, if the words do not say all of it.
    """

    kind: Literal["text", "line"]
    text: str
    open: bool = False
    detail: str = ""
    media: MediaPart | None = None
    error: str = ""


def segments_of(answer: PartViews, *, cited: int | None = None, returned: bool = True) -> tuple[Segment, ...]:
    """The segments of an answer: its text or, if it has none, its refusal; and a line where something else happened.

    Reasoning is shown apart from the answer, so what is said before and after it is one text.

    Args:
        answer: The answer.
        cited: How many of its citations are links in the text; by default all, with a list of the sources at the end.
        returned: Whether the images that tools returned follow the lines of their calls, which tell of them anyway.

    Example:
        >>> from nbstream.result import ReasoningPart, StreamResult, TextPart, ToolCallPart
        >>> parts = TextPart("Let me"), ReasoningPart("Hm"), TextPart(" look."), ToolCallPart("1", "look_up", "{}")
        >>> for segment in segments_of(StreamResult(parts=parts)):
        ...     print(segment.kind, segment.text)
        text Let me look.
        line Tool call: look_up
    """
    shown = TextPart if any(isinstance(part, TextPart) and part.text for part in answer.parts) else RefusalPart
    segments: list[Segment] = []
    texts: list[str] = []
    sources = Sources(answer.parts, cited)
    for part in answer.parts:
        if isinstance(part, shown):
            if part.new_paragraph and texts:
                texts.append(PARAGRAPH_BREAK)
            texts.append(_markdown_of(part, sources))
        elif isinstance(part, ToolCallPart | MediaPart | ActivityPart):
            segments += _text(texts)
            texts = []
            segments.append(_line(part))
            segments += _returned_by(part) if returned else ()
    if cited is None and sources.listed:
        if _in_fence("".join(texts)):  # of an answer that was cut
            return (*segments, *_text(texts), *(Segment("line", line) for line in sources.lines()))
        texts += [PARAGRAPH_BREAK] * bool(texts) + [sources.listing()]
    last_open = bool(answer.parts) and answer.parts[-1].open
    return (*segments, *_text(texts, still_open=last_open))


def kept_of(before: Sequence[Segment], now: Sequence[Segment]) -> int:
    """How many of the drawn segments still hold: the last of them may have grown, a line may change.

    Example:
        >>> drawn = Segment("text", "One"), Segment("text", "Tw")
        >>> kept_of(drawn, (Segment("text", "One"), Segment("text", "Two"))), kept_of(drawn, (Segment("text", "1"),))
        (2, 0)
    """
    for number, segment in enumerate(before):
        if number >= len(now) or now[number].kind != segment.kind:
            return number
        if segment.kind == "text" and segment.text != now[number].text:
            last = number == len(before) - 1
            return number + (last and now[number].text.startswith(segment.text))
    return len(before)


def line_of(part: ToolCallPart | MediaPart | ActivityPart) -> str:
    """What happened, in one line of plain words.

    Example:
        >>> line_of(ActivityPart("web_search_call", "completed", item={"action": {"query": "tides Oban"}}))
        'Web search: tides Oban'
        >>> line_of(MediaPart("image", bytes(2048), "image/png"))
        'Image: image/png, 2.0 kB'
    """
    match part:
        case ToolCallPart():
            name, detail = "Tool call", _about_call(part)
        case MediaPart():
            name, detail = part.kind.capitalize(), ", ".join(_about(part))
        case ActivityPart():
            name = _ACTIVITIES.get(part.kind) or part.kind.removesuffix("_call").replace("_", " ").capitalize()
            detail = _about_activity(part)
    return _in_one_line(name, detail)


def _in_one_line(name: str, detail: str) -> str:
    return one_line(f"{name}: {detail}" if detail else name, _LONGEST_DETAIL)


def _line(part: ToolCallPart | MediaPart | ActivityPart) -> Segment:
    line = line_of(part)
    media = part if isinstance(part, MediaPart) and _is_shown(part) else None
    return Segment("line", line, part.open or _goes_on(part), detail_of(part, line), media, error_of(part, line))


def _returned_by(part: ToolCallPart | MediaPart | ActivityPart) -> list[Segment]:
    """A segment for each image that a call has returned."""
    if not isinstance(part, ToolCallPart) or part.run is None:
        return []
    lines = ((image, _in_one_line(f"Image from {part.name}", ", ".join(_about(image)))) for image in part.run.images)
    return [Segment("line", line, media=image) for image, line in lines]


def _markdown_of(part: TextPart | RefusalPart, sources: Sources) -> str:
    if isinstance(part, RefusalPart):
        return part.text
    return sources.in_text(part) if part.shown is None else part.shown


def _in_fence(text: str) -> bool:
    blocks = code_blocks(f"{text}\n", whole=False)
    return bool(blocks) and not blocks[-1].closed


def _text(texts: list[str], *, still_open: bool = False) -> list[Segment]:
    if not texts:
        return []
    return [Segment("text", texts[0] if len(texts) == 1 else "".join(texts), still_open)]


def _about(part: MediaPart) -> list[str]:
    size = len(part.data)
    weight = f"{size / 1000:,.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
    preview = None if not part.partial else "a preview" if part.open else "only a preview has come"
    facts = [part.name, preview, part.media_type, weight if size else None, part.url]
    return [fact for fact in facts if fact]


def _is_shown(part: MediaPart) -> bool:
    """Whether it is for the reader to see or hear: a preview is, until there is nothing that it is one of."""
    if part.kind not in {"image", "audio"}:
        return part.url is not None
    return not part.partial or part.open


def _goes_on(part: ToolCallPart | MediaPart | ActivityPart) -> bool:
    if isinstance(part, ToolCallPart):
        return part.run is not None and part.run.state in {"waiting", "running"}
    return isinstance(part, ActivityPart) and part.status == "waiting"


def _about_call(part: ToolCallPart) -> str:
    name = part.name or "a tool without a name"
    if part.run is None:
        return f"{name} {part.arguments[:_LOOKED_AT]}" if part.open and part.arguments else name
    called = f"{name} {one_line(part.run.arguments or part.arguments, _LONGEST_DETAIL // 2)}"
    match part.run.state:
        case "completed":
            return f"{called} → {_result_of(part.run)}"
        case "waiting":
            return f"{called} (waits to be allowed)"
        case "running":
            return f"{called} (running)"
        case "denied":
            return f"{called} (not allowed)"
        case state:
            return f"{called} ({state}: {part.run.output[:_LOOKED_AT]})"


def _result_of(run: ToolRun) -> str:
    """What a call returned; images are told of even if the words about them are cut."""
    words = one_line(run.output, _LONGEST_DETAIL // 2)
    if not run.images or words == run.output:
        return words
    count = "an image" if len(run.images) == 1 else f"{len(run.images)} images"
    return f"{count}; {words}"


def _about_activity(part: ActivityPart) -> str:
    unremarkable = part.status is None or (part.status in _UNREMARKABLE and not part.open)
    status = "" if unremarkable else str(part.status).replace("_", " ")
    status = _STATUS.get(status, status) if part.kind == "mcp_approval_request" else status
    subject = _subject(part.item)
    return f"{subject} ({status})" if subject and status else subject or status


def _subject(item: Mapping[str, Any]) -> str:
    """What a built-in tool's call is about: the tool of a server, or what is searched for."""
    if isinstance(name := item.get("name"), str):
        server = item.get("server_label")
        return f"{server}.{name}" if isinstance(server, str) else name
    if isinstance(server := item.get("server_label"), str):
        return server
    action = item.get("action")
    sources = [action if isinstance(action, dict) else {}, item]
    for source in sources:
        for field in ("query", "url", "pattern", "command", "queries", "commands", "revised_prompt"):
            value = source.get(field)
            words = [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str)]
            if any(words):
                return (" " if field == "command" else ", ").join(words)
    kind = sources[0].get("type")  # of a computer's action: a click, a screenshot
    return kind.replace("_", " ") if isinstance(kind, str) else ""
