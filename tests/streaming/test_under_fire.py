"""Many streams at once, a server that is frozen, many threads on one chat, two processes with one file."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.streaming.engine import engine
from nbstream.testing import Answer, chat_body, error_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.testing import FaultServer, Received

PATIENCE = 60.0
ROOT = pathlib.Path(__file__).parents[2]

SERVER = """
import sys
from nbstream.testing import Answer, FaultServer, chat_body
server = FaultServer()
server.respond(lambda received: Answer(chat_body("Hel", finish_reason=None, done=False), then="hold")
               if "endless" in str(received.json["messages"]) else chat_body("Hello"))
print(server.base_url, flush=True)
sys.stdin.read()
"""


def in_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that runs this code, and ends when its input does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What so many threads return, or raise, that begin at the same moment."""
    start, came = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        start.wait(PATIENCE)
        try:
            came[number] = work(number)
        except Exception as error:  # noqa: BLE001  which is what came
            came[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return came


def running_tasks() -> int:
    async def others() -> int:
        import asyncio

        return len(asyncio.all_tasks()) - 1

    return engine().submit(others()).result(PATIENCE)


# --- many at once -----------------------------------------------------------------------------------------------------

KINDS = ("complete", "cut", "reset", "refused", "cancelled")


def test_many_streams_at_once_end_each_in_its_own_way(loopback: FaultServer) -> None:
    def answer(received: Received) -> Answer:
        words = received.json["messages"][-1]["content"]
        number = int(words)
        half = chat_body(f"{number} ", "half ", finish_reason=None, done=False)
        match KINDS[number % len(KINDS)]:
            case "cut":
                return Answer(half, then="close")
            case "reset":
                return Answer(half, then="reset")
            case "refused":
                return Answer(error_body("Slow down"), status=429)
            case "cancelled":
                return Answer(half, then="hold")
        return Answer(chat_body(f"{number} ", "half ", "whole"))

    loopback.respond(answer)
    nbs.configure(base_url=loopback.base_url, model="m", max_retries=0)

    def one(number: int) -> tuple[str, str]:
        handle = nbs.start(str(number), display=False)
        if KINDS[number % len(KINDS)] == "cancelled":
            for _ in handle:
                break
            handle.cancel()
        try:
            result = handle.result(PATIENCE)
        except nbs.StreamError as error:
            result = error.result
        lines = "" if result.error is None else str(result.error)
        assert "\n" not in lines
        assert f"{number} half whole".startswith(result.text)
        return KINDS[number % len(KINDS)], result.error.kind if result.error else str(result.state)

    ended = Counter(together(60, one))
    assert ended == {
        ("complete", "completed"): 12,
        ("cut", "connection_lost"): 12,
        ("reset", "connection_lost"): 12,
        ("refused", "rate_limit"): 12,
        ("cancelled", "cancelled"): 12,
    }
    assert running_tasks() == 0
    assert nbs.stream("60", display=False).text == "60 half whole"


# --- threads on one chat ----------------------------------------------------------------------------------------------


def test_many_threads_on_one_chat_ask_one_after_the_other_or_are_told(loopback: FaultServer) -> None:
    loopback.respond(lambda received: Answer(chat_body(received.json["messages"][-1]["content"].upper())))
    chat = nbs.Chat(model="m", base_url=loopback.base_url, max_retries=0)

    def one(number: int) -> str:
        if number % 4 == 3:
            chat.configure(seed=number)
            return str(len(chat.to_dict()["turns"]) % 2)
        return chat.stream(f"q{number}", display=False).text

    for _ in range(5):
        came = together(16, one)
        told = [error for error in came if isinstance(error, Exception)]
        assert {str(error) for error in told} <= {"this chat is still answering; wait, or stop it first"}
        assert all(isinstance(error, UsageError) for error in told)
        assert any(isinstance(each, str) and each.startswith("Q") for each in came)
        assert "1" not in came  # half an exchange
    asked = [turn.text for turn in chat.turns if turn.role == "user"]
    assert [turn.text for turn in chat.turns if turn.role == "assistant"] == [text.upper() for text in asked]
    assert chat.running is None


# --- a frozen server --------------------------------------------------------------------------------------------------


@pytest.fixture
def frozen() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server in a process of its own."""
    with in_python(SERVER) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


@pytest.mark.sdk
@pytest.mark.skipif(sys.platform == "win32", reason="stops a process")
def test_a_frozen_server_loses_nothing_and_holds_nobody(frozen: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = frozen
    nbs.configure(base_url=url, model="m", max_retries=0)
    waiting = [nbs.start("endless", timeout=limit, display=False) for limit in (1.0, None)]
    for handle in waiting:
        assert next(iter(handle)) == "Hel"
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)  # until it stands still
    asked = [nbs.start("short", timeout=limit, display=False) for limit in (0.3, None)]
    with pytest.raises(nbs.StreamError) as stalled:
        waiting[0].result(PATIENCE)
    with pytest.raises(nbs.StreamError) as unanswered:
        asked[0].result(PATIENCE)
    assert (stalled.value.kind, stalled.value.result.text) == ("stalled", "Hel")
    assert unanswered.value.kind == "first_token_timeout"
    for handle in (waiting[1], asked[1]):
        handle.cancel()
        assert handle.result(PATIENCE).state == "cancelled"
    assert running_tasks() == 0
    process.send_signal(signal.SIGCONT)
    assert nbs.stream("short", display=False).text == "Hello"


# --- two processes, one file ------------------------------------------------------------------------------------------

SAVER = """
import os, sys
import nbstream as nbs
from nbstream.errors import ChangedFileError
path = sys.argv[1]
chat = nbs.Chat.load(path)
child = os.fork()  # so that the threads of both have the same number
name, refused = "a" if child else "b", 0
for number in range(20):
    said = {"role": "user", "content": f"{name}{number} " + name * 5_000}
    while True:
        chat.messages = [*chat.messages, said]
        try:
            chat.save(path)
            break
        except ChangedFileError as error:
            assert str(error).startswith(f"{path} was not saved (it has changed since"), error
            refused += 1
            chat = nbs.Chat.load(path)
if child:
    assert os.waitpid(child, 0)[1] == 0
    print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_two_processes_that_save_one_chat_lose_no_turn(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "chat.json"
    nbs.Chat(messages=[{"role": "user", "content": "x" * 50_000}]).save(path)
    with in_python(SAVER, str(path)) as saver:
        assert saver.communicate(timeout=PATIENCE)[0] == "done\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["chat.json"]
    said = [message["content"].split(" ")[0] for message in nbs.Chat.load(path).messages[1:]]
    assert len(said) == 40
    for name in "ab":
        assert [each for each in said if each[0] == name] == [f"{name}{number}" for number in range(20)]
