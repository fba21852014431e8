"""Random bodies that both wire formats allow, for property tests: any text, any cuts of it, any framing.

The text never holds a whole think tag, and the last piece never begins like the whole answer, because what these mean
is the package's decision and not the format's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

_FRAGMENTS = [
    "<",
    "<th",
    "<think",
    "</",
    "</thin",
    "<thinkin",
    "[THIN",
    "[DONE]",
    "data: ",
    "\n\n",
    "```",
    "\ud83d",
    "\ude00",
]
_HARD_CHARACTERS = "\0\b\r\n\t\x1b\x7f\x85\u2028\u2029\ufeff\u202e\u200d\u0301\ufffd😀👩🏽é日"
_TEXTS = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.text(st.characters(categories=["Cs"]), max_size=2),
        st.text(st.sampled_from(_HARD_CHARACTERS), max_size=4),
        st.sampled_from(_FRAGMENTS),
    ),
    max_size=12,
).map("".join)
_LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
_NOISE = st.sampled_from([": ping", ":", ": {", "id: 7", "id", "retry: 3", "x-trace: a:b", "extra:", "event: message"])
_KEEP_ALIVES = st.sampled_from([": ping", ":", "retry: 3000", "id: 1", "event: ping", ":é"])
_USAGE = st.tuples(st.integers(0, 10**9), st.integers(1, 10**9))
_REASONS = st.sampled_from(["stop", "length", "content_filter"])


@st.composite
def _pieces(draw: Callable[..., Any]) -> list[str]:
    """A text cut anywhere, also between the halves of a surrogate pair."""
    text = draw(_TEXTS.filter(lambda text: "<think>" not in text and "</think>" not in text))
    units = text.encode("utf-16-le", "surrogatepass")
    cuts = sorted(draw(st.lists(st.integers(0, len(units) // 2), max_size=8)))
    return [
        units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        for start, end in zip([0, *cuts], [*cuts, len(units) // 2], strict=True)
    ]


@st.composite
def _chat_payloads(draw: Callable[..., Any]) -> list[dict[str, Any]]:
    pieces, extras = draw(_pieces()), draw(st.fixed_dictionaries({}, optional={"created": st.integers(), "x": _TEXTS}))

    def chunk(delta: Any, reason: str | None = None, index: int = 0) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **extras}

    reason = draw(_REASONS)
    together = draw(st.booleans()) and not (pieces[-1] and pieces[-1].startswith("".join(pieces[:-1])))
    openings = [[], [chunk({"role": "assistant", "content": ""})], [chunk({"content": None})]]
    payloads: list[dict[str, Any]] = [*draw(st.sampled_from(openings))]
    begun = next((number for number, piece in enumerate(pieces, len(payloads) + 1) if piece), None)
    payloads += [chunk({"content": piece}) for piece in (pieces[:-1] if together else pieces)]
    payloads += [chunk({"content": pieces[-1]} if together else {}, reason)]
    for _ in range(draw(st.integers(0, 2))):  # a second answer in between, once the first has begun
        place = draw(st.integers(len(payloads) if begun is None else begun, len(payloads)))
        payloads.insert(place, chunk({"content": draw(_TEXTS)}, draw(st.sampled_from([None, "stop"])), index=1))
    usage = draw(st.none() | _USAGE)
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        payloads.append({"id": "c", "model": "m", "choices": [], "usage": counts})
        if draw(st.booleans()):  # also on every chunk, as far as it has come
            for number, payload in enumerate(payloads[:-1]):
                payload["usage"] = draw(st.sampled_from([None, {**counts, "completion_tokens": number}]))
    return payloads


@st.composite
def _responses_payloads(draw: Callable[..., Any]) -> list[dict[str, Any]]:
    pieces, reason, usage = draw(_pieces()), draw(_REASONS), draw(st.none() | _USAGE)
    place = {"item_id": "msg_1", "output_index": draw(st.integers(0, 3)), "content_index": 0}
    part = {"type": "output_text", "text": "".join(pieces), "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": [part]}
    status = "completed" if reason == "stop" else "incomplete"
    details = {"length": "max_output_tokens", "content_filter": "content_filter"}
    response = {
        "id": "resp_1",
        "model": "m",
        "status": status,
        "output": draw(st.sampled_from([[], [item]])),
        "incomplete_details": None if reason == "stop" else {"reason": details[reason]},
        "usage": usage and {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)},
    }
    opening = [
        {"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": place["output_index"], "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
    ]
    closing = [
        {"type": "response.output_text.done", **place, "text": part["text"]},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": place["output_index"], "item": item},
    ]
    payloads = [each for each in opening if draw(st.booleans())]
    payloads += [{"type": "response.output_text.delta", **place, "delta": piece} for piece in pieces]
    payloads += [each for each in closing if draw(st.booleans())]
    payloads.append({"type": f"response.{status}", "response": response})
    return [{**payload, "sequence_number": number} for number, payload in enumerate(payloads)]


@st.composite
def legal_body(draw: Callable[..., Any], api: str) -> bytes:
    """A whole body of one API: its JSON over one or several data lines, among lines that say nothing."""
    blocks: list[list[str]] = []
    for payload in draw(_chat_payloads() if api == "chat" else _responses_payloads()):
        blocks += [[draw(_KEEP_ALIVES)] for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2])))]
        lone = any("\ud800" <= character <= "\udfff" for character in json.dumps(payload, ensure_ascii=False))
        indent = draw(st.sampled_from([None, None, 0, 1]))
        source = json.dumps(payload, ensure_ascii=lone or draw(st.booleans()), indent=indent)
        colon = draw(st.sampled_from(["data: ", "data:"]))
        block = [colon + line for line in source.split("\n")]
        for noise in draw(st.lists(_NOISE, max_size=2)):
            block.insert(draw(st.integers(0, len(block))), noise)
        if "type" in payload and draw(st.booleans()):
            block = [f"event: {payload['type']}", *(line for line in block if line != "event: message")]
        blocks.append(block)
    blocks += [["data: [DONE]"]] if api == "chat" or draw(st.booleans()) else []
    usual, mixed = draw(_LINE_ENDS), draw(st.booleans())
    body: str = draw(st.sampled_from(["", "\ufeff", "\n"]))
    for line in (line for block in blocks for line in [*block, ""]):
        end = draw(_LINE_ENDS) if mixed else usual
        if not line and body.endswith("\r") and end == "\n":
            end = "\r"  # after a CR, an LF would not be a line of its own
        body += line + end
    return body.encode()
