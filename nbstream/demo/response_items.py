"""The items of a response before its message: reasoning, and the call of the image tool. Knows no HTTP."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from nbstream.demo.before import Look, Thought, coded
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
        self._kinds = [kind for kind, wanted in kinds.items() if wanted]
        self._ids = {"reasoning": f"rs_demo_{secrets.token_hex(12)}", "image": f"ig_demo_{secrets.token_hex(12)}"}
        self._open: str | None = None

    def __len__(self) -> int:
        return len(self._kinds)

    def opening(self) -> list[bytes]:
        """The beginning of the first of them."""
        return self._begin(self._kinds[0])

    def delta(self, piece: Thought | Look) -> list[bytes]:
        """One piece."""
        kind = "reasoning" if isinstance(piece, Thought) else "image"
        begun = [] if kind == self._open else [*self.done(), *self._begin(kind)]
        if isinstance(piece, Thought):
            return [
                *begun,
                self._said("response.reasoning_summary_text.delta", {"summary_index": 0, "delta": piece.text}),
            ]
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
        item = (
            {**about, "type": "reasoning", "summary": []}
            if kind == "reasoning"
            else {**about, "type": "image_generation_call", "status": "in_progress", "result": None}
        )
        added = self._event("response.output_item.added", {"output_index": self._kinds.index(kind), "item": item})
        if kind == "image":
            return [added, self._said("response.image_generation_call.generating", {})]
        part = {"summary_index": 0, "part": {"type": "summary_text", "text": ""}}
        return [added, self._said("response.reasoning_summary_part.added", part)]

    def _said(self, kind: str, fields: dict[str, Any]) -> bytes:
        item = "image" if "image" in kind else "reasoning"
        return self._event(kind, {"item_id": self._ids[item], "output_index": self._kinds.index(item), **fields})

    def _item(self, kind: str) -> dict[str, Any]:
        if kind == "reasoning":
            summary = [{"type": "summary_text", "text": self._thoughts}]
            return {"id": self._ids[kind], "type": "reasoning", "summary": summary}
        whole = self._looks[-1].last
        return {
            "id": self._ids[kind],
            "type": "image_generation_call",
            "status": "completed" if whole else "incomplete",
            "result": coded(self._looks[-1]) if whole else None,
            "output_format": "png",
            "size": f"{SIZE[0]}x{SIZE[1]}",
        }
