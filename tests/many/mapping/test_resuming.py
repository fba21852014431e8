"""Maps taken up by another kernel: what their file holds, what it cannot, and what it must not."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import UserList

import pytest
from pydantic import BaseModel

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.testing import chat_body

PATIENCE = 60


class Mood(BaseModel):
    """How somebody feels."""

    mood: str


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.sqlite"


def test_rows_labels_and_failures_are_those_of_the_map(ask, file):
    job = ask("Say {{ x }}", [{"x": "a"}, {"x": None}, {"x": "b"}]).wait(PATIENCE)
    again = nbs.map.resume(file).wait(PATIENCE)
    assert list(again) == list(job) == ["SAY A", None, "SAY B"]
    assert [row.error for row in again.rows] == [row.error for row in job.rows]
    assert again.progress.hits == 2


def test_index_labels_come_back(ask, file):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": ["a", "b"]}, index=["first", "second"])
    ask("Say {{ x }}", frame).wait(PATIENCE)
    assert [row.index for row in nbs.map.resume(file).wait(PATIENCE).rows] == ["first", "second"]


def test_values_are_objects_if_the_class_is_given(ask, oracle, file):
    oracle.answers["*"] = lambda _: chat_body('{"mood": "fine"}')
    assert ask("Mood of {{ x }}", [{"x": "a"}], schema=Mood).result(PATIENCE) == [Mood(mood="fine")]
    assert nbs.map.resume(file).result(PATIENCE) == [{"mood": "fine"}]
    assert nbs.map.resume(file, schema=Mood).result(PATIENCE) == [Mood(mood="fine")]


@pytest.mark.parametrize(("kind", "said"), [(list[int], "[1, 2]"), (int, "7")])
def test_values_that_are_no_objects_come_back(ask, oracle, file, kind, said):
    oracle.answers["*"] = lambda _: chat_body(f'{{"value": {said}}}')
    value = ask("Numbers of {{ x }}", [{"x": "a"}], schema=kind).result(PATIENCE)
    assert nbs.map.resume(file).result(PATIENCE) == value


def test_settings_of_the_other_kernel_count(ask, oracle, file):
    ask("Say {{ x }}", [{"x": "a"}], system="Shout.", temperature=0.5, top_p=0.9).wait(PATIENCE)
    again = nbs.map.resume(file).wait(PATIENCE)
    assert (again.request.system, again.request.temperature, again.request.params["top_p"]) == ("Shout.", 0.5, 0.9)
    assert oracle.asked == {"Say a": 1}


def test_a_generator_is_kept_as_it_is_read(ask, file):
    ask("Say {{ x }}", ({"x": each} for each in "ab")).wait(PATIENCE)
    assert nbs.map.resume(file).result(PATIENCE) == ["SAY A", "SAY B"]


def test_a_map_of_which_not_all_rows_are_there_says_so(ask, file):
    def broken():
        yield {"x": "a"}
        raise OSError("the disk is gone")

    ask("Say {{ x }}", broken()).wait(PATIENCE)
    with pytest.raises(UsageError, match="holds not all rows"):
        nbs.map.resume(file)


def test_rows_that_break_off_are_asked_up_to_there(ask):
    class Broken(UserList[dict[str, str]]):
        def __getitem__(self, place):
            if place == 2:
                raise OSError("gone")
            return super().__getitem__(place)

        def __iter__(self):
            return (self[place] for place in range(len(self)))

    job = ask("Say {{ x }}", Broken([{"x": each} for each in "abc"])).wait(PATIENCE)
    assert job.progress.done == 2
    assert "gone" in job.error


def test_no_file_and_no_map_are_told(tmp_path, file, ask):
    with pytest.raises(UsageError, match="there is no checkpoint"):
        nbs.map.resume(tmp_path / "none.sqlite")
    ask("Say {{ x }}", [{"x": "a"}])  # it has not begun
    with pytest.raises(UsageError, match="holds no map"):
        nbs.map.resume(file)
    (tmp_path / "text").write_text("Not a checkpoint at all, but quite long enough for one.")
    with pytest.raises(UsageError):
        nbs.map.resume(tmp_path / "text")


def test_functions_must_be_given_again(ask, file):
    ask("Say {{ x }}", [{"x": "a"}], stop_when="never").wait(PATIENCE)
    with pytest.raises(UsageError, match="stop_when"):
        nbs.map.resume(file)
    assert nbs.map.resume(file, stop_when="never").result(PATIENCE) == ["SAY A"]


def test_what_would_ask_something_else_is_refused(ask, file):
    ask("Say {{ x }}", [{"x": "a"}]).wait(PATIENCE)
    with pytest.raises(UsageError, match="asked something else"):
        nbs.map.resume(file, model="another")


def test_no_key_is_in_the_file(ask, file):
    key = "sk-never-in-a-file-0123456789"
    ask("Say {{ x }}", [{"x": "a"}], api_key=key).wait(PATIENCE)
    assert key.encode() not in file.read_bytes()


def test_a_map_takes_the_place_of_one_that_asks_the_same(ask, file):
    for _ in range(3):
        ask("Say {{ x }}", [{"x": "a"}, {"x": "b"}]).wait(PATIENCE)
    ask("Tell {{ x }}", [{"x": "a"}]).wait(PATIENCE)
    with contextlib.closing(sqlite3.connect(file)) as kept:
        assert kept.execute("SELECT count(*) FROM job_rows").fetchone() == (3,)
    assert nbs.map.resume(file).result(PATIENCE) == ["TELL A"]
