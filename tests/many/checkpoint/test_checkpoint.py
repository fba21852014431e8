"""The file of a map: what is in it stays, and what is no such file is told."""

import sqlite3
import threading

import pytest

from nbstream.accounting.ledger_file import LedgerFile
from nbstream.errors import MapError, UsageError
from nbstream.many.asking.runner import PreparedRow, RowAnswer
from nbstream.many.checkpoint.checkpoint import Checkpoint
from nbstream.outcome import StreamState, Usage


def answer(key, text="A", state=StreamState.COMPLETED, **facts):
    return RowAnswer(PreparedRow(0, key, ({"role": "user", "content": "q"},)), state, text, **facts)


KEY, OTHER = b"k" * 16, b"o" * 16


def test_what_was_kept_is_read_and_what_is_whole_stays(tmp_path):
    kept = Checkpoint(tmp_path / "a.sqlite")
    kept.keep("run", [answer(KEY, "half \ud83d", StreamState.CANCELLED), answer(OTHER, usage=Usage(1, 2, 3), cost=0.5)])
    assert kept.question_of(KEY) == ({"role": "user", "content": "q"},)
    kept.keep("run", [answer(KEY, "whole"), answer(OTHER, "", StreamState.FAILED)])
    kept.close()
    again = Checkpoint(tmp_path / "a.sqlite").of([KEY, OTHER, b"-" * 16])
    assert (again[KEY].text, again[OTHER].text, again[OTHER].usage, again[OTHER].cost) == (
        "whole",
        "A",
        Usage(1, 2, 3),
        0.5,
    )
    assert len(again) == 2


def test_several_write_at_once(tmp_path):
    files = [Checkpoint(tmp_path / "a.sqlite") for _ in range(4)]

    def write(number):
        for place in range(20):
            files[number].keep("run", [answer(bytes([number, place]) * 8)])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(files[0]) == 80


def of_something_else(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")


def newer(path):
    Checkpoint(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


def damaged(path):
    kept = Checkpoint(path)
    kept.keep("run", [answer(bytes([number]) * 16, "x" * 5000) for number in range(50)])
    kept.close()
    content = bytearray(path.read_bytes())
    content[8192:40960] = b"\xff" * (40960 - 8192)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("no database at all " * 50), "is something else, not a checkpoint"),
        (of_something_else, "is a database of something else, not a checkpoint"),
        (lambda path: LedgerFile(path).checked(), "is a database of something else, not a checkpoint"),
        (newer, r"of a newer nbstream \(format 99\); update nbstream, or name another file"),
        (damaged, "is damaged: nothing was changed"),
        (lambda path: path.mkdir(), "is no file"),
    ],
    ids=["text", "database", "ledger", "newer", "damaged", "folder"],
)
def test_what_is_no_checkpoint_is_told_and_left_as_it_is(ask, tmp_path, make, words):
    path = tmp_path / "it.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(UsageError, match=words):
        ask(["a"], checkpoint=path)
    assert (path.read_bytes() if path.is_file() else None) == before
    with pytest.raises(UsageError, match="there is no folder"):
        ask(["a"], checkpoint=tmp_path / "nowhere" / "it.sqlite")


@pytest.mark.sdk
def test_a_file_that_can_no_longer_be_written_stops_the_map_and_loses_nothing(ask, oracle, tmp_path):
    path = tmp_path / "answers.sqlite"
    job = ask(["a", "b", "c"])
    with sqlite3.connect(path) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    with pytest.raises(MapError, match=r"could not be written .*the disk is full"):
        job.result()
    assert [row.value for row in job.rows if row.state == "completed"]
    with sqlite3.connect(path) as other:
        other.execute("DROP TRIGGER full")
    assert job.start().result() == ["A", "B", "C"]
    assert set(oracle.asked.values()) == {1}
    assert ask(["a", "b", "c"]).result() == ["A", "B", "C"]
    assert set(oracle.asked.values()) == {1}
