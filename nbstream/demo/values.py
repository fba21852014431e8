"""What the demo answers to a JSON schema: values that fit it, the same each time. Pure; knows no wire format.

Fields with well-known names are about cities, so that a table of them can be read. How many elements a list has is what
the question says, "the five largest cities", or three.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["json_for"]

_CITIES = (
    ("Oslo", "Norway", 717_710, 1040, True),
    ("Bergen", "Norway", 291_940, 1070, False),
    ("Copenhagen", "Denmark", 660_842, 1167, True),
    ("Aarhus", "Denmark", 290_598, 770, False),
    ("Stockholm", "Sweden", 988_943, 1252, True),
    ("Gothenburg", "Sweden", 604_829, 1621, False),
    ("Helsinki", "Finland", 674_500, 1550, True),
    ("Turku", "Finland", 201_863, 1229, False),
    ("Reykjavík", "Iceland", 139_875, 1786, True),
    ("Tallinn", "Estonia", 453_864, 1248, True),
)
_FIELDS = {
    **dict.fromkeys(("name", "city", "title", "place", "label"), 0),
    "country": 1,
    **dict.fromkeys(("people", "population", "inhabitants"), 2),
    **dict.fromkeys(("founded", "year", "since"), 3),
    **dict.fromkeys(("capital", "is_capital"), 4),
}
_SENTENCES = {"answer", "comment", "description", "explanation", "note", "reason", "summary", "text", "why"}
_FORMATS = {
    "date": "2024-05-{day:02}",
    "date-time": "2024-05-{day:02}T12:00:00Z",
    "duration": "P{day}D",
    "email": "reader{day}@example.com",
    "ipv4": "192.0.2.{day}",
    "time": "12:{day:02}:00Z",
    "uri": "https://example.com/{day}",
    "uuid": "00000000-0000-4000-8000-0000000000{day:02}",
}
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNT = re.compile(rf"\b(?:(\d{{1,3}}(?:,\d{{3}})+|\d+)|({'|'.join(_NUMBERS)}))\b(?! *%)", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_USUAL_ROWS, _MOST_ROWS, _MOST_WITHIN, _DEEPEST = 3, 2_000, 2, 5


def json_for(schema: Mapping[str, Any], question: str, *, misfit: bool = False) -> str:
    """The JSON of a value that fits a schema.

    Args:
        schema: What the answer is held to.
        question: What was asked; it may say how long lists are.
        misfit: Whether one of its values shall not fit.

    Example:
        >>> print(json_for({"type": "object", "properties": {"city": {"type": "string"}}}, ""))
        {
          "city": "Oslo"
        }
    """
    value = _Maker(schema, _rows_in(question)).value(schema, _Place())
    if misfit:
        value = _spoiled(value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def _rows_in(question: str) -> int:
    for match in _COUNT.finditer(question):
        digits, word = match.groups()
        if word:
            return _NUMBERS.index(word.lower()) + 1
        if not _YEAR.fullmatch(digits) or question[match.end() :].lstrip().startswith("rows"):
            return min(int(digits.replace(",", "")[:9]), _MOST_ROWS)
    return _USUAL_ROWS


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands.

    Attributes:
        field: The name of the field.
        row: Which element of a list it belongs to.
        depth: How many values it is in.
        in_list: Whether one of them is a list.
    """

    field: str = ""
    row: int = 0
    depth: int = 0
    in_list: bool = False


