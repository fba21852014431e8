"""`<think>` tags: what is thought and what is said, wherever the text is cut, and what it costs to find out."""

import random

import pytest

from nbstream.assembly.answer import Answer
from nbstream.assembly.thinking import LOOKS, WHITE_SPACE, ThinkingTags, Where
from nbstream.events import TextDelta

OPEN, CLOSE = "<think>", "</think>"


class Reader:
    """Keeps text and reasoning as an answer does, and counts how often the text so far is asked for."""

    def __init__(self, *, reasoning_apart=False):
        self.text = self.reasoning = ""
        self.looks = 0
        self.tags = ThinkingTags(self._text_before)
        if reasoning_apart:
            self.tags.may_close_unopened = False

    def _text_before(self):
        self.looks += 1
        return self.text

    def take(self, parts):
        for where, text in parts:
            if where is Where.TEXT:
                self.text += text
            elif where is Where.REASONING:
                self.reasoning += text
            else:
                self.reasoning += self.text[len("analysis") if where is Where.CHANNEL else 0 :] + text
                self.text = ""

    def read(self, pieces):
        for piece in pieces:
            self.take(self.tags.split(piece))
        self.take(self.tags.close())
        return self.text, self.reasoning


def cut_at_random(text, generator):
    cuts = sorted(generator.choices(range(len(text) + 1), k=generator.randint(1, 12)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def read_in_every_way(text, **options):
    """Text and reasoning, which must not depend on the cuts."""
    whole = Reader(**options).read([text])
    assert Reader(**options).read(text) == whole, "one character at a time"
    generator = random.Random(11)
    for _ in range(40):
        pieces = cut_at_random(text, generator)
        assert Reader(**options).read(pieces) == whole, pieces
    return whole


# --- which tags count -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("", "", "", id="nothing"),
        pytest.param("Yes", "Yes", "", id="no tag"),
        pytest.param("<think>Hm.</think>Yes", "Yes", "Hm.", id="one round"),
        pytest.param("<think></think>Yes", "Yes", "", id="an empty one"),
        pytest.param("<think>Hm.</think>", "", "Hm.", id="nothing said"),
        pytest.param("<think>Hm.", "", "Hm.", id="never closed"),
        pytest.param("<think>Hm.</think>Yes</think>No", "Yes</think>No", "Hm.", id="closed twice"),
        pytest.param("<think>a<think>b</think>c</think>d", "c</think>d", "a<think>b", id="opened twice"),
        pytest.param("Yes <think>Hm.</think>", "Yes <think>Hm.</think>", "", id="opened in the middle"),
        pytest.param("Yes\n<think>Hm.</think>", "Yes\n<think>Hm.</think>", "", id="opened late, on a line of its own"),
        pytest.param("<THINK>Hm.</THINK>", "<THINK>Hm.</THINK>", "", id="capitals are another tag"),
        pytest.param("<thinker>Hm.</thinker>Yes", "<thinker>Hm.</thinker>Yes", "", id="a longer name"),
        pytest.param("<think >Hm.", "<think >Hm.", "", id="a space in it"),
        pytest.param("<<think>Hm.", "<<think>Hm.", "", id="a sign before it"),
        pytest.param("< think>", "< think>", "", id="a space after the sign"),
        pytest.param("<think><</think>Yes", "Yes", "<", id="a sign is thought"),
        pytest.param("<think></thin</think>Yes", "Yes", "</thin", id="a beginning of a tag is thought"),
        pytest.param("<think>2 < 3 </ 4</think>2 < 3", "2 < 3", "2 < 3 </ 4", id="signs that begin no tag"),
    ],
)
def test_tags_where_models_write_them(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
    ],
)
def test_other_models_write_other_tags(opening, closing):
    assert read_in_every_way(f"\n{opening}\nHm. [a] <b> ◁{closing}\n\nYes") == ("Yes", "Hm. [a] <b> ◁")
    assert read_in_every_way(f"{opening}a</think>b{closing}1\n{opening}c{closing}2") == ("1\n2", "a</think>bc")
    assert read_in_every_way(f"{opening}Hm") == ("", "Hm")
    for text in (f"Yes {opening}Hm.{closing}", f"`{opening}`", f"Hm.{closing}Yes", opening[:-1], f"Hm.\n{opening}"):
        assert read_in_every_way(text) == (text, "")
    mixed = f"<think>Hm.</think>{opening}Well."
    assert read_in_every_way(mixed) == (f"{opening}Well.", "Hm."), "an answer keeps to its own tags"


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("Hm.</think>Yes", "Yes", "Hm.", id="once"),
        pytest.param("</think>Yes", "Yes", "", id="at the very beginning"),
        pytest.param("Hm.\nWell.\n</think>\n\nYes", "Yes", "Hm.\nWell.\n", id="over several lines"),
        pytest.param("Hm.</think>Yes</think>No", "Yes</think>No", "Hm.", id="only the first one"),
        pytest.param("Hm.</think><think>Well.</think>Yes", "Yes", "Hm.Well.", id="then a round with both tags"),
        pytest.param("Hm.</think>Yes.\n<think>Well.</think>No.", "Yes.\nNo.", "Hm.Well.", id="and a later one"),
        pytest.param("Use <think> and </think>.", "Use <think> and </think>.", "", id="an answer about the tags"),
        pytest.param(
            "`<think>` is closed by </think>.", "`<think>` is closed by </think>.", "", id="one in code before"
        ),
    ],
)
def test_a_closing_tag_that_was_never_opened(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("A </think> closes.", "A </think> closes.", "", id="a lone closing tag is text"),
        pytest.param("<think>Hm.</think>Yes", "Yes", "Hm.", id="both tags count all the same"),
    ],
)
def test_where_reasoning_comes_apart_from_the_text(wire, text, reasoning):
    assert read_in_every_way(wire, reasoning_apart=True) == (text, reasoning)


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("<think>a</think>1\n<think>b</think>2", "1\n2", "ab", id="two"),
        pytest.param("<think>a</think><think>b</think><think>c</think>", "", "abc", id="at once"),
        pytest.param("<think>a</think>1\n\t <think>b</think>2", "1\n\t 2", "ab", id="indented"),
        pytest.param("<think>a</think>1 <think>b</think>2", "1 <think>b</think>2", "a", id="within a line"),
        pytest.param("<think>a</think>1\n<think>b", "1\n", "ab", id="the last one never closed"),
        pytest.param("<think>a</think>1\n</think>2", "1\n</think>2", "a", id="closed again without an opening one"),
        pytest.param(
            "".join(f"<think>t{i} </think>a{i}\n" for i in range(LOOKS + 1)),
            "".join(f"a{i}\n" for i in range(LOOKS + 1)),
            "".join(f"t{i} " for i in range(LOOKS + 1)),
            id="as many as are looked for",
        ),
    ],
)
def test_several_rounds(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


# --- channels ---------------------------------------------------------------------------------------------------------

ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
START = "<|start|>assistant"


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param(f"{ANALYSIS}Hm.<|end|>{START}{FINAL}Yes<|return|>", "Yes", "Hm.", id="both"),
        pytest.param(f"{START}{ANALYSIS}Hm.<|end|>{START}{FINAL}Yes", "Yes", "Hm.", id="with its start"),
        pytest.param(f"{ANALYSIS}Hm.{START}{FINAL}Yes", "Yes", "Hm.", id="no end"),
        pytest.param(f"{ANALYSIS}Hm.<|end|>{FINAL}Yes", "Yes", "Hm.", id="no second start"),
        pytest.param(f"{FINAL}Yes", "Yes", "", id="nothing thought"),
        pytest.param(f"{ANALYSIS}Hm. 2 < 3 <|x", "", "Hm. 2 < 3 <|x", id="cut off while thinking"),
        pytest.param(f"{ANALYSIS}Hm.<|en", "", "Hm.<|en", id="cut off in a mark"),
        pytest.param(f"{ANALYSIS}Hm.<|end|>{START}<|chan", f"{START}<|chan", "Hm.", id="cut off in a header"),
        pytest.param(
            f"{ANALYSIS}A.<|end|>{START}<|channel|>commentary<|message|>I look.<|end|>{START}{ANALYSIS}B.<|end|>"
            f"{START}{FINAL}Yes",
            "I look.\n\nYes",
            "A.\n\nB.",
            id="several of each",
        ),
        pytest.param(
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}",
            "",
            id="a call is shown as it is",
        ),
        pytest.param(f"So: {ANALYSIS}Hm.", f"So: {ANALYSIS}Hm.", "", id="not at the beginning"),
        pytest.param("<|channel|>" + "x" * 300, "<|channel|>" + "x" * 300, "", id="no header"),
    ],
)
def test_channels(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("analysisWe greet.assistantfinalHello", "Hello", "We greet.", id="both"),
        pytest.param("analysisWe greet.assistantfinal", "", "We greet.", id="nothing said"),
        pytest.param("analysisA.assistantfinalB assistantfinal C", "B assistantfinal C", "A.", id="once"),
        pytest.param("analysisWe greet.assistantfin", "analysisWe greet.assistantfin", "", id="cut off in the word"),
        pytest.param("analysisResult is a name.", "analysisResult is a name.", "", id="a name"),
        pytest.param("analysis of assistantfinal", "analysis of assistantfinal", "", id="a word"),
        pytest.param("analysis", "analysis", "", id="nothing else"),
        pytest.param("anal", "anal", "", id="half the word"),
        pytest.param("So: analysisWe.assistantfinalX", "So: analysisWe.assistantfinalX", "", id="not at the beginning"),
        pytest.param("Analysis: A.assistantfinalB", "Analysis: A.assistantfinalB", "", id="a heading"),
        pytest.param(" analysisA.assistantfinalB", " analysisA.assistantfinalB", "", id="after a space"),
    ],
)
def test_channels_without_marks(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


@pytest.mark.parametrize(
    "pieces", [["analysisWe greet.assistantfinalHello"], [*"analysisWe greet.assistantfinalHello"]]
)
def test_an_answer_with_channels_without_marks(pieces):
    answer = Answer()
    for piece in pieces:
        answer.add_text(TextDelta(piece))
    answer.close()
    choice = answer.value(0)
    assert (choice.reasoning, choice.text, len(choice.parts)) == ("We greet.", "Hello", 2)


# --- code -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("Write `</think>` last.", id="in a span"),
        pytest.param("Write `<think>Hm.</think>` so.", id="both in a span"),
        pytest.param("`</think>", id="in a span that is still open"),
        pytest.param("```\n</think>\n```\n", id="in a fence"),
        pytest.param("So:\n~~~xml\n</think>\n~~~\n", id="in a fence of tildes"),
        pytest.param("So:\n  ```\n  </think>\n  ```\n", id="in an indented fence"),
        pytest.param("```\n<think>\nHm.\n</think>\n", id="in a fence that is still open"),
        pytest.param("```a\n```\n```b\n</think>\n```\n", id="in the second fence"),
    ],
)
def test_a_tag_in_code_is_text(wire):
    assert read_in_every_way(wire) == (wire, "")


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("`code`\nHm.</think>Yes", "Yes", "`code`\nHm.", id="after a span"),
        pytest.param("```\ncode\n```\nHm.</think>Yes", "Yes", "```\ncode\n```\nHm.", id="after a fence"),
        pytest.param("an open ` on a line\nHm.</think>Yes", "Yes", "an open ` on a line\nHm.", id="after a stray one"),
        pytest.param("<think>`</think>Yes", "Yes", "`", id="a thought is not looked into"),
        pytest.param("<think>\n```\n</think>Yes", "Yes", "```\n", id="nor the fences in it"),
        pytest.param("<think>a</think>```\n<think>\n```\n", "```\n<think>\n```\n", "a", id="a later round in a fence"),
        pytest.param("<think>a</think>`1`\n<think>b</think>", "`1`\n", "ab", id="a later round after a span"),
        pytest.param("<think>a</think>`\n<think>b</think>", "`\n", "ab", id="a later round after a stray one"),
    ],
)
def test_a_tag_after_code_counts(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


# --- white space ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"),
    [
        pytest.param("\n <think>Hm.</think>Yes", "Yes", "Hm.", id="before the first tag"),
        pytest.param("<think>\n\n Hm.</think>Yes", "Yes", "Hm.", id="after an opening tag"),
        pytest.param("<think>Hm.\n</think>Yes", "Yes", "Hm.\n", id="before a closing tag it is thought"),
        pytest.param("<think>Hm.</think>\n\n Yes\n", "Yes\n", "Hm.", id="after a closing tag"),
        pytest.param("<think> \n </think> \n ", "", "", id="nothing else"),
        pytest.param("<think>Hm.</think>\n\n", "", "Hm.", id="at the end"),
        pytest.param("<think>Hm.</think>\n\n<", "<", "Hm.", id="before what may be a tag at the end"),
        pytest.param(" \n Yes ", " \n Yes ", "", id="without a tag it is text"),
        pytest.param(" \n ", " \n ", "", id="and if nothing else comes"),
        pytest.param(" <thi", " <thi", "", id="and before what may be a tag at the end"),
        pytest.param(" " * WHITE_SPACE + "<think>Hm.</think>Yes", "Yes", "Hm.", id="as much as is borne"),
        pytest.param("</think>" + " " * 1000 + "Yes", "Yes", "", id="any amount after a tag"),
        pytest.param(
            " " * (WHITE_SPACE + 1) + "<think>Hm.</think>Yes",
            " " * (WHITE_SPACE + 1) + "<think>Hm.</think>Yes",
            "",
            id="more than is borne",
        ),
    ],
)
def test_white_space_next_to_a_tag(wire, text, reasoning):
    assert read_in_every_way(wire) == (text, reasoning)


