"""What a tool prints where no cell shows it is its own, whoever else prints meanwhile."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from nbstream.tools.captured import Captured

if TYPE_CHECKING:
    import pytest


def test_each_takes_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    stream = sys.stdout
    first, second = Captured(), Captured()
    inside, over = threading.Barrier(3), threading.Event()

    def run(captured: Captured, words: str, wait: threading.Event | None) -> None:
        with captured:
            inside.wait(10)
            print(words)
            print(f"{words}, too", file=sys.stderr)
            if wait is not None:
                wait.wait(10)

    threads = [threading.Thread(target=run, args=each) for each in ((first, "one", None), (second, "two\x1b[2J", over))]
    for thread in threads:
        thread.start()
    inside.wait(10)
    threads[0].join(10)
    print("of the cell")
    over.set()
    threads[1].join(10)
    assert (first.text, second.text) == ("one\none, too", "two␛[2J\ntwo␛[2J, too")
    assert capsys.readouterr().out == "of the cell\n"
    assert sys.stdout is stream


def test_of_much_the_beginning_is_kept() -> None:
    with Captured() as captured:
        for _ in range(3000):
            print("x" * 9)
    assert captured.text.endswith("xxx\n[Cut: 30,000 characters in all.]")
    assert len(captured.text) < 20_100


def test_what_is_displayed_is_taken_where_a_kernel_has_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython

    class Publisher:
        def __init__(self) -> None:
            self.hooks: list[object] = []
            self.register_hook, self.unregister_hook = self.hooks.append, self.hooks.remove

    class Shell:
        display_pub = Publisher()

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    with Captured() as captured:
        [hook] = Shell.display_pub.hooks
        assert hook({"content": {"data": {"text/plain": "<Figure>", "image/png": "…"}}}) is None  # type: ignore[operator]
    assert (captured.text, Shell.display_pub.hooks) == ("<Figure>", [])
