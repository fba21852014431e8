"""The file of a ledger: several processes at once, killed at any time, and files of something else."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import nbstream as nbs
from nbstream.accounting.entry import Entry
from nbstream.accounting.ledger_file import LedgerFile
from nbstream.errors import UsageError
from nbstream.streaming.engine import engine

QUIET: dict[str, Any] = {"model": "demo", "display": False}

WRITER = """
import pathlib, sys
from datetime import UTC, datetime
from nbstream.accounting.entry import Entry
from nbstream.accounting.ledger_file import LedgerFile

path, name, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    LedgerFile(path).add([Entry(time=datetime.now(UTC), model=name, host="h", answer=number)])
    print(number, flush=True)
"""


def entry(**facts: Any) -> Entry:
    return Entry(**{"time": datetime(2026, 11, 30, 12, tzinfo=UTC), "model": "m", "host": "h", **facts})


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usage.sqlite"


def test_what_is_written_is_read_again(path: Path) -> None:
    entries = [
        entry(cell=3, cell_id="c", error="quota", state="failed", replayed=True, ttft=0.25, kernel="k"),
        entry(input_tokens=1, output_tokens=0, cost=0.5, price_source="your own"),
        entry(model="\ud800 \x00 'x'; DROP TABLE requests", input_at_least=4),
    ]
    LedgerFile(path).add(entries[:1])
    LedgerFile(path).add(entries[1:])
    first, second, third = LedgerFile(path).read()
    assert [first, second] == entries[:2]
    assert third.input_at_least == 4


@pytest.mark.usefixtures("demo")
def test_each_request_is_in_the_file_as_soon_as_its_answer_has_ended(path: Path) -> None:
    nbs.configure(ledger=str(path))
    for count in (1, 2):
        nbs.stream("hello", **QUIET)
        assert len(nbs.ledger.read(path)) == count
    assert [each.answer for each in nbs.ledger.read(path)] == [each.answer for each in list(nbs.ledger)[-2:]]
    assert nbs.ledger.read(path).by("kernel")[engine().book.kernel].requests == 2


def test_eight_processes_at_once_lose_nothing(path: Path) -> None:
    writers = [writer(path, f"w{number}", 25) for number in range(8)]
    ends = [(each.communicate(timeout=120)[1], each.returncode) for each in writers]
    assert ends == [("", 0)] * 8
    by_writer = nbs.ledger.read(path).by("model")
    assert {name: total.requests for name, total in by_writer.items()} == {f"w{number}": 25 for number in range(8)}


KILLER = """
import os, pathlib, random, signal, sqlite3, sys, time
from datetime import UTC, datetime
from nbstream.accounting.entry import Entry
from nbstream.accounting.ledger_file import LedgerFile

folder, kills = pathlib.Path(sys.argv[1]), int(sys.argv[2])
chance = random.Random(7)
said = {}
for kill in range(kills):
    path = folder / ("usage.sqlite" if kill % 10 else f"new-{kill}.sqlite")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        while True:
            LedgerFile(path).add([Entry(time=datetime.now(UTC), model="m", host="h", answer=kill)])
            os.write(writing, b"x")
    os.close(writing)
    heard = os.read(reading, 1) if kill % 10 else b""  # a new one is killed while it is made
    time.sleep(chance.uniform(0.0, 0.006))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 4096):
        heard += more
    os.close(reading)
    said[path] = said.get(path, 0) + len(heard)
whole = 0
for path, count in said.items():
    found = LedgerFile(path).checked() and len(LedgerFile(path).read())
    killed = kills if path.name == "usage.sqlite" else 1
    assert count <= found <= count + killed, (path, count, found)
    whole += count
    LedgerFile(path).add([Entry(time=datetime.now(UTC), model="m", host="h")])
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), path
print(whole)
"""
KILLS = 1000


@pytest.mark.skipif(sys.platform == "win32", reason="no process forks there")
def test_a_thousand_kills_in_the_midst_of_writing_lose_nothing_that_was_written(tmp_path: Path) -> None:
    """What a child has said to be written is in the file; of what it was writing when it was killed, all or nothing."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        command = [sys.executable, "-c", KILLER, folder, str(KILLS)]
        said = int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300).stdout)
    print(f"{KILLS} kills, {said} entries said to be written")
    assert said >= KILLS * 0.9


# --- what is no ledger ------------------------------------------------------------------------------------------------


def text_file(path: Path) -> None:
    path.write_text("time,model\n" * 200)


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE requests (time TEXT)")
    connection.close()


