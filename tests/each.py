"""Many small cases in one test, where a test of its own for each would cost more than the case itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["check_each"]

Case = TypeVar("Case")


def check_each(cases: Iterable[Case], check: Callable[[Case], None], name: Callable[[Case], object] = str) -> None:
    """Check every case, also after one has failed, and tell all that failed, each by its name.

    Args:
        cases: At least one.
        check: Raises if something is wrong with a case.
        name: What a case is called.
    """
    failed: list[BaseException] = []
    count = 0
    for count, case in enumerate(cases, 1):  # noqa: B007  counted to the end
        try:
            check(case)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  told below
            error.add_note(f"case: {name(case)}")
            failed.append(error)
    assert count, "there is no case"
    if failed:
        raise BaseExceptionGroup(f"{len(failed)} of {count} cases failed", failed)
