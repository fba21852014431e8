"""What a model is told of a variable: short whatever it is, and without doing anything to it."""

import sys
import tracemalloc
import types

import pytest

from nbstream.panel.context import summaries, summary, with_context

LONGEST = 2_000 + len("x: ")


class Unlooked:
    """Fails when it is asked for anything that is not on its class."""

    def __getattr__(self, name):
        raise AssertionError(name)

    def __iter__(self):
        raise AssertionError("iterated")

    def __len__(self):
        raise AssertionError("measured")


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no")


class HugeRepr:
    def __repr__(self):
        return "y" * 5_000_000


class Tensor:
    shape = (3, 4)
    dtype = "float32"

    def __repr__(self):
        raise AssertionError("its values are on another device")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "x: int\n  7"),
        (None, "x: NoneType\n  None"),
        ("a\nb", "x: str, 3 characters\n  'a\\nb'"),
        ([1, "two", None], "x: list, 3 items\n  1\n  'two'\n  None"),
        ((1,), "x: tuple, 1 item\n  1"),
        (list(range(12)), "x: list, 12 items\n" + "".join(f"  {n}\n" for n in range(10)) + "  … and 2 more"),
        ({"a": {"b": [1]}}, "x: dict, 1 entry\n  'a': {'b': [1]}"),
        (set(), "x: set, 0 items"),
        (b"ab", "x: bytes, 2 bytes\n  b'ab'"),
        (Tensor(), "x: Tensor, shape (3, 4), dtype float32"),
    ],
)
def test_small_values_by_value(value, expected):
    assert summary("x", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "long " * 1_000_000,
        ["z" * 1_000_000] * 1_000,
        {("k" * 10_000, n): "v" * 10_000 for n in range(100)},
        10**10_000,
        HugeRepr(),
        [HugeRepr()] * 20,
        b"\0" * 10_000_000,
        [[[[[[[1] * 100] * 100] * 100] * 100] * 100] * 100],
    ],
    ids=range(8),
)
def test_a_summary_is_short_and_cheap_however_large_the_value(value):
    summary("x", 1)  # imports what it needs
    tracemalloc.start()
    try:
        assert len(summary("x", value)) <= LONGEST
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000, "nothing but one object's own words is written out to be cut"


def test_an_object_whose_repr_fails_is_named():
    assert "Unshowable" in summary("x", Unshowable())
    assert "Unshowable" in summary("x", [Unshowable()])


def test_nothing_is_done_to_a_value():
    numbers = iter([1, 2, 3])
    assert summary("x", numbers).startswith("x: list_iterator\n  <list_iterator object")
    assert list(numbers) == [1, 2, 3]
    assert "Unlooked" in summary("x", Unlooked())


def test_a_list_that_holds_itself():
    loop: list[object] = [1]
    loop.append(loop)
    assert len(summary("x", loop)) <= LONGEST


def test_a_subclass_that_fails_when_it_is_looked_at():
    class Broken(dict[str, int]):
        def items(self):
            raise ValueError("broken")

    assert summary("x", Broken(a=1)) == f"x: {Broken.__qualname__[:59]}…, could not be looked at (ValueError)"


def test_missing_variables_are_said_to_be_missing():
    assert summaries(["x", "y"], {"y": 1}) == ("x (not defined)", "y: int\n  1")


def test_the_system_prompt_stays_first():
    assert with_context("Be terse.", ()) == "Be terse."
    assert with_context(None, ()) is None
    whole = with_context("Be terse.", ("x: int\n  1",)) or ""
    assert whole.startswith("Be terse.\n\nVariables")
    assert whole.endswith("\n\nx: int\n  1")
    assert (with_context(None, ("x: int",)) or "").startswith("Variables")


# --- tables, by doubles of the little that is used of the libraries ---------------------------------------------------


class _Column(list[object]):
    def tolist(self):
        return list(self)

    to_list = tolist


class _Positions:
    """`iloc` of a frame: refuses to give more than a small slice."""

    def __init__(self, frame):
        self.frame = frame

    def __getitem__(self, key):
        rows, columns = key
        if isinstance(columns, int):
            return _Column(self.frame.data[columns])
        assert rows.stop <= 5
        assert columns.stop <= 20
        return type(self.frame)(
            self.frame.columns[columns], self.frame.dtypes[columns], [c[rows] for c in self.frame.data[columns]]
        )


class DataFrame:
    def __init__(self, columns, dtypes, data):
        self.columns, self.dtypes, self.data = columns, dtypes, data
        self.index = range(len(data[0]) if data else 0)
        self.shape = (len(self.index), len(columns))

    @property
    def iloc(self):
        return _Positions(self)

    def head(self, rows):
        return {name: _Column(column[:rows]) for name, column in zip(self.columns, self.data, strict=True)}

    def __repr__(self):
        raise AssertionError("all of it would be drawn")


def frame_of(library, *arguments):
    kind = type("DataFrame", (DataFrame,), {"__module__": f"{library}.core"})
    return kind(*arguments)


AGES = (["name", "age"], ["object", "int64"], [["Ada\nLovelace", "Alan"], [36, 41]])


def test_a_pandas_frame():
    assert summary("df", frame_of("pandas", *AGES)) == (
        "df: DataFrame, shape (2, 2)\n  columns: name (object), age (int64)\n  | name | age\n"
        "  0 | Ada Lovelace | 36\n  1 | Alan | 41"
    )


def test_a_polars_frame():
    assert summary("df", frame_of("polars", *AGES)).startswith("df: polars DataFrame, shape (2, 2)\n  columns:")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_wide_and_long_frame_is_cut(library):
    columns = 30
    frame = frame_of(
        library, [f"c{n}" * 100 for n in range(columns)], ["str"] * columns, [["cell" * 1_000] * 1_000] * columns
    )
    text = summary("df", frame)
    assert "shape (1000, 30)" in text
    assert len(text) <= LONGEST + 1


def test_a_frame_within_a_list_is_only_named():
    assert summary("x", [frame_of("pandas", *AGES)]) == "x: list, 1 item\n  <DataFrame, shape (2, 2)>"


def test_the_real_libraries():
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    frame = pandas.DataFrame({"a": range(7), "b": ["x"] * 7})
    assert summary("df", frame) == (
        f"df: DataFrame, shape (7, 2)\n  columns: a (int64), b ({frame.b.dtype})\n  | a | b\n"
        + "".join(f"  {n} | {n} | x\n" for n in range(5))
        + "  … and 2 more rows"
    )
    assert summary("s", frame.a[:2]) == "s: Series named 'a', 2 rows of int64\n  0: 0\n  1: 1"
    assert summary("n", numpy.arange(6).reshape(2, 3).T) == (
        "n: ndarray, shape (3, 2), dtype int64\n  [0, 3, 1, 4, 2, 5]"
    )
    assert summary("n", numpy.zeros((9, 9))).endswith("0.0, …]")


def test_no_library_is_imported_for_it():
    loaded = {name for name in ("pandas", "polars", "numpy") if isinstance(sys.modules.get(name), types.ModuleType)}
    summary("df", frame_of("pandas", *AGES))
    assert loaded == {name for name in ("pandas", "polars", "numpy") if name in sys.modules}
