"""What a Responses stream says of its built-in tools: searches, code, images, MCP calls, shells.

Every item that is neither words nor a call for the caller to answer is one, even of a kind that is not known yet. The
images that a tool makes are media of their own.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from nbstream.events import ActivityReported, Event, MediaDelta
from nbstream.transport.fields import bytes_of, name_or_none, objects, text_or_none
from nbstream.transport.media import medium
from nbstream.transport.response_items import CALL_ARGUMENTS

if TYPE_CHECKING:
    from nbstream.transport.part_order import PartOrder

__all__ = ["BuiltInTools"]

_NOT_TOOLS = {"message", "reasoning", *CALL_ARGUMENTS}
_IMAGES = "image_generation_call"

# Events that bring the input of a tool in pieces: the kind of the item, and the field that holds the whole.
_INPUTS = {
    "response.code_interpreter_call_code": ("code_interpreter_call", "code"),
    "response.mcp_call_arguments": ("mcp_call", "arguments"),
    "response.shell_call_command": ("shell_call", "command"),
    "response.apply_patch_call_operation_diff": ("apply_patch_call", "diff"),
}
# Calls that the caller may have to carry out or allow, and the field that says what. They come whole.
_ASKED = {
    "apply_patch_call": "operation",
    "computer_call": "action",
    "local_shell_call": "action",
    "mcp_approval_request": "arguments",
    "shell_call": "action",
    "tool_search_call": "arguments",
}
_GIVEN = {
    **{kind: (field,) for kind, field in _ASKED.items()},
    **{kind: (field,) for kind, field in _INPUTS.values() if kind not in _ASKED},
    **dict.fromkeys(("web_search_call", "file_search_call", _IMAGES), ()),  # which say it in fields of their own
}
_USUAL = ("input", "arguments")  # of a kind that is not known yet
_OVER = {"completed", "failed", "incomplete", "cancelled"}


class BuiltInTools:
    """The calls of built-in tools in one answer, by item.

    Args:
        order: The order of the parts, in which a tool's call comes between words.
    """

    def __init__(self, order: PartOrder) -> None:
        self._order = order
        self._kinds: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._by_output: dict[int, str] = {}
        self._ids: dict[str, str | None] = {}
        self._with_input: set[tuple[str, int | None]] = set()
        self._fed: set[str] = set()  # those whose input comes in pieces
        self._over: set[str] = set()
        self._commands: dict[str, int] = {}

    @staticmethod
    def is_tool(item: Any) -> bool:
        """Whether an output item is the call of a built-in tool."""
        kind = item.get("type") if isinstance(item, dict) else None
        return isinstance(kind, str) and bool(kind) and kind not in _NOT_TOOLS

    def begin(self, place: dict[str, Any], item: dict[str, Any]) -> list[Event]:
        """Take the announcement of an item."""
        item_id = text_or_none(item.get("id"))
        key = self._key(place, item_id)
        if key in self._over:  # an id or a place that is used once more
            key = self._bound(f"{key}+{len(self._kinds)}", place, item_id)
        return [self._news(key, str(item["type"]), item=item)]

    def end(self, place: dict[str, Any], item: dict[str, Any]) -> list[Event]:
        """Take the whole item."""
        key, kind = self._key(place, text_or_none(item.get("id"))), str(item["type"])
        if key in self._over:
            return []
        self._over.add(key)
        piece = "" if key in self._fed else _input_of(kind, item)
        events: list[Event] = [self._news(key, kind, piece=piece, item=item, last=True)]
        if kind == _IMAGES:
            made = bytes_of(item.get("result"))
            events += [self._image(key, made, item, last=True)] if made else []
        for output in objects(item.get("outputs")):
            if output.get("type") == "image":
                self._order.leave()
                events += medium("image", output, item_id=self._ids.get(key))
        return events

    def decode(self, kind: str, payload: dict[str, Any]) -> list[Event] | None:
        """Take one of the tools' own events; `None` if it is something else."""
        source, _, verb = kind.rpartition(".")
        if source in _INPUTS:
            return self._input(*_INPUTS[source], verb, payload)
        tool = source.removeprefix("response.")
        key = self._key(payload, text_or_none(payload.get("item_id")))
        if tool in _NOT_TOOLS or (tool != self._kinds.get(key) and not tool.endswith("_call")):
            return None
        if key in self._over:
            return []
        if verb == "partial_image":
            made = bytes_of(payload.get("partial_image_b64"))
            return [self._news(key, tool), *([self._image(key, made, payload)] if made else [])]
        return [self._news(key, tool, status=verb)]

    def _input(self, tool: str, field: str, verb: str, payload: dict[str, Any]) -> list[Event]:
        key, number = self._key(payload, text_or_none(payload.get("item_id"))), payload.get("command_index")
        place = key, number if type(number) is int else None
        piece = text_or_none(payload.get("delta"))
        if piece is None and verb == "done" and place not in self._with_input:
            piece = text_or_none(payload.get(field))
        if piece is None or key in self._over:
            return []
        self._with_input.add(place)
        self._fed.add(key)
        if place[1] is not None and self._commands.setdefault(key, place[1]) != place[1]:
            self._commands[key] = place[1]
            piece = f"\n{piece}"
        return [self._news(key, tool, piece=piece)]

    def _news(
        self,
        key: str,
        kind: str,
        *,
        status: str | None = None,
        piece: str = "",
        item: dict[str, Any] | None = None,
        last: bool = False,
    ) -> ActivityReported:
        if key not in self._kinds:
            self._order.leave()
        kind = self._kinds.setdefault(key, kind)
        kept = item and _without_images(kind, item)
        status = name_or_none(status) or (name_or_none(item.get("status")) if item else None)
        over = last or (status in _OVER and item is not None)
        return ActivityReported(key, name_or_none(kind) or "?", status, piece, kept or None, self._ids.get(key), over)

    def _image(self, key: str, data: bytes, source: dict[str, Any], *, last: bool = False) -> MediaDelta:
        self._order.leave()
        media_type = f"image/{name_or_none(source.get('output_format')) or 'png'}"
        return MediaDelta(key, "image", data, media_type, item_id=self._ids.get(key), replaces=True, last=last)

    def _key(self, place: dict[str, Any], item_id: str | None) -> str:
        """What we call the item: its id, or its place if the server gives none."""
        output = _number(place)
        if item_id is not None:
            return self._bound(self._by_id.get(item_id, item_id), place, item_id)
        return self._by_output.get(output) or f"#{output}"

    def _bound(self, key: str, place: dict[str, Any], item_id: str | None) -> str:
        if item_id is not None:
            self._by_id[item_id] = key
            self._ids[key] = name_or_none(item_id)
        self._by_output[_number(place)] = key
        return key


