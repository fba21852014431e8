"""Every case of the wire table over real HTTP, through the SDK and a whole session: nothing on the way changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import nbstream
from nbstream.testing import FaultServer
from tests.each import check_each
from tests.wire_table import Case, by_entry, cut_at_random, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.request import Api
    from nbstream.result import StreamResult

pytestmark = pytest.mark.sdk

PATIENCE = 60.0
CASES = by_entry()


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    """One for all the cases, because a new address costs a new client."""
    with FaultServer() as made:
        yield made


def ask(server: FaultServer, api: Api) -> StreamResult:
    handle = nbstream.start("Hi", model="asked", api=api, base_url=server.base_url, display=False, max_retries=0)
    try:
        return handle.result(PATIENCE)
    except nbstream.StreamError as error:
        return error.result


@pytest.mark.parametrize("entry", CASES)
def test_every_case_ends_as_it_must_over_http(server: FaultServer, entry: str) -> None:
    def check(case: Case) -> None:
        for pieces in [[case.body], *cut_at_random(case.body, 1)]:
            before = len(server.requests)
            server.send(*pieces, **case.http)
            ended = outcome(ask(server, case.api), case.expect)
            # A machine with too much to do looks like a proxy that holds streams back; virtual time tells them apart.
            ended["warnings"] = [kind for kind in ended["warnings"] if kind != "buffered"]
            assert ended == case.expect, pieces
            asked = [received.method for received in server.requests[before:]]
            assert asked.count("POST") == 1, "the list of models may be asked for, too"

    check_each(CASES[entry], check)
