"""A table of cases in one test fails as so many tests would."""

import pytest

from tests.each import check_each


def test_every_case_is_checked_and_each_that_fails_is_named():
    checked = []

    def check(number):
        checked.append(number)
        assert number != 1
        if number == 2:
            with pytest.raises(ValueError, match="x"):
                pass

    with pytest.raises(BaseExceptionGroup, match="2 of 4 cases failed") as caught:
        check_each(range(4), check, "number {}".format)
    assert checked == [0, 1, 2, 3]
    assert [error.__notes__ for error in caught.value.exceptions] == [["case: number 1"], ["case: number 2"]]


def test_a_table_without_cases_is_a_failure():
    with pytest.raises(AssertionError, match="no case"):
        check_each([], print)
