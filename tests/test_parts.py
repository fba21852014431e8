"""Parts of an answer and the results that hold them, as values: compared, hashed, copied, pickled, summed up."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.parts import (
    ActivityPart,
    Citation,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    joined,
    parts_of,
    summary_of,
)
from nbstream.result import Choice, StreamResult, StreamState, StreamWarning, Timing, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.result import Part

PARTS: tuple[Part, ...] = (
    TextPart("Let me look.", "m1", 0, (Citation({"type": "url_citation", "url": "https://a.example/"}, 0, 3),)),
    ToolCallPart("c1", "find", '{"q":1}', 1, "f1"),
    ToolCallPart("c0", "shell", "ls", 0, "x1", custom=True),
    ReasoningPart("Hm.", "r1", 0),
    ReasoningPart("So.", "r1", 1, new_paragraph=True),
    ActivityPart("web_search_call", "completed", "q", {"type": "web_search_call", "action": {"query": "q"}}, "w1"),
    MediaPart("image", b"\x89PNG secret pixels", "image/png", None, "g1"),
    RefusalPart("No.", "m2", 1),
    TextPart("Done.", "m2", 0, new_paragraph=True, open=True),
)

# A result with every field, pickled when the views of the parts were fields of their own, given by position.
OLD_PICKLE = base64.b64decode(
    "gASVogEAAAAAAACMD25ic3RyZWFtLnJlc3VsdJSMDFN0cmVhbVJlc3VsdJSTlCmBlF2UKIwCSGmUaACMC1N0cmVhbVN0YXRllJOUjAljb21wbGV0"
    "ZWSUhZRSlIwKdG9vbF9jYWxsc5RoAIwFVXNhZ2WUk5QpgZRdlChLAUsCSwNOTmVijAFtlIwBcZSMAXKUjAJIbZSMAk5vlGgAjAhUb29sQ2FsbJST"
    "lCmBlF2UKIwBY5SMAWaUjAJ7fZRlYoWUaACMBkNob2ljZZSTlCmBlF2UKEsAaAWMBHN0b3CUjACUaCIpZWJoHimBlF2UKEsBjAJIb5RoIWgTaBRo"
    "FimBlF2UKGgZaBpoG2VihZRlYoaUaACMDVN0cmVhbVdhcm5pbmeUk5QpgZRdlCiMCGJ1ZmZlcmVklIwEc2xvd5RlYoWUfZSMBHR5cGWUjAx1cmxf"
    "Y2l0YXRpb26Uc4WUfZSMBXRva2VulGgFc4WUTksCfZSMAXiUSwFzTmgAjAZUaW1pbmeUk5QpgZRdlChHP+AAAAAAAABHP/AAAAAAAABOZWJHP9AA"
    "AAAAAABOZWIu"
)


def test_views_of_interleaved_parts() -> None:
    result = StreamResult(parts=PARTS)
    assert result.text == "Let me look.\n\nDone."
    assert result.reasoning == "Hm.\n\nSo."
    assert result.refusal == "No."
    assert result.tool_calls == (ToolCall("c0", "shell", "ls"), ToolCall("c1", "find", '{"q":1}'))
    assert result.annotations == ({"type": "url_citation", "url": "https://a.example/"},)
    assert (result.body, StreamResult(parts=PARTS[-2:-1]).body) == (result.text, "No.")


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((), ""),
        ((TextPart("a", new_paragraph=True),), "a"),
        ((TextPart(""), TextPart("a", new_paragraph=True)), "a"),
        ((TextPart("a"), TextPart("", new_paragraph=True)), "a"),
        ((TextPart("a"), TextPart("b"), ReasoningPart("r"), TextPart("c", new_paragraph=True)), "ab\n\nc"),
    ],
)
def test_blank_lines_stand_between_texts_only(parts: tuple[Part, ...], text: str) -> None:
    assert joined(parts, TextPart) == text


def test_one_text_is_not_copied_when_it_is_read() -> None:
    text = "x" * 10_000
    assert joined((ReasoningPart("r"), TextPart(text)), TextPart) is text


def test_parts_made_of_the_views() -> None:
    call = ToolCall("c", "f", "{}")
    made = parts_of("Hi", reasoning="Hm", refusal="No", tool_calls=[call, call])
    assert made == (
        ReasoningPart("Hm"),
        TextPart("Hi"),
        RefusalPart("No"),
        ToolCallPart("c", "f", "{}", 0),
        ToolCallPart("c", "f", "{}", 1),
    )
    assert parts_of() == ()
    assert StreamResult("Hi", reasoning="Hm", refusal="No", tool_calls=(call, call)).parts == made
    assert Choice(0, "Hi", None, "Hm", "No", (call, call)).parts == made


def test_citations_given_beside_a_text_belong_to_it() -> None:
    cited = (Citation({"type": "a"}), Citation({"type": "b"}))
    given: dict[str, Any] = {"annotations": ({"type": "a"}, {"type": "b"})}
    assert StreamResult("Hi", **given).parts == (TextPart("Hi", citations=cited),)
    assert StreamResult(**given).parts == (TextPart("", citations=cited),)
    assert (StreamResult(**given).text, StreamResult(**given).annotations) == ("", given["annotations"])


@pytest.mark.parametrize(
    "views",
    [
        {"text": "y"},
        {"reasoning": "x"},
        {"refusal": "x"},
        {"tool_calls": (ToolCall(None, "f", ""),)},
        {"annotations": ({},)},
    ],
    ids=str,
)
def test_parts_and_views_are_not_given_together(views: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="either as parts or as text"):
        StreamResult(parts=PARTS, **views)
    with pytest.raises(TypeError, match="either as parts or as text"):
        dataclasses.replace(StreamResult("x"), **views)


def test_another_state_of_the_same_parts() -> None:
    result = dataclasses.replace(StreamResult(parts=PARTS), state=StreamState.FAILED)
    assert (result.parts, result.state) == (PARTS, StreamState.FAILED)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.type)
def test_parts_are_values(part: Part) -> None:
    same = copy.deepcopy(part)
    assert same == part
    assert hash(same) == hash(part)
    assert dataclasses.replace(part, open=not part.open) != part
    assert dataclasses.replace(part, item_id="another") != part
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.open = True  # type: ignore[misc]


def test_parts_of_two_kinds_are_never_equal() -> None:
    kinds = {TextPart("x"), ReasoningPart("x"), RefusalPart("x")}
    assert len(kinds) == 3


def test_bytes_and_results_of_tools_are_not_in_what_is_shown() -> None:
    shown = repr(PARTS) + repr(StreamResult(parts=PARTS))
    assert "pixels" not in shown
    assert "action" not in shown


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_and_pickles(again: Callable[[Any], Any]) -> None:
    choice = Choice(1, finish_reason="stop", parts=PARTS)
    result = StreamResult(
        parts=PARTS, state=StreamState.COMPLETED, usage=Usage(1, 2, 3), choices=(choice,), timing=Timing(0.5, 1.0)
    )
    for value in (*PARTS, choice, result):
        assert again(value) == value
        assert repr(again(value)) == repr(value)


def test_pickles_of_before_still_load() -> None:
    call = ToolCall("c", "f", "{}")
    assert pickle.loads(OLD_PICKLE) == StreamResult(
        "Hi",
        StreamState.COMPLETED,
        "tool_calls",
        Usage(1, 2, 3),
        *("m", "q", "r"),
        *("Hm", "No", (call,)),
        (Choice(0, "Hi", "stop"), Choice(1, "Ho", "stop", "Hm", "No", (call,))),
        (StreamWarning("buffered", "slow"),),
        annotations=({"type": "url_citation"},),
        logprobs=({"token": "Hi"},),
        attempts=2,
        parsed={"x": 1},
        timing=Timing(0.5, 1.0),
        cost=0.25,
    )


def test_a_summary_says_what_there_is_and_nothing_of_what_it_says() -> None:
    summaries = [summary_of(part) for part in PARTS]
    assert summaries == StreamResult(parts=PARTS).metadata()["parts"]
    assert summaries == json.loads(json.dumps(summaries))
    assert summaries[1:3] == [{"type": "tool_call", "name": "find"}, {"type": "tool_call", "name": "shell"}]
    assert summaries[5:] == [
        {"type": "activity", "kind": "web_search_call", "status": "completed"},
        {"type": "media", "kind": "image", "media_type": "image/png", "bytes": 18},
        {"type": "refusal", "characters": 3},
        {"type": "text", "characters": 5},
    ]


@pytest.mark.parametrize(
    ("annotation", "url", "title"),
    [
        ({"type": "url_citation", "url": "u", "title": "t"}, "u", "t"),
        ({"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}, "u", "t"),
        ({"type": "file_citation", "filename": "a.txt"}, None, "a.txt"),
        ({"type": ["url"], "url": 3, "title": {}}, None, None),
        ("https://a.example/", None, None),
        (None, None, None),
    ],
)
def test_what_a_citation_names(annotation: Any, url: str | None, title: str | None) -> None:
    citation = Citation(annotation, 0, 1)
    assert (citation.url, citation.title) == (url, title)
    hash(citation)
