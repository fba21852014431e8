"""What changed between two answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.result import StreamResult
from nbstream.testing import chat_body

if TYPE_CHECKING:
    import pathlib

    from nbstream.testing import FaultServer


def test_two_runs_of_a_question(loopback: FaultServer, tmp_path: pathlib.Path) -> None:
    loopback.send(chat_body("A red cat."))
    first = nbs.stream("Name one cat", model="m", base_url=loopback.base_url, display=False)
    loopback.send(chat_body("A blue cat <b>."))
    file = tmp_path / "two.jsonl"
    nbs.stream("Name a cat", model="m", temperature=0.5, base_url=loopback.base_url, display=False, record=file)
    found = nbs.diff(first, file)
    assert repr(found) == (
        "Prompt:\nName [-one-]{+a+} cat\n\n"
        "Parameters:\ntemperature: nothing, now 0.5\n\n"
        "Answer:\nA [-red-]{+blue+} cat{+ <b>+}."
    )
    assert "<del>red</del><ins>blue</ins>" in found._repr_html_()
    assert "<ins> &lt;b&gt;</ins>" in found._repr_html_()
    assert nbs.diff(first, first).same
    assert repr(nbs.diff(file, file)) == "nothing changed"


def test_an_answer_alone_can_be_compared() -> None:
    assert repr(nbs.diff(StreamResult("one two"), StreamResult("one three"))) == "Answer:\none [-two-]{+three+}"
    long = "word " * 30_000
    assert len(repr(nbs.diff(StreamResult(long), StreamResult(long + "end")))) < 400_000


@pytest.mark.parametrize(
    ("given", "words"), [(3, "not int"), ("nowhere.jsonl", "cannot be read"), (__file__, "is not a")]
)
def test_what_cannot_be_compared_is_told(given: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        nbs.diff(given, given)  # type: ignore[arg-type]
