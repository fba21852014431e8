"""What the benchmarks share: their mark, and a server in a process of its own."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.bounds import report, table
from tests.benchmarks.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.benchmark)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = table()
    if lines:
        terminalreporter.section("figures")
    for line in lines:
        terminalreporter.write_line(line)
    if lines and (file := terminalreporter.config.getoption("--figures")):
        pathlib.Path(file).write_text(report(f"bash tests/run.sh --benchmarks --figures {file}"), "utf-8")


@pytest.fixture(scope="session")
def streams() -> Iterator[str]:
    """The beginning of the base URLs of a server that streams what they say."""
    with serving() as beginning:
        yield beginning