# --- what is held back ------------------------------------------------------------------------------------------------


def parts_of(reader, piece):
    before = (reader.text, reader.reasoning)
    reader.take(reader.tags.split(piece))
    return reader.text.removeprefix(before[0]), reader.reasoning.removeprefix(before[1])


@pytest.mark.parametrize("end", [CLOSE[:length] for length in range(1, len(CLOSE))])
def test_at_most_the_beginning_of_a_tag_is_held_back(end):
    thinking, saying = Reader(), Reader()
    thinking.take(thinking.tags.split(OPEN))
    assert parts_of(thinking, "Hm" + end) == ("", "Hm")
    assert parts_of(saying, "Yes" + end) == ("Yes", "")
    assert parts_of(thinking, "?") == ("", end + "?")
    assert parts_of(saying, "?") == (end + "?", "")


@pytest.mark.parametrize("end", ["<x", "</b", "<think!", "</think ", "< ", "think>", "/"])
def test_what_cannot_become_a_tag_is_not_held_back(end):
    reader = Reader()
    assert parts_of(reader, "Yes") == ("Yes", "")
    assert parts_of(reader, end) == (end, "")


def test_white_space_at_the_beginning_is_held_back_until_it_is_clear_what_follows():
    reader = Reader()
    assert parts_of(reader, " \n") == ("", "")
    assert parts_of(reader, "<") == ("", "")
    assert parts_of(reader, "b>") == (" \n<b>", "")


