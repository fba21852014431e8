"""Whatever the text, twice as much of it takes about twice the steps: nothing that a model writes can stop a notebook.

Steps are counted, not timed, so that the result is the same on every machine; `tests.markdown.measure` shows times.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest

from tests.counting.patterns import Matcher
from tests.markdown.families import FAMILIES
from tests.markdown.measure import ways_of

ROOT = pathlib.Path(__file__).parents[2]
NOT_LINEAR_YET = pathlib.Path(__file__).parent / "not_linear_yet.txt"
"""Which families still take too many steps, one `way: family` per line. Names only ever leave it."""

PARTS = 8


def counted(*arguments):
    """Count in another process, because the modules have to be loaded in another way there."""
    command = [sys.executable, "-m", "tests.markdown.count_steps", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_twice_the_text_takes_about_twice_the_steps(part):
    chosen = {each.name for each in FAMILIES[part - 1 :: PARTS]}
    known = {
        line for line in NOT_LINEAR_YET.read_text(encoding="utf-8").splitlines() if line.partition(": ")[2] in chosen
    }
    rows = counted("--part", f"{part}/{PARTS}")
    slow = {f"{way}: {family}" for family, way, once, twice in rows if once is None or twice is None}
    assert len(rows) == sum(len(ways_of(each)) for each in FAMILIES[part - 1 :: PARTS])
    assert not slow - known, "these take too many steps"
    assert not known - slow, f"these are linear now: take them from {NOT_LINEAR_YET.name}"


def test_the_list_names_families_that_exist():
    lines = NOT_LINEAR_YET.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines))
    assert set(lines) <= {f"{way}: {each.name}" for each in FAMILIES for way in ways_of(each)}


def test_a_family_grows_as_it_is_asked_to():
    for each in FAMILIES:
        once, twice = len(each.make(2_000)), len(each.make(4_000))
        assert 1_700 <= once <= 2_400, each.name
        assert 1.8 <= twice / once <= 2.2, each.name


# --- the steps of a regular expression --------------------------------------------------------------------------------

PATTERNS = [
    *(
        r"a*b",
        r"(a|ab)(c|bcd)*d?",
        r"(?:a|b)+?c",
        r"[^b]*b|\d+",
        r"(?<!a)b",
        r"(?<=a)b+",
        r"a(?=b)",
        r"a(?!b)",
        r"^a|b$",
    ),
    *(
        r"(?:[^\"\\]|\\.)*\"",
        r"(a)\1",
        r"(?:a?){3}b",
        r"\ba",
        r"(?i)AB",
        r"a{2,3}",
        r"a{2,3}?b",
        r"(?:ab|a)*+b",
        r"(?>a*)b",
    ),
    *(r"(?:a*)*b", r"(?s).*?b", r"(?m)^b", r"(a)?(?(1)b|c)", r""),
]
TEXTS = ["", "a", "ab", "aab", "abab", "aaab c", "bcd", "abcd", 'a\\"b"', "AB", "a\nb", "12b", "cab", "aaaa"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_counting_matcher_finds_what_the_original_finds(pattern):
    original = re.compile(pattern)
    counting = Matcher(original, lambda _: None)
    for text in TEXTS:
        for start in range(len(text) + 1):
            found = original.match(text, start)
            assert counting.match(text, start, len(text)) == (found and found.end())
            whole = original.fullmatch(text, start)
            assert counting.match(text, start, len(text), whole=True) == (whole and whole.end())
            first = original.search(text, start)
            assert counting.search(text, start, len(text)) == (first and first.span())


def steps_of(pattern, text):
    steps: list[int] = []
    Matcher(re.compile(pattern), steps.append).search(text, 0, len(text))
    return sum(steps)


@pytest.mark.parametrize(
    ("pattern", "times"),
    [(r"[ab]+c", 4), (r"(?:a|b)*c", 4), (r"a.*?c", 4), (r"(?:aa?)*b", 100)],
)
def test_the_counting_matcher_counts_what_is_tried_in_vain(pattern, times):
    once, twice = steps_of(pattern, "a" * 10), steps_of(pattern, "a" * 20)
    assert twice >= times * once * 0.7
