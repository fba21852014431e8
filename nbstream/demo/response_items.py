"""The items of a response before its message: reasoning, calls of the image tool and of MCP servers. Knows no HTTP."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from nbstream.demo.before import Done, Look, Thought, coded
from nbstream.demo.calls import MADE_UP
from nbstream.demo.picture import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ItemsBefore"]


class ItemsBefore:
    """These items, as events and whole.

    Args:
        pieces: The pieces of the answer.
        event: Makes an event of its kind and its fields.
    """

    def __init__(self, pieces: Sequence[Any], event: Callable[[str, dict[str, Any]], bytes]) -> None:
        self._event = event
        self._thoughts = "".join(piece.text for piece in pieces if isinstance(piece, Thought))
        self._looks = [piece for piece in pieces if isinstance(piece, Look)]
        kinds = {"reasoning": self._thoughts, "image": self._looks}
        self._calls = {piece.call.id: piece.call for piece in pieces if isinstance(piece, Done)}
        self._kinds = [*self._calls, *(kind for kind, wanted in kinds.items() if wanted)]
        self._ids = {"reasoning": f"rs_demo_{secrets.token_hex(12)}", "image": f"ig_demo_{secrets.token_hex(12)}"}
        self._ids |= {each: each.replace("mcpr_", "mcp_") for each in self._calls}
        self._open: str | None = None

    def __len__(self) -> int:
        return len(self._kinds)

    def opening(self) -> list[bytes]:
        """The beginning of the first of them."""
        return self._begin(self._kinds[0])

    def delta(self, piece: Thought | Look | Done) -> list[bytes]:
        """One piece."""
        kind = "reasoning" if isinstance(piece, Thought) else "image" if isinstance(piece, Look) else piece.call.id
        begun = [] if kind == self._open else [*self.done(), *self._begin(kind)]
        if isinstance(piece, Thought):
            return [
                *begun,
                self._said("response.reasoning_summary_text.delta", {"summary_index": 0, "delta": piece.text}),
            ]
        if isinstance(piece, Done):
            given = self._said("response.mcp_call_arguments.done", {"arguments": piece.call.arguments})
            return [*begun, given, self._said("response.mcp_call.completed", {}), *self.done()]
        if piece.last:
            return [*begun, self._said("response.image_generation_call.completed", {}), *self.done()]
        shown = {"partial_image_index": piece.number, "partial_image_b64": coded(piece), "output_format": "png"}
        return [*begun, self._said("response.image_generation_call.partial_image", shown)]

    def done(self) -> list[bytes]:
        """The end of the one that is open."""
        kind, frames = self._open, []
        if kind == "reasoning":
            part = {"type": "summary_text", "text": self._thoughts}
            frames = [
                self._said("response.reasoning_summary_text.done", {"summary_index": 0, "text": self._thoughts}),
                self._said("response.reasoning_summary_part.done", {"summary_index": 0, "part": part}),
            ]
        if kind is not None:
            item = {"output_index": self._kinds.index(kind), "item": self._item(kind)}
            frames.append(self._event("response.output_item.done", item))
        self._open = None
        return frames

    def whole(self) -> list[dict[str, Any]]:
        """The items in one piece."""
        return list(map(self._item, self._kinds))

    def _begin(self, kind: str) -> list[bytes]:
        self._open = kind
        about = {"id": self._ids[kind]}
        if kind == "reasoning":
            item: dict[str, Any] = {**about, "type": "reasoning", "summary": []}
        elif kind == "image":
            item = {**about, "type": "image_generation_call", "status": "in_progress", "result": None}
        else:
            item = {**self._item(kind), "status": "in_progress", "output": None, "arguments": ""}
        added = self._event("response.output_item.added", {"output_index": self._kinds.index(kind), "item": item})
        if kind == "image":
            return [added, self._said("response.image_generation_call.generating", {})]
        if kind in self._calls:
            return [added, self._said("response.mcp_call.in_progress", {})]
        part = {"summary_index": 0, "part": {"type": "summary_text", "text": ""}}
        return [added, self._said("response.reasoning_summary_part.added", part)]

    def _said(self, kind: str, fields: dict[str, Any]) -> bytes:
        assert self._open is not None
        place = {"item_id": self._ids[self._open], "output_index": self._kinds.index(self._open)}
        return self._event(kind, {**place, **fields})

    def _item(self, kind: str) -> dict[str, Any]:
        if kind == "reasoning":
            summary = [{"type": "summary_text", "text": self._thoughts}]
            return {"id": self._ids[kind], "type": "reasoning", "summary": summary}
        if call := self._calls.get(kind):
            allowed = {"approval_request_id": call.id if call.asks else None}
            named = {"server_label": call.server, "name": call.name, "arguments": call.arguments}
            about = {"id": self._ids[kind], "type": "mcp_call", "status": "completed"}
            return {**about, **named, **allowed, "output": MADE_UP, "error": None}
        whole = self._looks[-1].last
        return {
            "id": self._ids[kind],
            "type": "image_generation_call",
            "status": "completed" if whole else "incomplete",
            "result": coded(self._looks[-1]) if whole else None,
            "output_format": "png",
            "size": f"{SIZE[0]}x{SIZE[1]}",
        }
