"""The figures that are held to a bound: checked one by one, and all in one table at the end."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["hold", "table"]


class Figure(NamedTuple):
    """A figure and what it may be at the most."""

    name: str
    value: float
    most: float
    unit: str


_figures: list[Figure] = []


def hold(name: str, value: float, most: float, unit: str = "") -> None:
    """Note a figure, and fail if it is above its bound.

    Args:
        name: What is measured.
        value: The figure.
        most: What it may be at the most.
        unit: Of both; ratios have none.
    """
    _figures.append(Figure(name, value, most, unit))
    assert value <= most, f"{name}: {value:.4g} {unit}, at most {most:.4g}"


def table() -> list[str]:
    """The lines of the table, or none if nothing was measured."""
    if not _figures:
        return []
    rows = [
        f"{each.name:70}{each.value:12.4g}{each.most:12.4g} {each.unit:6}{'' if each.value <= each.most else 'MISSED'}"
        for each in _figures
    ]
    return [f"{'':70}{'measured':>12}{'at most':>12}", *(row.rstrip() for row in rows)]
