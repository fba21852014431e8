"""`%%stream --map`: a prompt that is asked of every row."""

import os
import signal
import threading
from collections import Counter

import pandas as pd
import pytest

import nbstream as nbs
from nbstream.many.batch import batch_pace
from nbstream.testing import Answer, ScriptedBatches, chat_body, chat_chunk

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
        ("--map words --background", "--map does not go with --background"),
        ("--map words -m other", "--map asks one model"),
        ("--batch", "--batch goes with --map"),
        ("--checkpoint a.sqlite", "--checkpoint goes with --map"),
        ("--map words --batch --budget 5", "a batch takes no budget"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(shell, run, line, words):
    shell.user_ns["words"] = ["one"]
    assert words in str(run(f"%%stream {line} -m demo --quiet\n{{{{ value }}}}"))


def test_a_column_that_is_not_there_is_named(shell, run):
    shell.user_ns["cities"] = pd.DataFrame({"city": ["Oslo"]})
    assert "there is no town for {{ town }}" in str(run("%%stream --map cities -o x -m demo\n{{ town }}"))


def test_a_column_may_be_called_like_a_variable_of_the_notebook(shell, run):
    shell.user_ns |= {"cities": pd.DataFrame({"city": ["Oslo"]}), "words": ["one"], "where": "mine"}
    assert run("%%stream --map cities -o where -m demo --quiet\nWhere is {{ city }}?") is None
    assert shell.user_ns["where"] == "mine"
    assert run("%%stream --map cities -o cities -m demo --quiet\nWhere is {{ city }}?") is None
    assert "Oslo" in shell.user_ns["cities"]["cities"].iloc[0]
    assert run("%%stream --map words -o words -m demo --quiet\nSay {{ value }}") is None
    assert "one" in shell.user_ns["words"][0]


# --- interrupted ------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(loopback):
    """How often each prompt was asked. The third one interrupts the kernel at its first time, and is never answered."""
    counted: Counter[str] = Counter()

    def answer(received):
        prompt = received.json["messages"][-1]["content"]
        counted[prompt] += 1
        if prompt == "Say c" and counted[prompt] == 1:
            os.kill(os.getpid(), signal.SIGINT)
            return Answer(chat_chunk("nev"), then="hold")
        return chat_body(prompt.upper(), usage=(10, 5))

    loopback.respond(answer)
    return counted


def test_an_interrupt_keeps_what_is_done_and_the_cell_goes_on(shell, run, asked, loopback, tmp_path, capsys):
    shell.user_ns |= {"words": [*"abcd"], "said": "of an earlier run"}
    options = f"-m m --base-url {loopback.base_url} --param concurrency=1 --checkpoint {tmp_path / 'a.sqlite'}"
    cell = f"%%stream --map words -o said --quiet {options}\nSay {{{{ value }}}}"
    assert isinstance(run(cell), KeyboardInterrupt)
    told = capsys.readouterr().out
    assert "2 of 4 rows are done, and kept; run the cell again to go on." in told
    assert "said is not set" in told
    assert "said" not in shell.user_ns
    stopped = shell.user_ns["stream_map"]
    assert [str(row.state) for row in stopped.rows][:3] == ["completed", "completed", "cancelled"]
    assert run("left = 1 + 1") is None  # the kernel is as before
    assert run(cell) is None
    assert shell.user_ns["said"] == ["SAY A", "SAY B", "SAY C", "SAY D"]
    assert asked == {"Say a": 1, "Say b": 1, "Say c": 2, "Say d": 1}
    assert shell.user_ns["stream_map"].progress.hits == 2


def test_an_interrupt_of_a_loop_keeps_what_is_done_and_the_same_map_goes_on(shell, run, asked, loopback):
    options = f"model='m', base_url={loopback.base_url!r}, concurrency=1, display=False"
    made = f"job = nbs.map('Say {{{{ value }}}}', [*'abcd'], {options})"
    stopped = run(f"import nbstream as nbs\n{made}\nseen = []\nfor each in job:\n    seen.append(each)")
    assert isinstance(stopped, KeyboardInterrupt)
    assert shell.user_ns["seen"] == ["SAY A", "SAY B"][: len(shell.user_ns["seen"])]
    assert run("job.stop()\njob.wait()") is None  # the loop itself may have been interrupted, not its wait for a row
    assert shell.user_ns["job"].progress.done == 2
    assert run("seen = list(job.start())") is None
    assert shell.user_ns["seen"] == ["SAY A", "SAY B", "SAY C", "SAY D"]
    assert asked == {"Say a": 1, "Say b": 1, "Say c": 2, "Say d": 1}


# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def batches(loopback, monkeypatch):
    """A provider with batches, which is asked how they are without pauses."""
    monkeypatch.setattr(batch_pace, "_SHORTEST", 0.01)
    monkeypatch.setattr(batch_pace, "_LONGEST", 0.02)
    made = ScriptedBatches(step=1000)
    loopback.respond(lambda got: chat_body("Fine", usage=(10, 5)) if "/chat/" in got.path else made(got))
    return made


def test_a_batch_is_planned_left_and_taken_up_again(shell, run, batches, loopback, tmp_path, capsys):
    file = tmp_path / "moods.sqlite"
    shell.user_ns |= {"moods": pd.DataFrame({"x": [*"abcde"]}), "nbs": nbs}
    options = f"-m demo --base-url {loopback.base_url} --checkpoint {file} --quiet"
    cell = f"%%stream --map moods -o mood --batch {options}"
    assert run(f"{cell} --plan\nSay {{{{ x }}}}") is None
    assert "5 rows for demo" in capsys.readouterr().out
    assert batches.submitted == []  # the samples are asked at once
    batches.step = 0

    def leave():
        loopback.wait(requests=6)
        os.kill(os.getpid(), signal.SIGINT)

    interrupt = threading.Thread(target=leave)
    interrupt.start()
    assert isinstance(run(f"{cell}\nSay {{{{ x }}}}"), KeyboardInterrupt)
    interrupt.join()
    told = capsys.readouterr().out
    assert "3 of 5 rows are done" in told
    assert f"nbs.map.resume({str(file)!r}) takes it up" in told
    assert "mood" not in shell.user_ns["moods"]
    batches.step = 1000
    assert run(f"values = nbs.map.resume({str(file)!r}, display=False).result(60)") is None
    assert run(f"{cell}\nSay {{{{ x }}}}") is None
    assert list(shell.user_ns["moods"]["mood"]) == shell.user_ns["values"]
    assert Counter(each["body"]["messages"][-1]["content"] for each in batches.submitted) == {"Say d": 1, "Say e": 1}
