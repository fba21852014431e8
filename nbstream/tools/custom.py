"""Custom tools: what a model is told of a function that it gives free text, which a grammar may hold to something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["checked_format", "custom_definition", "takes_text"]

_SYNTAXES = {"lark", "regex"}


def custom_definition(api: str, name: str, description: str, format_: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the model is told, in the words of an API.

    Args:
        api: `"responses"` or `"chat"`.
        name: What the model calls the tool.
        description: What it does.
        format_: What the text is held to, in the words of Responses.

    Example:
        >>> custom_definition("chat", "run", "Run it.", None)
        {'type': 'custom', 'custom': {'name': 'run', 'description': 'Run it.'}}
    """
    told: dict[str, Any] = {"name": name, "description": description}
    if api == "responses":
        return {"type": "custom", **told, **({"format": dict(format_)} if format_ else {})}
    if format_ and format_["type"] == "grammar":
        grammar = {field: value for field, value in format_.items() if field != "type"}
        told["format"] = {"type": "grammar", "grammar": grammar}
    elif format_:
        told["format"] = dict(format_)
    return {"type": "custom", "custom": told}


def checked_format(given: Mapping[str, Any] | None, tool: str) -> dict[str, Any] | None:
    """The format in the words of Responses, from those of either API.

    Raises:
        UsageError: It is none.
    """
    if given is None:
        return None
    made = dict(given) if isinstance(given, dict) else {}
    if isinstance(grammar := made.pop("grammar", None), dict):
        made |= grammar
    is_grammar = made.get("syntax") in _SYNTAXES and isinstance(made.get("definition"), str)
    if made.get("type") == "text" or (made.get("type") == "grammar" and is_grammar):
        return made
    raise UsageError(
        f'the format of the tool {tool} is {{"type": "grammar", "syntax": "lark" or "regex", "definition": "…"}}, '
        f"not {given!r}"
    )


def takes_text(schema: Mapping[str, Any]) -> bool:
    """Whether an object of this schema is one text."""
    kinds = [each.get("type") for each in schema.get("properties", {}).values()]
    return kinds == ["string"]
