"""A server that answers rows by their words, and counts them."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.testing import Answer, chat_body, error_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer


@pytest.fixture(autouse=True)
def importable_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes be spawned from a worker of pytest-xdist, whose main module says nothing of where it is from."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)


class Oracle:
    """Answers each prompt in capital letters, or as `answers` says; `asked` counts the prompts."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, Any] = {}
        server.respond(self._answer)

    def _answer(self, received: Any) -> Any:
        prompt = received.json["messages"][-1]["content"]
        self.asked[prompt] += 1
        made = self.answers.get(prompt, self.answers.get("*"))
        if callable(made):
            made = made(self.asked[prompt])
        return chat_body(prompt.upper(), usage=(10, 5)) if made is None else made


def refusal(status: int, message: str = "No", **headers: str) -> Answer:
    return Answer(
        error_body(message),
        status=status,
        headers={
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


@pytest.fixture
def oracle(loopback: FaultServer) -> Oracle:
    return Oracle(loopback)


@pytest.fixture
def ask(oracle: Oracle, tmp_path: Any) -> Callable[..., Any]:
    """`nbs.map` with the oracle and a checkpoint of the test's own."""

    def ask(*arguments: Any, **options: Any) -> Any:
        asked = {"model": "m", "base_url": oracle.server.base_url, "checkpoint": tmp_path / "answers.sqlite"}
        return nbs.map(*arguments, **{**asked, "display": False, **options})

    return ask
