"""The figures that are held to a bound: checked one by one, and all at the end, in one table and in a file."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import platform
import re
from importlib.metadata import version
from typing import Any, NamedTuple

__all__ = ["hold", "report", "table"]

VERSIONS = ("nbstream", "openai", "ipykernel", "jupyterlab", "ipywidgets")


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


def report(command: str) -> str:
    """The figures with what they were measured on, as JSON; the page on performance is made of it.

    Args:
        command: What has measured them.
    """
    said: dict[str, Any] = {
        "command": command,
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
        "figures": [each._asdict() for each in _figures],
    }
    return json.dumps(said, indent=1) + "\n"


def _processor() -> str:
    """The name of the processor, which Python knows on some systems only."""
    info = pathlib.Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", info.read_text("utf-8"), re.MULTILINE) if info.exists() else None
    return named[1] if named else platform.processor() or platform.machine()
