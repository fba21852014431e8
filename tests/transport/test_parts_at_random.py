"""Answers of random parts, put on the wire of both APIs in random pieces that take turns: the same parts come out.

What is expected is worked out from the order of the events alone: a part stands where its first event stands.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nbstream.result import ActivityPart, MediaPart, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from tests.transport.playing import played

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.result import Part

EXAMPLES = 150

# Without tags of reasoning, which would make other parts; with what is cut badly, or looks like the beginning of a tag.
TEXTS = st.text(st.sampled_from('ab .<\n\u0301é日😀👩🏽\u2028{}"\\'), min_size=1, max_size=8)


@dataclass
class Event:
    """A wire event, and the part that begins with it, if it is still to begin."""

    payload: dict[str, Any]
    begins: Part | None = None


def cut(draw: Callable[..., Any], text: str) -> list[str]:
    """The text in pieces that are not empty, cut also between the halves of a surrogate pair."""
    units = text.encode("utf-16-le")
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(units) // 2 - 1)), max_size=3)))
    bounds = zip([0, *cuts], [*cuts, len(units) // 2], strict=True)
    pieces = [units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass") for start, end in bounds]
    return [piece for piece in pieces if piece]


@st.composite
def taking_turns(draw: Callable[..., Any], sequences: list[list[Event]]) -> list[Event]:
    """All events, each sequence in its own order."""
    left = [list(sequence) for sequence in sequences if sequence]
    merged: list[Event] = []
    stay = 0
    while left:
        stay = draw(st.integers(0, len(left) - 1)) if stay >= len(left) or draw(st.booleans()) else stay
        merged.append(left[stay].pop(0))
        left = [sequence for sequence in left if sequence]
    return merged


def body_of(payloads: list[dict[str, Any]], end: str = "") -> bytes:
    """The payloads as an event stream."""
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads).encode() + end.encode()


def parts_of_body(draw: Callable[..., Any], body: bytes, api: str) -> tuple[Part, ...]:
    """What comes of the body, cut at random."""
    cuts = sorted(draw(st.sets(st.integers(0, len(body)), max_size=8)))
    result = played(body, api, cuts).result
    assert result.state == "completed"
    return result.parts


# --- Responses --------------------------------------------------------------------------------------------------------


@st.composite
def message(draw: Callable[..., Any], item_id: str, output: int) -> tuple[list[Event], dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    events = [Event(added(output, {"id": item_id, "type": "message", "content": []}))] if draw(st.booleans()) else []
    for index in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["output_text", "output_text", "refusal"]))
        text, place = draw(TEXTS), {"item_id": item_id, "output_index": output, "content_index": index}
        part: Part = (TextPart if kind == "output_text" else RefusalPart)(text, item_id, index)
        name = "text" if kind == "output_text" else "refusal"
        said = [Event({"type": f"response.{kind}.delta", **place, "delta": piece}, part) for piece in cut(draw, text)]
        if kind == "output_text" and draw(st.booleans()):
            empty = {"type": kind, "text": "", "annotations": []}
            said.insert(0, Event({"type": "response.content_part.added", **place, "part": empty}, part))
        if draw(st.booleans()):
            said.append(Event({"type": f"response.{kind}.done", **place, name: text}))
        events += said
        contents.append({"type": kind, name: text})
    item = {"id": item_id, "type": "message", "content": contents}
    return events + ([Event(done(output, item))] if draw(st.booleans()) else []), item


@st.composite
def reasoning(draw: Callable[..., Any], item_id: str, output: int) -> tuple[list[Event], dict[str, Any]]:
    events: list[Event] = []
    thoughts = draw(st.lists(TEXTS, min_size=1, max_size=2))
    for index, text in enumerate(thoughts):
        place = {"item_id": item_id, "output_index": output, "summary_index": index}
        part = ReasoningPart(text, item_id, index)
        kind = "response.reasoning_summary_text"
        events += [Event({"type": f"{kind}.delta", **place, "delta": piece}, part) for piece in cut(draw, text)]
        events += [Event({"type": f"{kind}.done", **place, "text": text})] if draw(st.booleans()) else []
    summary = [{"type": "summary_text", "text": text} for text in thoughts]
    return events, {"id": item_id, "type": "reasoning", "summary": summary}


@st.composite
def call(draw: Callable[..., Any], item_id: str, output: int) -> tuple[list[Event], dict[str, Any]]:
    custom = draw(st.booleans())
    kind, name = ("custom_tool_call", "input") if custom else ("function_call", "arguments")
    said = draw(TEXTS) if custom else json.dumps({"x": draw(TEXTS)}, ensure_ascii=False)
    whole = {"id": item_id, "type": kind, "call_id": f"c{output}", "name": "f", name: said}
    source = "response.custom_tool_call_input" if custom else "response.function_call_arguments"
    place = {"item_id": item_id, "output_index": output}
    part = ToolCallPart(f"c{output}", "f", said, 0, item_id, custom)
    events = [Event(added(output, whole | {name: ""}), part)]
    events += [Event({"type": f"{source}.delta", **place, "delta": piece}) for piece in cut(draw, said)]
    events += [Event({"type": f"{source}.done", **place, name: said})] if draw(st.booleans()) else []
    return events + ([Event(done(output, whole))] if draw(st.booleans()) else []), whole


@st.composite
def activity(draw: Callable[..., Any], item_id: str, output: int) -> tuple[list[Event], dict[str, Any]]:
    kind = draw(st.sampled_from(["web_search_call", "code_interpreter_call", "image_generation_call", "sparkle"]))
    begun, place = {"id": item_id, "type": kind, "status": "in_progress"}, {"item_id": item_id, "output_index": output}
    kept = begun | {"status": draw(st.sampled_from(["completed", "failed"]))}
    code = draw(TEXTS) if kind == "code_interpreter_call" else ""
    first = Event(added(output, begun), ActivityPart(kind, kept["status"], code, kept, item_id))
    events = [first, Event({"type": f"response.{kind}.busy", **place})]
    if code:
        source = "response.code_interpreter_call_code"
        events += [Event({"type": f"{source}.delta", **place, "delta": piece}) for piece in cut(draw, code)]
        events.append(Event({"type": f"{source}.done", **place, "code": code}))
    if kind != "image_generation_call":
        return [*events, Event(done(output, kept))], kept
    images = draw(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=3))
    coded = [base64.b64encode(image).decode() for image in images]
    part = MediaPart("image", images[-1], "image/png", None, item_id)
    source = "response.image_generation_call.partial_image"
    events += [Event({"type": source, **place, "partial_image_b64": preview}, part) for preview in coded[:-1]]
    return [*events, Event(done(output, kept | {"result": coded[-1]}), part)], kept | {"result": coded[-1]}


def added(output: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": output, "item": item}


def done(output: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": output, "item": item}


def in_order_of_beginning(events: list[Event]) -> list[Part]:
    """The parts, with what depends on the others: slots of calls, and the blank lines between items."""
    parts: list[Part] = []
    begun: set[int] = set()
    for event in events:
        if event.begins is None or id(event.begins) in begun:
            continue
        begun.add(id(event.begins))
        part = event.begins
        before = [each for each in parts if isinstance(each, type(part))]
        match part:
            case TextPart():
                part = replace(part, new_paragraph=bool(before) and before[-1].item_id != part.item_id)
            case ReasoningPart():
                part = replace(part, new_paragraph=bool(before))
            case ToolCallPart():
                part = replace(part, index=len(before))
        parts.append(part)
    return parts


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(data=st.data())
def test_responses_bring_the_parts_that_were_sent(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from([message, message, reasoning, call, activity]), min_size=1, max_size=5))
    made = [data.draw(kind(f"item_{output}", output)) for output, kind in enumerate(kinds)]
    events = data.draw(taking_turns([events for events, _ in made]))
    output = [item for _, item in made] if data.draw(st.booleans()) else []
    response = {"id": "r", "model": "m", "status": "completed", "output": output}
    payloads = [*(event.payload for event in events), {"type": "response.completed", "response": response}]
    assert list(parts_of_body(data.draw, body_of(payloads), "responses")) == in_order_of_beginning(events)


# --- Chat Completions -------------------------------------------------------------------------------------------------


@st.composite
def chat_events(draw: Callable[..., Any]) -> tuple[list[dict[str, Any]], list[Part]]:
    """Deltas, and the parts that they make: words go on until something else begins, calls until the end."""
    deltas: list[dict[str, Any]] = []
    parts: list[Part] = []
    waiting: list[dict[str, Any]] = []  # pieces of calls that have begun
    calls = 0
    goes_on = False
    for kind in draw(
        st.lists(st.sampled_from(["text", "reasoning", "refusal", "call", "image"]), min_size=1, max_size=8)
    ):
        if kind == "call":
            said = json.dumps({"x": draw(TEXTS)}, ensure_ascii=False)
            parts.append(ToolCallPart(f"c{calls}", f"f{calls}", said, calls))
            deltas.append(call_delta(calls, id=f"c{calls}", function={"name": f"f{calls}", "arguments": ""}))
            waiting += [call_delta(calls, function={"arguments": piece}) for piece in cut(draw, said)]
            calls += 1
            goes_on = False
        elif kind == "image":
            address = f"https://a.example/{len(parts)}.png"
            parts.append(MediaPart("image", url=address))
            deltas.append({"images": [{"type": "image_url", "image_url": {"url": address}}]})
            goes_on = False
        else:
            text, name, made = draw(TEXTS), *WORDS[kind]
            if kind == "text" and not any(isinstance(part, TextPart) for part in parts):
                text = f"a{text}"  # or it might be a mark of thinking, whose rest comes behind the thoughts themselves
            last = parts[-1] if goes_on else None
            if isinstance(last, made):
                parts[-1] = replace(last, text=last.text + text)
            else:
                parts.append(made(text))
            deltas += [{name: piece} for piece in cut(draw, text)]
            goes_on = True
        for _ in range(draw(st.integers(0, len(waiting)))):
            deltas.append(waiting.pop(0))
    return [*deltas, *waiting], parts


WORDS: dict[str, tuple[str, type[TextPart | ReasoningPart | RefusalPart]]] = {
    "text": ("content", TextPart),
    "reasoning": ("reasoning_content", ReasoningPart),
    "refusal": ("refusal", RefusalPart),
}


def call_delta(index: int, **fields: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **fields}]}


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(data=st.data())
def test_chat_completions_bring_the_parts_that_were_sent(data: st.DataObject) -> None:
    deltas, parts = data.draw(chat_events())
    chunks = [{"model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    assert list(parts_of_body(data.draw, body_of(chunks, "data: [DONE]\n\n"), "chat")) == parts
