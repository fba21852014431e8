"""Which file the notebook is, and which of the chats in it is the newest."""

import json

import pytest

from nbstream.errors import UsageError
from nbstream.panel.notebook_file import METADATA_KEY, divided, newest_chat, running_notebook


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "talk.ipynb"
    path.write_text("{}")
    return path


@pytest.fixture(autouse=True)
def _no_session(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def write(path, *outputs):
    cells = [{"cell_type": "markdown", "source": ""}, {"cell_type": "code", "outputs": list(outputs)}]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    return path


def saved(name, at=None, **more):
    return {
        "output_type": "display_data",
        "metadata": {METADATA_KEY: {"chat": {"nbstream_chat": 1, "name": name, **more}, "saved_at": at}},
    }


def test_jupyter_says_it_in_the_environment(notebook, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    assert running_notebook({}) == notebook


def test_vs_code_says_it_in_a_variable(notebook, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/elsewhere/other.ipynb")
    assert running_notebook({"__vsc_ipynb_file__": str(notebook)}) == notebook


@pytest.mark.parametrize("value", ["", "console-1-abc", "kernel-7"])
def test_a_kernel_without_a_notebook_asks_for_the_path(value, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", value)
    with pytest.raises(UsageError, match=r"cannot tell where .*restore\(path\)"):
        running_notebook({"__vsc_ipynb_file__": 3})


def test_a_notebook_that_was_renamed(tmp_path, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "old.ipynb"))
    with pytest.raises(UsageError, match=r"old\.ipynb, which is not there; was it renamed"):
        running_notebook({})


def test_the_newest_chat_is_the_one_that_was_saved_last(notebook):
    write(notebook, saved("a", "2026-01-02T00:00:00"), saved("b", "2026-01-03T00:00:00"), saved("c", "2026-01-01"))
    assert newest_chat(notebook)[0]["name"] == "b"


def test_of_chats_without_a_moment_it_is_the_last(notebook):
    write(notebook, saved("a"), saved("b"))
    assert newest_chat(notebook)[0]["name"] == "b"


def test_a_chat_is_found_by_name(notebook):
    write(notebook, saved("a", "1", x=1), saved("b", "3"), saved("a", "2", x=2))
    assert newest_chat(notebook, "a")[0]["x"] == 2
    with pytest.raises(UsageError, match="holds no chat named 'z'"):
        newest_chat(notebook, "z")


@pytest.mark.parametrize(
    "output",
    [
        {},
        "text",
        {"metadata": []},
        {"metadata": {METADATA_KEY: {"state": "completed"}}},
        {"metadata": {METADATA_KEY: {"chat": "x"}}},
    ],
)
def test_other_outputs_are_passed_over(notebook, output):
    write(notebook, output)
    with pytest.raises(UsageError, match="holds no chat; save the notebook"):
        newest_chat(notebook)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3}', "not JSON"])
def test_what_is_no_notebook_is_said_so(notebook, content):
    notebook.write_text(content)
    with pytest.raises(UsageError, match="is not a notebook"):
        newest_chat(notebook)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        newest_chat(tmp_path / "none.ipynb")


def part(key, at, *ids):
    turns = [
        {"id": id_, "parent": None if before is None else before}
        for before, id_ in zip((None, *ids), ids, strict=False)
    ]
    return turns, {"metadata": {METADATA_KEY: {"earlier": key, "turns": turns, "saved_at": at}}}


def test_the_turns_of_a_chat_that_two_outputs_keep_are_joined(notebook):
    _, old = part("k", "2026-01-01", "a")
    turns, new = part("k", "2026-01-02", "a", "b")
    _, other = part("l", "2026-01-03", "x")
    later = {
        "metadata": {
            METADATA_KEY: {"chat": {"turns": [{"id": "b", "parent": "a"}, {"id": "c", "parent": "b"}]}, "earlier": "k"}
        }
    }
    write(notebook, old, new, later, other)
    assert newest_chat(notebook)[0]["turns"] == [*turns, {"id": "c", "parent": "b"}]
    odd = {"metadata": {METADATA_KEY: {"chat": {"turns": [3, {"id": [], "parent": {}}]}, "earlier": "k"}}}
    write(notebook, odd)
    assert newest_chat(notebook)[0]["turns"] == [3, {"id": [], "parent": None}]
    write(notebook, later)
    assert newest_chat(notebook)[0]["turns"] == [{"id": "b", "parent": None}, {"id": "c", "parent": "b"}]


def test_versions_of_a_turn_are_kept_together():
    turns = [
        {"id": id_, "parent": parent} for id_, parent in (("q", None), ("a", "q"), ("b", "q"), ("r", "b"), ("s", "a"))
    ]
    assert divided(turns, "b") == ([turns[0], turns[1], turns[2], turns[4]], [turns[3]])
    assert divided(turns, "q") == (turns[:1], turns[1:])
    assert divided(turns, None) == ([], turns)
