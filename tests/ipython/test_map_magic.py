"""`%%stream --map`: a prompt that is asked of every row."""

import pandas as pd
import pytest

pytestmark = pytest.mark.sdk


@pytest.fixture
def run(shell, demo):  # noqa: ARG001  the demo answers
    def run(cell):
        result = shell.run_cell(cell)
        return result.error_before_exec or result.error_in_exec

    return run


def test_a_column_is_filled(shell, run):
    shell.user_ns["cities"] = pd.DataFrame({"city": ["Oslo", "Rome"]}, index=["a", "a"])
    assert run("%%stream --map cities -o where -m demo --quiet\nWhere is {{ city }}?") is None
    cities = shell.user_ns["cities"]
    assert ["Oslo" in cities["where"].iloc[0], "Rome" in cities["where"].iloc[1]] == [True, True]
    assert shell.user_ns["stream_map"].progress.done == 2


def test_of_a_list_it_is_a_list_and_names_of_the_notebook_are_there(shell, run):
    shell.user_ns |= {"words": ["one", "two"], "language": "Latin"}
    assert run("%%stream --map words -o said -r job -m demo --quiet\n{{ value }} in {{ language }}") is None
    assert ["one in Latin" in shell.user_ns["said"][0], len(shell.user_ns["said"])] == [True, 2]
    assert shell.user_ns["job"] is shell.user_ns["stream_map"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--map wrods -o said", "there is no variable called wrods; did you mean words?"),
        ("--map words --chat tutor", "--map does not go with --chat"),
        ("--map words --image photo.png", "a map takes no image"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(shell, run, line, words):
    shell.user_ns["words"] = ["one"]
    assert words in str(run(f"%%stream {line} -m demo --quiet\n{{{{ value }}}}"))


def test_a_column_that_is_not_there_is_named(shell, run):
    shell.user_ns["cities"] = pd.DataFrame({"city": ["Oslo"]})
    assert "there is no town for {{ town }}" in str(run("%%stream --map cities -o x -m demo\n{{ town }}"))