@pytest.mark.parametrize(
    ("wire", "text", "reasoning"), [("<think", "<think", ""), ("<think>Hm</think", "", "Hm</think"), ("a<", "a<", "")]
)
def test_what_was_held_back_comes_out_at_the_end(wire, text, reasoning):
    reader = Reader()
    assert reader.read([wire]) == (text, reasoning)
    assert reader.tags.close() == []


def test_text_without_signs_goes_through_piece_by_piece():
    reader = Reader()
    pieces = ["Yes, ", "said ", "the 🦓."]
    assert [reader.tags.split(piece) for piece in pieces] == [[(Where.TEXT, piece)] for piece in pieces]
    assert reader.looks == 0


# --- what it costs ----------------------------------------------------------------------------------------------------

MANY = 5000


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("Yes " + OPEN * MANY, id="opening tags"),
        pytest.param("Yes " + OPEN + CLOSE * MANY, id="closing tags"),
        pytest.param("`" + CLOSE * MANY, id="closing tags in code"),
        pytest.param("<think>a</think>" + f"b {OPEN} {CLOSE}\n" * MANY, id="both, within lines"),
        pytest.param("Yes " + "<" * MANY, id="signs"),
        pytest.param("Yes " + "</think" * MANY, id="tags without their ends"),
        pytest.param(f"{OPEN}a{CLOSE}b\n" * MANY, id="rounds"),
        pytest.param(OPEN + "<" * MANY, id="signs in a thought"),
    ],
)
@pytest.mark.parametrize("cut", ["whole", "by character"])
def test_the_text_so_far_is_read_only_so_often(wire, cut):
    reader = Reader()
    text, reasoning = reader.read([wire] if cut == "whole" else wire)
    assert reader.looks <= LOOKS
    tags = len(OPEN + CLOSE) * MANY
    assert len(wire) - tags <= len(text) + len(reasoning) <= len(wire)


def test_a_text_full_of_signs_is_not_cut_into_as_many_parts():
    reader = Reader()
    reader.tags.split("Yes ")
    assert len(reader.tags.split("< a" * MANY)) == 1
    assert len(reader.tags.split("<think>" * MANY)) == 1


def test_any_text_is_the_same_however_it_is_cut():
    generator = random.Random(7)
    words = [OPEN, CLOSE, OPEN, CLOSE, "<", "</", "think>", "`", "```\n", "\n", " ", "a", "Yes.", "é🦓", "<b>"]
    for _ in range(400):
        wire = "".join(generator.choices(words, k=generator.randint(1, 14)))
        text, reasoning = read_in_every_way(wire)
        assert "".join((text + reasoning).split()).count("é") == wire.count("é"), wire
