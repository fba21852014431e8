"""The pages that are made from the code: options, settings, the Python API, and what comes down the wire."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import nbstream
from nbstream.settings.config import NBStream
from nbstream.settings.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["api", "options", "performance", "settings", "wire"]

MODULES = {
    "errors": "What goes wrong, as exceptions",
    "events": "What happens in a stream, as values",
    "parts": "What an answer is made of",
    "remedies": "What can be done about what happened",
    "moderation": "What checks prompts and answers",
    "testing": "Doubles for the tests of your own notebooks",
}
"""The public modules."""


def options() -> str:
    """The options of a stream, in Python and in the magics."""
    rows = [
        (f"`{each.name}`", " ".join(f"`{flag}`" for flag in each.flags), _cell(each.meaning), _example(each.help))
        for each in sorted(OPTIONS, key=lambda each: each.name)
    ]
    return "\n".join(
        [
            "# Options of a stream",
            "",
            "Keywords of `nbs.stream`, `nbs.astream`, `nbs.start`, `nbs.Chat` and `nbs.ChatPanel`, and options of",
            "`%%stream` and `%stream`. Any other keyword goes to the API as it is, unless it is close to one of these.",
            "",
            *_table(("In Python", "In a magic", "What it does", "Example"), rows),
        ]
    )


def settings() -> str:
    """The settings of a kernel."""
    rows = [
        (f"`{name}`", f"`{trait.default_value!r}`", _cell(trait.help))
        for name, trait in sorted(NBStream.class_own_traits(config=True).items())
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            'Set them for one notebook with `nbs.configure(model="…")` or `%config NBStream.model = "…"`, and for all',
            'in `ipython_config.py` with `c.NBStream.model = "…"`. An option of a call goes before its setting.',
            "",
            *_table(("Setting", "Default", "What it does"), rows),
        ]
    )


def api() -> str:
    """The public names, from their docstrings."""
    lines = ["# Python API", "", "`import nbstream as nbs` gives these names.", ""]
    for name in sorted(set(nbstream.__all__) - {"load_ipython_extension", "unload_ipython_extension"}, key=str.lower):
        if _path_of(name).split(".")[1] in MODULES:  # which has a page of its own
            module = _path_of(name).split(".")[1]
            lines += [f"## `nbs.{name}` {{ #{name.lower()} }}", "", f"See [`nbstream.{module}`]({module}.md).", ""]
            continue
        lines += [f"## `nbs.{name}` {{ #{name.lower()} }}", "", f"::: {_path_of(name)}", *_INSPECTED, ""]
    return "\n".join(lines)


def modules() -> dict[str, str]:
    """A page for each public module."""
    return {
        name: "\n".join(
            [f"# `nbstream.{name}`", "", f"{about}.", "", f"::: nbstream.{name}", *_OF_A_MODULE, ""],
        )
        for name, about in MODULES.items()
    }


def wire(folder: Path) -> str:
    """What servers send, and what becomes of it, from the data of the tests.

    Args:
        folder: Where the cases are.
    """
    lines = [
        "# What comes down the wire",
        "",
        "Each line is a response as real servers have sent it, and what nbstream makes of it. The tests play all of",
        "them: whole, one byte at a time, cut at random, and over HTTP through the SDK.",
        "",
    ]
    for file in sorted(folder.glob("*.toml")):
        table = tomllib.loads(file.read_text("utf-8"))
        rows = [(case["id"], _cell(case["name"]), _end_of(case["expect"])) for case in table["case"]]
        lines += [f"## {table['title']}", "", *_table(("", "What comes", "What becomes of it"), rows), ""]
    return "\n".join(lines)


def performance(figures: Path) -> str:
    """The figures of the benchmarks.

    Args:
        figures: What they have written with `--figures`.
    """
    found = json.loads(figures.read_text("utf-8"))
    machine, versions = found["machine"], found["versions"]
    rows = [
        (_cell(each["name"]), *(f"{each[of]:.3g} {each['unit']}".rstrip() for of in ("value", "most")))
        for each in found["figures"]
    ]
    return "\n".join(
        [
            "# Performance",
            "",
            f"Measured on {found['day']}, on {machine['cores']} cores ({machine['processor']}, {machine['system']}),",
            "with",
            f"{', '.join(f'{name} {number}' for name, number in versions.items())}.",
            "Figures without a unit are ratios: they compare with a named alternative in the same run.",
            "[How it works](how-it-works.md) says what they mean. To measure them on your own machine:",
            "",
            "```sh",
            found["command"],
            "```",
            "",
            *_table(("What is measured", "Measured", "At most"), rows),
        ]
    )


_INSPECTED = [
    "    options:",
    "      force_inspection: true",
    "      show_root_heading: false",
    "      show_root_toc_entry: false",
    "      heading_level: 3",
    "      filters: ['!^_']",
]
_OF_A_MODULE = [
    "    options:",
    "      show_root_heading: false",
    "      show_root_toc_entry: false",
    "      heading_level: 2",
    "      filters: ['!^_', '!^TYPE_CHECKING$']",
    "      members_order: alphabetical",
]


def _path_of(name: str) -> str:
    value: Any = getattr(nbstream, name)
    module = getattr(value, "__module__", None)
    if isinstance(value, type) or callable(value):
        return f"{module}.{getattr(value, '__qualname__', name)}"
    return f"{type(value).__module__}.{type(value).__name__}"


def _end_of(expect: Mapping[str, Any]) -> str:
    words = [expect["state"]]
    if kind := expect.get("kind"):
        words = [f"failed: `{kind}`"]
    elif reason := expect.get("finish_reason"):
        words.append(f"`{reason}`")
    if calls := expect.get("tool_calls"):
        words.append(f"{len(calls)} tool call{'s' if len(calls) > 1 else ''}")
    if expect.get("text"):
        words.append("with its text")
    if expect.get("warnings"):
        words.append("with a warning")
    return ", ".join(words)


def _example(text: str) -> str:
    _, _, example = text.partition("Example: ")
    return f"`{example}`" if example else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
