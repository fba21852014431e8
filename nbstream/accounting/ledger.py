"""`nbs.ledger`: what the requests of this kernel, or those in a file, took. To iterate over, add up and group."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, overload

from nbstream.accounting.entry import Entry
from nbstream.accounting.total import Total, total_of
from nbstream.errors import UsageError
from nbstream.streaming.engine import engine
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pandas as pd

    from nbstream.outcome import Quota

__all__ = ["Groups", "Ledger", "ledger"]

_KEYS = (*(each.name for each in fields(Entry)), "day", "tokens")


class Ledger(Sequence[Entry]):
    """Requests, in the order in which they ended, each as a `nbstream.accounting.entry.Entry`.

    `nbs.ledger` has those of this kernel; `nbs.ledger.read("usage.sqlite")` has those that kernels have written there.

    Args:
        entries: Gives them, each time anew.
        quotas: Gives what relays have left, by host.

    Example:
        ```python
        nbs.ledger.total.cost
        nbs.ledger.by("model")["gpt-5-mini"].output_tokens
        for entry in nbs.ledger:
            print(entry.time, entry.model, entry.state, entry.cost)
        ```
    """

    def __init__(
        self, entries: Callable[[], Sequence[Entry]], quotas: Callable[[], Mapping[str, Quota]] = dict
    ) -> None:
        self._entries = entries
        self._quotas = quotas

    @property
    def quotas(self) -> Mapping[str, Quota]:
        """What relays have left for their user, by host, as they said with their latest answers."""
        return dict(self._quotas())

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> Ledger: ...
    def __getitem__(self, at: int | slice) -> Entry | Ledger:
        if isinstance(at, slice):
            some = self._entries()[at]
            return Ledger(lambda: some)
        return self._entries()[at]

    @property
    def total(self) -> Total:
        """All of them together."""
        return total_of(self._entries())

    def by(self, *names: str) -> Groups:
        """Add up the requests that have something in common.

        Args:
            names: What: `"model"`, `"host"`, `"state"`, `"cell"`, `"day"`, or another field of an entry; several make
                groups of each combination.

        Returns:
            The totals, by what the requests have in common: a value, or a tuple of several.

        Raises:
            UsageError: No entry has such a field.

        Example:
            ```python
            nbs.ledger.by("model", "day")
            ```
        """
        if not names:
            raise UsageError('name what to add up by, such as "model"')
        for name in names:
            if name not in _KEYS:
                raise UsageError(
                    f"no entry has a {name!r}{did_you_mean(name, _KEYS) or '; there is ' + ', '.join(_KEYS)}"
                )
        grouped: dict[Any, list[Entry]] = {}
        for entry in self._entries():
            key = tuple(getattr(entry, name) for name in names)
            grouped.setdefault(key if len(names) > 1 else key[0], []).append(entry)
        return Groups(names, {key: total_of(entries) for key, entries in grouped.items()})

    def to_pandas(self) -> pd.DataFrame:
        """The requests as a data frame, one a row. What is unknown is missing in it, not 0.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise UsageError("to_pandas() needs pandas: %pip install pandas") from None
        rows = [{**asdict(entry), "tokens": entry.tokens} for entry in self._entries()]
        frame = pd.DataFrame(rows, columns=[*(each.name for each in fields(Entry)), "tokens"])
        whole = {each.name: "Int64" for each in fields(Entry) if each.type == "int | None"}
        return frame.astype(
            {**whole, **{each.name: "float64" for each in fields(Entry) if each.type == "float | None"}}
        )

    @staticmethod
    def read(file: str | os.PathLike[str]) -> Ledger:
        """The requests that kernels have written to a file, all of them.

        Args:
            file: What the setting `NBStream.ledger` names.

        Raises:
            UsageError: There is no such file, or it is something else.

        Example:
            ```python
            nbs.ledger.read("usage.sqlite").by("day")
            ```
        """
        from nbstream.accounting.ledger_file import LedgerFile

        kept = LedgerFile(pathlib.Path(file).expanduser())
        kept.read()  # which says now what is wrong with it
        return Ledger(kept.read)

    def __repr__(self) -> str:
        from nbstream.accounting.usage_table import as_text

        return as_text(self._entries(), self._quotas())

    def _repr_html_(self) -> str:
        from nbstream.accounting.usage_table import as_html

        return as_html(self._entries(), self._quotas())


class Groups(Mapping[Any, Total]):
    """Totals, by what the requests have in common.

    Args:
        names: What that is.
        totals: By its values.
    """

    def __init__(self, names: Sequence[str], totals: Mapping[Any, Total]) -> None:
        self.names = tuple(names)
        self._totals = totals

    def __getitem__(self, key: Any) -> Total:
        return self._totals[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._totals)

    def __len__(self) -> int:
        return len(self._totals)

    def __repr__(self) -> str:
        from nbstream.accounting.usage_table import groups_as_text

        return groups_as_text(self.names, self._totals)

    def _repr_html_(self) -> str:
        from nbstream.accounting.usage_table import groups_as_html

        return groups_as_html(self.names, self._totals)


ledger = Ledger(lambda: engine().book.entries, lambda: engine().book.quotas)
"""The requests of this kernel."""
