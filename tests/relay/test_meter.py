"""What the relay counts, in a file that several relays share and that outlives them."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.relay.limits import Limits
from nbstream.relay.meter import Charge, Meter, MeterError
from nbstream.relay.refused import Refused

if TYPE_CHECKING:
    import pathlib

LIMITS = Limits(tokens=1000, usd=1.0, period="total")


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "folder" / "usage.sqlite"


def test_what_has_ended_counts_for_what_it_cost(path: pathlib.Path) -> None:
    meter = Meter(path)
    admitted = meter.admit("ada", LIMITS, "m", Charge(900, 0.9), now=1.0)
    assert admitted.remaining == (1000, 1.0, None)
    assert meter.remaining("ada", LIMITS, now=1.0) == (100, 0.1, None)
    meter.settle(admitted.entry, Charge(10, 0.25), "completed")
    assert meter.remaining("ada", LIMITS, now=1.0) == (990, 0.75, None)
    assert meter.remaining("bob", LIMITS, now=1.0) == (1000, 1.0, None)
    meter.close()


def test_a_new_period_begins_anew(path: pathlib.Path) -> None:
    meter, limits = Meter(path), Limits(tokens=10, period="day")
    meter.admit("ada", limits, "m", Charge(10), now=1000.0)
    with pytest.raises(Refused, match="until midnight UTC"):
        meter.admit("ada", limits, "m", Charge(10), now=80_000.0)
    assert meter.admit("ada", limits, "m", Charge(10), now=90_000.0).remaining.tokens == 10
    meter.close()


def test_the_file_is_for_its_owner_only(path: pathlib.Path) -> None:
    Meter(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"words, and more words" * 100, b"SQLite format 3\0" + b"x" * 4096])
def test_a_file_of_something_else_stays_as_it_is(path: pathlib.Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(MeterError, match="cannot be used"):
        Meter(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_stays_as_it_is(path: pathlib.Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE requests (x)")
    with pytest.raises(MeterError, match="a file of something else"):
        Meter(path)


def test_a_file_of_a_newer_version_stays_as_it_is(path: pathlib.Path) -> None:
    Meter(path).close()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(MeterError, match="newer nbstream"):
        Meter(path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeterError, match="cannot be used"):
        Meter(tmp_path / "file" / "usage.sqlite")


FULL = """
import resource, signal, sys
from nbstream.relay.limits import Limits
from nbstream.relay.meter import Charge, Meter, MeterError
limits = Limits(tokens=1000, period="total")
meter = Meter(sys.argv[1])
entry = meter.admit("ada", limits, "m", Charge(10), now=1.0).entry
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, -1))  # as a disk that is full from there on
try:
    for _ in range(2000):
        meter.admit("bob", limits, "m" * 500, Charge(0), now=1.0)
except MeterError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
meter.settle(entry, Charge(1), "completed")
print(meter.remaining("ada", limits, now=1.0).tokens)
"""


def test_a_full_disk_is_told_and_loses_nothing(path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    told, left = done.stdout.splitlines()
    assert "cannot be written" in told
    assert left == "999"


COUNTING = """
import sys
from nbstream.relay.limits import Limits
from nbstream.relay.meter import Charge, Meter
meter = Meter(sys.argv[1])
for number in range(int(sys.argv[2])):
    entry = meter.admit("ada", Limits(), "m", Charge(3), now=1.0).entry
    print(number, flush=True)
    meter.settle(entry, Charge(1), "completed")
"""


def counting(path: pathlib.Path, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COUNTING, str(path), str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_share_a_file(path: pathlib.Path) -> None:
    Meter(path).close()
    running = [counting(path, 50) for _ in range(4)]
    for each in running:
        each.communicate(timeout=120)
        assert each.returncode == 0
    meter = Meter(path)
    assert meter.remaining("ada", LIMITS, now=1.0).tokens == 1000 - 200
    meter.close()


def test_what_a_killed_relay_had_reserved_stays_counted(path: pathlib.Path) -> None:
    process = counting(path, 10_000)
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    meter = Meter(path)
    with sqlite3.connect(path) as file:
        states: dict[str, Any] = dict(file.execute("SELECT state, count(*) FROM requests GROUP BY state").fetchall())
    assert states.pop("lost", 0) <= 1
    assert states.pop("completed") >= 19
    assert not states
    meter.close()


def test_threads_that_take_turns_may_share_one(path: pathlib.Path) -> None:
    meter = Meter(path)
    with ThreadPoolExecutor(1) as other:
        other.submit(meter.admit, "ada", LIMITS, "m", Charge(10), 1.0).result()
    assert meter.remaining("ada", LIMITS, now=1.0).tokens == 990
    meter.close()