class _Maker:
    def __init__(self, root: Mapping[str, Any], rows: int) -> None:
        self._root = root
        self._rows = rows

    def value(self, schema: Any, at: _Place) -> Any:
        schema = self._resolved(schema, at)
        if "const" in schema:
            return schema["const"]
        if options := schema.get("enum"):
            return options[at.row % len(options)]
        match _kind_of(schema):
            case "object":
                return self._object(schema, at)
            case "array":
                return self._list(schema, at)
            case "boolean":
                return bool(known) if isinstance(known := _known(at), bool) else at.row % 2 == 0
            case "integer" | "number" as kind:
                return _number(schema, at, whole=kind == "integer")
            case "null":
                return None
        return _text(schema, at)

    def _resolved(self, schema: Any, at: _Place) -> dict[str, Any]:
        """The schema with what it refers to; of several that would do, the first that says something."""
        for _ in range(20):
            if not isinstance(schema, dict):
                return {}
            rest = {name: each for name, each in schema.items() if name not in {"$ref", "allOf", "anyOf", "oneOf"}}
            options = [each for name in ("anyOf", "oneOf") for each in schema.get(name) or ()]
            if "$ref" in schema:
                schema = {**self._named(str(schema["$ref"])), **rest}
            elif schema.get("allOf"):
                schema = {name: each for part in (*schema["allOf"], rest) for name, each in part.items()}
            elif options:
                said = [each for each in options if each.get("type") != "null"]
                deep = at.depth > _DEEPEST and len(said) < len(options)
                schema = {"type": "null"} if deep or not said else {**rest, **said[0]}
            else:
                return schema
        return {}

    def _named(self, reference: str) -> dict[str, Any]:
        found: Any = self._root
        for name in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(name.replace("~1", "/").replace("~0", "~")) if name and isinstance(found, dict) else found
        return found if isinstance(found, dict) else {}

    def _object(self, schema: Mapping[str, Any], at: _Place) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        required = schema.get("required") or ()
        others = schema.get("additionalProperties")
        if not properties and isinstance(others, dict):
            places = [_Place(_CITIES[row][0], row, at.depth + 1, at.in_list) for row in range(min(self._rows, 10))]
            return {place.field: self.value(others, place) for place in places}
        return {
            name: self.value(each, _Place(name, at.row, at.depth + 1, at.in_list))
            for name, each in properties.items()
            if at.depth <= _DEEPEST or name in required
        }

    def _list(self, schema: Mapping[str, Any], at: _Place) -> list[Any]:
        first = schema.get("prefixItems") or ()
        count = 0 if at.depth > _DEEPEST else _MOST_WITHIN if at.in_list else self._rows
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        count = len(first) if first else max(least, min(count, most))
        places = (_Place(at.field, row, at.depth + 1, in_list=True) for row in range(int(count)))
        items = schema.get("items", {})
        return [self.value(first[row] if row < len(first) else items, place) for row, place in enumerate(places)]


def _kind_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _known(at: _Place) -> Any:
    """What is known of a city, by the name of the field."""
    column = _FIELDS.get(at.field.lower())
    return None if column is None else _CITIES[at.row % len(_CITIES)][column]


def _number(schema: Mapping[str, Any], at: _Place, *, whole: bool) -> float:
    known = _known(at)
    value: float = (
        known if isinstance(known, int) and not isinstance(known, bool) else (at.row + 1) * (1 if whole else 1.5)
    )
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    low = max(low, schema.get("exclusiveMinimum", -math.inf) + step)
    high = min(high, schema.get("exclusiveMaximum", math.inf) - step)
    if "multipleOf" in schema:
        value = math.ceil(max(value, low) / step) * step
    value = min(max(value, low), high)
    return int(value) if whole else value


def _text(schema: Mapping[str, Any], at: _Place) -> str:
    day = at.row % 28 + 1
    known = _known(at)
    if form := _FORMATS.get(str(schema.get("format"))):
        text = form.format(day=day)
    elif isinstance(known, str):
        again = at.row // len(_CITIES)
        text = f"{known} {again + 1}" if again and at.field.lower() != "country" else known
    elif at.field.lower() in _SENTENCES:
        text = f"Made up by nbstream's demo model, number {at.row + 1}."
    else:
        text = f"{at.field.replace('_', ' ').capitalize() or 'Value'} {at.row + 1}"
    if pattern := schema.get("pattern"):
        text = next((each for each in _shapes(text) if re.search(pattern, each)), text)
    return text.ljust(schema.get("minLength", 0), "…")[: schema.get("maxLength")]


def _shapes(text: str) -> Iterator[str]:
    """Texts of many shapes, one of which may be what a pattern asks for."""
    yield text
    for length in range(1, 17):
        for part in ("1234567890", "abcdefgh", "ABCDEFGH"):
            yield (part * 2)[:length]
    yield from (
        f"{letters}{sign}{digits}"
        for letters in ("A", "AB", "ABC")
        for sign in ("", "-")
        for digits in ("1", "12", "123", "1234")
    )


def _spoiled(value: Any) -> Any:
    """The value with its first number as a word, or if it has none, without its first text."""
    for kind, instead in ((int | float, "many"), (str, None)):
        spoiled, done = _replaced(value, kind, instead)
        if done:
            return spoiled
    return None


def _replaced(value: Any, kind: Any, instead: Any) -> tuple[Any, bool]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        made, done = value.copy(), False
        for key, each in pairs:
            made[key], done = _replaced(each, kind, instead)
            if done:
                break
        return made, done
    fits = isinstance(value, kind) and not isinstance(value, bool)
    return (instead, True) if fits else (value, False)
