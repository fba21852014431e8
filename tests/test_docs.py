"""The documentation's pages that are written by hand, and those that are made of the README, say what is there."""

from __future__ import annotations

import doctest
import pathlib
import platform
import re
import runpy

import pytest

from nbstream import errors
from tests.docs_scripts import DOCS, docs_script

ROOT = pathlib.Path(__file__).parent.parent
ENDINGS = (DOCS / "pages" / "endings.md").read_text("utf-8")
KINDS = {made.kind for name in errors.__all__ if hasattr(made := getattr(errors, name), "kind")}
KINDS -= {"error", "size_limit", "time_limit"}  # of classes that only gather others


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_error_has_its_symptom(kind):
    assert f'"{kind}"' in ENDINGS


@pytest.mark.parametrize("word", ["Cut off", "Filtered", "Refused", "Stopped", "Empty", "Reason unknown"])
def test_marks_are_found_by_their_word(word):
    assert f"**{word}**" in ENDINGS


def test_every_link_of_the_readme_leads_to_a_page():
    pages = docs_script("readme").pages_of((ROOT / "README.md").read_text("utf-8"))
    paths = {page.path for page in pages}
    assert len(paths) == len(pages) > 15
    for page in pages:
        folder = pathlib.PurePosixPath(page.path).parent
        for link in re.findall(r"\]\((?!https?:)([\w./-]+\.md)\)", page.text):
            steps = list((folder / link).parts)
            while ".." in steps:
                at = steps.index("..")
                del steps[at - 1 : at + 1]
            assert "/".join(steps) in paths


def test_a_link_to_no_heading_is_refused():
    with pytest.raises(ValueError, match="#nowhere"):
        docs_script("readme").pages_of("# X\n\n[there](#nowhere)\n")


@pytest.mark.parametrize("name", ["readme", "tasks"])
def test_examples(name):
    result = doctest.testmod(docs_script(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_rooms_are_those_of_the_package():
    rooms = docs_script("rooms")
    found = {room.name for room in rooms.rooms_of(ROOT / "nbstream")}
    assert found == {"", *(path.parent.name for path in (ROOT / "nbstream").glob("*/__init__.py"))}
    assert rooms.drawn(rooms.rooms_of(ROOT / "nbstream")).count("<rect") == len(found)


def test_the_page_on_performance_is_made_of_what_the_benchmarks_write(tmp_path):
    bounds = runpy.run_path(str(ROOT / "tests" / "benchmarks" / "bounds.py"))  # with figures of its own
    bounds["hold"]("first token", 9.512, 40, "ms")
    bounds["hold"]("CPU | of the SDK", 0.1, 0.5)
    file = tmp_path / "figures.json"
    file.write_text(bounds["report"]("bash tests/run.sh --benchmarks --figures F"), "utf-8")
    page = docs_script("reference").performance(file)
    assert "```sh\nbash tests/run.sh --benchmarks --figures F\n```" in page
    assert f"python {platform.python_version()}, nbstream " in page
    assert "| first token | 9.51 ms | 40 ms |" in page
    assert r"| CPU \| of the SDK | 0.1 | 0.5 |" in page
