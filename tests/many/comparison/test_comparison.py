"""A comparison as a value, and as a document: order, names, the choice, and what is told before it."""

import json

import pytest

from nbstream.errors import RateLimitError, UsageError
from nbstream.many.comparison.comparison import Comparison
from nbstream.many.comparison.document import Section, growing_document, partial_document
from nbstream.result import StreamResult, StreamState, Timing, Usage

DONE, HALF = StreamState.COMPLETED, StreamState.STREAMING
SPEED = Timing(ttft=0.42, total=9.0, tokens_per_second=141.3)


def answer(text, model="gpt-5-mini", cost=0.012, **more):
    return StreamResult(text, DONE, "stop", Usage(9, 1200, 1209), model, "req-1", timing=SPEED, cost=cost, **more)


def failed(model="gpt-5"):
    error = RateLimitError("api.example answered 429 for gpt-5: slow down")
    return StreamResult("", StreamState.FAILED, model=model, error=error)


@pytest.fixture
def two():
    return Comparison([("gpt-5-mini", answer("One *two* three")), ("gpt-5", failed())])


def test_answers_are_found_by_place_and_by_name(two):
    first, second = two
    assert two[0] is two["gpt-5-mini"] is first
    assert two[-1] is two["gpt-5"] is second
    assert two[:1] == (first,)
    assert ("gpt-5" in two, "gpt-4" in two, first in two, len(two)) == (True, False, True, 2)
    assert dict(two.items()) == {"gpt-5-mini": first, "gpt-5": second}
    assert two.texts == {"gpt-5-mini": "One *two* three"}
    assert list(two.usages) == ["gpt-5-mini"]
    with pytest.raises(KeyError, match=r"there is no answer called gpt-5-min; did you mean gpt-5-mini\?"):
        two["gpt-5-min"]
    assert repr(two) == "<Comparison gpt-5-mini completed, gpt-5 failed>"


def test_the_document_has_a_table_and_a_section_an_answer(two):
    data, metadata = two.bundle()
    assert data["text/markdown"] == (
        "| model | state | first token | tokens/s | tokens | cost |\n"
        "| --- | --- | --: | --: | --: | --: |\n"
        "| gpt\\-5\\-mini | complete | 0.42 s | 141 | 1,200 | \\$0.012 |\n"
        "| gpt\\-5 | rate limited | — | — | — | — |\n\n"
        "### gpt\\-5\\-mini\n\nOne *two* three\n\n"
        "### gpt\\-5\n\n> **Rate limited.** api\\.example answered 429 for gpt\\-5: slow down\n"
    )
    assert "gpt-5 rate limited" in " ".join(data["text/plain"].split())
    assert [each["name"] for each in metadata["nbstream"]["comparison"]] == ["gpt-5-mini", "gpt-5"]
    assert metadata["nbstream"]["comparison"][0]["ttft"] == 0.42
    assert json.dumps(metadata)


def test_names_and_answers_are_inert():
    names = "<script>|a", "`b`[c](javascript:d)\n# e"
    shown = Comparison(zip(names, [answer("# Title\n<script>x</script>"), answer("|")], strict=True)).bundle()[0]
    assert shown["text/markdown"].count("<script") == shown["text/markdown"].count("\\<script") == 2
    assert "\\<script\\>\\|a" in shown["text/markdown"]
    assert "#### Title" in shown["text/markdown"]
    assert "\n# e" not in shown["text/markdown"]


def test_differences_are_words_that_do_nothing():
    differences = Comparison(
        [("a", answer("The <b>quick</b> fox\n# runs")), ("b", answer("The <b>slow</b> fox\n# walks"))], differences=True
    ).bundle()[0]
    written = differences["text/markdown"].partition("### Differences\n\n")[2]
    assert "<del>quick</del><ins>slow</ins>" in written
    assert "<del>runs</del><ins>walks</ins>" in written
    assert "\\<b\\>" in written
    assert "[-quick-]{+slow+}" in differences["text/plain"]


def test_answers_without_differences_are_said_to_be_the_same():
    same = Comparison([("a", answer("Yes.")), ("b", answer("Yes."))], differences=True).bundle()[0]
    assert same["text/markdown"].endswith("### Differences\n\nBoth say the same, word for word.\n")


# --- blind ------------------------------------------------------------------------------------------------------------

TELLING = ("gpt-5-mini", "gpt-5", "gpt\\-5", "req-1", "0.42", "141", "1,200", "0.012", "api.example", "rate")


@pytest.fixture
def blind():
    return Comparison([("gpt-5-mini", answer("One")), ("gpt-5", failed())], blind=True)


def test_nothing_tells_the_names_before_the_choice(blind):
    shown = json.dumps(blind.bundle()) + blind.told() + repr(blind) + str(blind.names) + str(blind.items()[0][0])
    assert [each for each in TELLING if each in shown.lower()] == []
    assert blind.names == ("A", "B")
    assert blind["A"].text == "One"
    with pytest.raises(KeyError, match="there is no answer called gpt-5; the names are hidden until one is chosen"):
        blind["gpt-5"]
    for section in blind.sections():
        assert section.result.model is None
        assert section.result.timing == Timing()


def test_the_choice_tells_the_names_once(blind):
    heard = []
    blind.when_chosen(lambda chosen: heard.append(chosen.choice))
    assert not blind.choice
    assert blind.choose("A") is blind[0] is blind.chosen
    assert (blind.choice, blind.names, heard) == ("gpt-5-mini", ("gpt-5-mini", "gpt-5"), ["gpt-5-mini"])
    assert blind["A"] is blind["gpt-5-mini"]
    data, metadata = blind.bundle()
    assert "A: gpt\\-5\\-mini \\(chosen\\) | complete | 0.42 s" in data["text/markdown"]
    assert metadata["nbstream"]["choice"] == "A: gpt-5-mini"
    with pytest.raises(UsageError, match=r"A \(gpt-5-mini\) was chosen already"):
        blind.choose("B")
    assert heard == ["gpt-5-mini"]


@pytest.mark.parametrize("name", ["C", 2, -1, True, "gpt-5", None])
def test_what_is_no_answer_cannot_be_chosen(blind, name):
    with pytest.raises(UsageError):
        blind.choose(name)
    assert blind.blind


def test_an_open_comparison_may_be_chosen_from_again(two):
    two.choose(1)
    two.choose("gpt-5-mini")
    assert two.choice == "gpt-5-mini"


# --- meanwhile --------------------------------------------------------------------------------------------------------


def test_what_has_arrived_can_be_shown_and_saved_meanwhile():
    sections = [Section("a", answer("Done")), Section("b", StreamResult("Ha", HALF)), Section("c", StreamResult())]
    growing = growing_document(sections)
    assert growing["text/markdown"] == "### a\n\nDone\n\n### b\n\nHa\n\n### c\n\n*pending …*"
    assert growing["text/plain"] == "a\nDone\n\nb\nHa\n\nc\npending"
    saved = partial_document(sections)
    assert saved.count("**Partial.**") == 2
    assert saved.startswith("### a\n\nDone\n\n### b\n\nHa\n\n> **Partial.**")
