"""A process whose children keep chats that call tools, and are killed in the middle of it.

It is given a folder, a number of chats and a seed, and prints what became of them.

Every child keeps some chats at a time, so that a kill finds each at another point. Their server gives every call the
same id whenever it is asked the same, as one does that is asked to send an answer again.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import os
import pathlib
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import nbstream as nbs
from nbstream.testing import ScriptedBytes, chat_body
from nbstream.tools.approval import Approved, Denied
from tests.tools.reader import Reader
from tests.tools.wire import calling

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import StreamRequest
    from nbstream.tools.approval import Question

PATIENCE = 60.0
TOGETHER = 10  # chats of one child
LIVES = 3
ROUNDS = 2
CALLS = 2
STEPS = TOGETHER * ROUNDS * (1 + 2 * CALLS)  # of a child that nobody kills, or fewer


class Child:
    """One life of some chats."""

    def __init__(self, folder: pathlib.Path, group: int, life: int, seed: int) -> None:
        self.folder, self.group, self.life = folder, group, life
        self.chance = random.Random(f"{seed} {group} {life}")
        self.last = life == LIVES - 1
        self._left = STEPS * 2 if self.last else self.chance.randrange(STEPS)
        self._lock = threading.Lock()
        self._effects = os.open(folder / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def step(self) -> None:
        """A moment at which the process may be killed."""
        with self._lock:
            self._left -= 1
            if not self._left and not self.last:
                os.kill(os.getpid(), signal.SIGKILL)

    def work(self, key: str) -> str:
        """Do something that must not be done twice."""
        self.step()
        os.write(self._effects, f"{key}\n".encode())
        self.step()
        time.sleep(self.chance.random() * 0.002)
        return "done"

    def live(self) -> None:
        chats = [Talk(self, self.group * TOGETHER + each) for each in range(TOGETHER)]
        handles = [chat.ask() for chat in chats]
        for handle, chat in zip(handles, chats, strict=True):
            try:
                handle.result(PATIENCE)
            except nbs.StreamError:
                if self.chance.random() < 0.5:
                    chat.resume()
            if self.last or self.chance.random() < 0.3:
                self.step()
                chat.chat.save(chat.path)
        if self.last:
            told = {run.arguments: run.run.state for chat in chats for run in chat.runs() if run.run is not None}
            (self.folder / f"told_{self.group}").write_text(json.dumps(told))


class Talk:
    """One chat, and the server that it asks."""

    def __init__(self, child: Child, number: int) -> None:
        self.child, self.number = child, number
        self.path = child.folder / f"{number}.json"
        if child.life:
            self.chat = nbs.Chat.load(self.path)
        else:
            self.chat = nbs.Chat(model="m")
            self.chat.save(self.path)
        work = nbs.tool(name="work")(child_tool(child))
        self.chat.configure(tools=[work], source=self, base_url="http://127.0.0.1:9/v1", max_retries=1)
        self.chat.listen(answered_often(child.chance))

    def ask(self) -> Any:
        return self.chat.start("Work.", display=False)

    def resume(self) -> None:
        try:
            self.chat.resume(display=False).result(PATIENCE)
        except (nbs.StreamError, nbs.errors.UsageError):
            return

    def runs(self) -> list[Any]:
        return [run for turn in self.chat.conversation.tree for run in turn.result.tool_runs]

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[Any]:
        self.child.step()
        asked = max(at for at, message in enumerate(request.messages) if message["role"] == "user")
        at = sum(message["role"] == "assistant" for message in request.messages[asked:])
        if at >= ROUNDS:
            return ScriptedBytes(chat_body("Done.")).open(request)
        calls = [("work", {"key": f"{self.number}_{at}_{call}"}) for call in range(CALLS)]
        body = calling("chat", *calls, round_=at)
        if self.child.chance.random() < 0.1:
            return ScriptedBytes(body[: len(body) // 2], ConnectionResetError()).open(request)
        return ScriptedBytes(body).open(request)


def answered_often(chance: random.Random) -> Reader:
    """A reader who answers each question several times."""

    def answer(question: Question) -> None:
        for _ in range(chance.randrange(1, 4)):
            decision = Denied() if chance.random() < 0.1 else Approved(question.digest)
            threading.Timer(chance.random() * 0.003, question.answer, (decision,)).start()

    return Reader(answer)


def child_tool(child: Child) -> Any:
    def work(key: str) -> str:
        """Do something."""
        return child.work(key)

    return work


def main(folder: pathlib.Path, chats: int, seed: int) -> None:
    logging.disable()
    for module in ("conversation.chat", "tools.loop", "transport.decoded", "streaming.workers", "streaming.errands"):
        importlib.import_module(f"nbstream.{module}")  # once, for all children
    killed = 0
    for group in range(chats // TOGETHER):
        for life in range(LIVES):
            if not (child := os.fork()):
                faulthandler.dump_traceback_later(PATIENCE, exit=True)
                try:
                    Child(folder, group, life, seed).live()
                    os._exit(0)
                except BaseException:  # noqa: BLE001  told, and the child ends
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
            _, ended = os.waitpid(child, 0)
            killed += os.WIFSIGNALED(ended)
            if os.WIFEXITED(ended) and os.WEXITSTATUS(ended):
                raise SystemExit("a child broke")
    done = (folder / "effects").read_text().split()
    told: dict[str, str] = {}
    for file in folder.glob("told_*"):
        told |= {json.loads(arguments)["key"]: state for arguments, state in json.loads(file.read_text()).items()}
    print(
        json.dumps(
            {
                "killed": killed,
                "done": len(done),
                "twice": len(done) - len(set(done)),
                "lost": sorted(key for key in set(done) if told.get(key) not in {"completed", "unknown"}),
                "unknown": sum(state == "unknown" for state in told.values()),
            }
        )
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
