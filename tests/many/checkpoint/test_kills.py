"""A map whose process is killed at any moment pays nothing twice and loses nothing; see also the benchmarks."""

import pytest

from tests.many.checkpoint.kills import killed_and_gone_on

pytestmark = pytest.mark.sdk


def test_a_map_that_is_killed_again_and_again_pays_nothing_twice(oracle, tmp_path):
    told = killed_and_gone_on(oracle, tmp_path, runs=3, rows=150, longest=1.5)
    assert told["runs with answers"] >= 1
