"""Draws which room of the package imports which, read from the source."""

from __future__ import annotations

import ast
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Room", "drawn", "rooms_of"]

_CELL, _LEFT, _TOP = 26, 250, 20


class Room(NamedTuple):
    """One package within the package.

    Attributes:
        name: Its name; "" stands for the modules at the top.
        about: The first sentence of its docstring.
        files: How many modules it has.
        lines: How many lines.
        imports: How many of its modules import a module of each other room when they are imported or run.
    """

    name: str
    about: str
    files: int
    lines: int
    imports: Mapping[str, int]


def rooms_of(package: Path) -> list[Room]:
    """The rooms, those that import the fewest others first.

    Args:
        package: The folder of the package.
    """
    folders = [package, *(each for each in sorted(package.iterdir()) if (each / "__init__.py").exists())]
    rooms = [_room(package, folder) for folder in folders]
    reach = {room.name: _reach(room.name, {each.name: set(each.imports) for each in rooms}) for room in rooms}
    return sorted(rooms, key=lambda room: (len(reach[room.name]), len(room.imports), room.name))


def drawn(rooms: Sequence[Room]) -> str:
    """An SVG: a row for each room, with a dot below each room that it imports, larger for more modules.

    Args:
        rooms: What `rooms_of` gives.
    """
    width, height = _LEFT + _CELL * len(rooms) + 10, _TOP + _CELL * len(rooms) + 10
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="100%" role="img" '
            f'style="max-width:{width}px" font-family="sans-serif" font-size="13" fill="currentColor">'
        ),
        "<title>Which room imports which</title>",
    ]
    places = {room.name: number for number, room in enumerate(rooms)}
    for number, room in enumerate(rooms):
        y = _TOP + _CELL * number + _CELL // 2
        x = _LEFT + _CELL * number + _CELL // 2
        lines.append(f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(room.name or "(top)")}</text>')
        lines.append(f'<path d="M{_LEFT} {y}H{x}V{height - 10}" fill="none" stroke="currentColor" opacity="0.12"/>')
        lines.append(f'<rect x="{x - 6}" y="{y - 6}" width="12" height="12" rx="3" opacity="0.25"/>')
        for other, count in sorted(room.imports.items()):
            at = _LEFT + _CELL * places[other] + _CELL // 2
            told = f"{room.name or 'the top'} imports {other or 'the top'}, in {count} modules"
            lines.append(
                f'<circle cx="{at}" cy="{y}" r="{min(9, 2 + count**0.5):.1f}" '
                f'fill="{"#3f51b5" if places[other] < number else "#e65100"}"><title>{escape(told)}</title></circle>'
            )
    return "\n".join([*lines, "</svg>"])


def _room(package: Path, folder: Path) -> Room:
    name = "" if folder == package else folder.name
    files = sorted(folder.glob("*.py") if not name else folder.rglob("*.py"))
    imports: dict[str, int] = {}
    for file in files:
        for other in {_first(package, each) for each in _imported(ast.parse(file.read_text("utf-8")))} - {name, None}:
            assert other is not None
            imports[other] = imports.get(other, 0) + 1
    about = (ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or "").partition("\n\n")[0]
    return Room(name, " ".join(about.split()), len(files), sum(_lines(file) for file in files), imports)


def _lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


def _imported(tree: ast.Module) -> Iterator[str]:
    """The modules of nbstream that a module imports to run; not those that it names for types only."""
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbstream"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _first(package: Path, module: str) -> str | None:
    _, _, rest = module.partition(".")
    first = rest.partition(".")[0]
    return first if (package / first / "__init__.py").exists() else ""


def _reach(name: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    wanted = [name]
    while wanted:
        new = imports[wanted.pop()] - found
        found |= new
        wanted += new
    return found