def _without_images(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    """The item without the bytes of its images, which are parts of their own."""
    kept = {name: value for name, value in item.items() if name != "result" or kind != _IMAGES}
    outputs = item.get("outputs")
    if isinstance(outputs, list):
        kept["outputs"] = [
            {name: value for name, value in each.items() if not str(value).startswith("data:")}
            if isinstance(each, dict)
            else each
            for each in outputs
        ]
    return kept


def _number(place: dict[str, Any]) -> int:
    output = place.get("output_index")
    return output if isinstance(output, int) else 0


def _input_of(kind: str, item: dict[str, Any]) -> str:
    """What the call is given, from the whole item: arguments, commands, code, a patch."""
    fields = _GIVEN.get(kind, _USUAL)
    given = next((item[name] for name in fields if item.get(name)), None)
    return "" if not given else given if isinstance(given, str) else _in_words(given)


def _in_words(given: Any) -> str:
    """Commands and patches as they are, everything else as JSON."""
    if isinstance(given, dict):
        commands, command, diff = given.get("commands"), given.get("command"), given.get("diff")
        if isinstance(commands, list) and all(isinstance(each, str) for each in commands):
            return "\n".join(commands)
        if isinstance(command, list) and all(isinstance(each, str) for each in command):
            return shlex.join(command)
        if said := text_or_none(diff) or text_or_none(command):
            return said
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))