def newer(path: Path) -> None:
    LedgerFile(path).add([entry()])
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def damaged(path: Path) -> None:
    LedgerFile(path).add([entry() for _ in range(300)])
    path.write_bytes(path.read_bytes()[:100] + b"\x5a" * 20_000)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text_file, "is something else, not a ledger of nbstream"),
        (other_database, "is a database of something else, not a ledger"),
        (newer, "is a ledger of a newer nbstream"),
        (lambda path: path.mkdir(), "is no file"),
        (damaged, "cannot be used"),
    ],
    ids=["text", "database", "newer", "folder", "damaged"],
)
def test_a_file_of_something_else_is_refused_before_anything_is_sent(path: Path, make: Any, words: str) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    nbs.configure(ledger=str(path))
    entered = len(nbs.ledger)
    with pytest.raises(UsageError, match=words):
        nbs.stream("hello", **QUIET)
    with pytest.raises(UsageError, match=words):
        nbs.ledger.read(path)
    assert len(nbs.ledger) == entered
    assert before is None or path.read_bytes() == before


@pytest.mark.usefixtures("demo")
def test_a_folder_that_there_is_not_is_told_at_once(tmp_path: Path) -> None:
    nbs.configure(ledger=str(tmp_path / "no" / "usage.sqlite"))
    with pytest.raises(UsageError, match="there is no folder"):
        nbs.stream("hello", **QUIET)
    with pytest.raises(UsageError, match="there is no ledger"):
        nbs.ledger.read(tmp_path / "usage.sqlite")


READ_ONLY = """
import os, pathlib, sys
from nbstream.accounting.ledger_file import LedgerFile
from nbstream.errors import UsageError
if os.getuid() == 0:
    os.setuid(65534)
try:
    LedgerFile(pathlib.Path(sys.argv[1])).checked()
except UsageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only like this there")
@pytest.mark.parametrize("begun", [False, True])
def test_a_read_only_folder_is_told_before_anything_is_sent(path: Path, *, begun: bool) -> None:
    if begun:
        LedgerFile(path).add([entry()])
        path.chmod(0o444)
    for folder in (path.parent, *path.parent.parents[:3]):
        folder.chmod(0o555 if folder == path.parent else 0o755)
    told = subprocess.run([sys.executable, "-c", READ_ONLY, str(path)], capture_output=True, text=True, check=True)
    path.parent.chmod(0o755)
    assert "cannot be used" in told.stdout


@pytest.mark.usefixtures("demo")
def test_where_it_cannot_be_written_for_a_while_nothing_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: the answer comes, says so, and the entry is written with the next one."""
    nbs.configure(ledger=str(path))
    add = LedgerFile.add

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(LedgerFile, "add", full)
    first, second = (nbs.stream("hello", **QUIET) for _ in range(2))
    assert first.state == "completed"
    assert [each.kind for each in first.warnings] == ["unwritten_ledger"]
    assert "An entry of the ledger is not in usage.sqlite" in first.warnings[0].message
    assert "disk is full" in first.warnings[0].message
    assert "2 entries" in second.warnings[0].message
    assert engine().book.unwritten == 2
    monkeypatch.setattr(LedgerFile, "add", add)
    assert nbs.stream("hello", **QUIET).warnings == ()
    assert len(nbs.ledger.read(path)) == 3
    assert engine().book.unwritten == 0


@pytest.mark.usefixtures("demo")
def test_while_another_program_holds_it_an_answer_is_not_held_up_for_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbstream.accounting.book._WRITING_SECONDS", 0.2)
    nbs.configure(ledger=str(path))
    nbs.stream("hello", **QUIET)
    holding = sqlite3.connect(path, isolation_level=None)
    holding.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("nbstream.accounting.ledger_file._WAITING_SECONDS", 0.3)
    result = nbs.stream("hello", **QUIET)
    assert "another program holds it" in result.warnings[0].message
    holding.execute("ROLLBACK")
    holding.close()
    nbs.stream("hello", **QUIET)
    assert len(nbs.ledger.read(path)) == 3


def test_rows_that_somebody_else_has_spoilt_are_left_out(path: Path) -> None:
    LedgerFile(path).add([entry(), entry(), entry(), entry(answer=9)])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE requests SET time = 'yesterday' WHERE rowid = 1")
    connection.execute("UPDATE requests SET cost = 'much' WHERE rowid = 2")
    connection.execute("UPDATE requests SET time = '2026-01-01T00:00' WHERE rowid = 3")
    connection.commit()
    connection.close()
    assert [each.answer for each in LedgerFile(path).read()] == [9]


DISK_FULL = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import nbstream as nbs

nbs.configure(ledger=sys.argv[1], model="demo")
nbs.stream("hello", display=False)
free = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]) // 2, free[1]))
full = nbs.stream("hello", display=False)
print(full.state, [each.kind for each in full.warnings])
resource.setrlimit(resource.RLIMIT_FSIZE, free)
print(nbs.stream("hello", display=False).warnings, len(nbs.ledger.read(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of files there")
def test_a_disk_that_is_really_full_takes_nothing_away(path: Path) -> None:
    environment = {**os.environ, "NBSTREAM_DEMO_PACE": "instant"}
    command = [sys.executable, "-c", DISK_FULL, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert told == "completed ['unwritten_ledger']\n() 3\n"
