"""Images, sounds and videos as both wire formats hold them: an address, perhaps with the bytes in it, or bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from nbstream.events import Event, MediaDelta
from nbstream.text.plain import encodable
from nbstream.transport.fields import bytes_of, data_of, text_or_none

if TYPE_CHECKING:
    from nbstream.parts import MediaKind
    from nbstream.transport.part_order import PartOrder
    from nbstream.transport.response_items import TextParts

__all__ = ["ResponseSound", "medium", "sound_in"]


def sound_in(audio: Any, choice: int) -> list[Event]:
    """A piece of the one sound that a chat message has."""
    data = bytes_of(audio.get("data")) if isinstance(audio, dict) else b""
    return [MediaDelta("audio", "audio", data, choice=choice)] if data else []


def medium(kind: MediaKind, part: dict[str, Any], *, item_id: str | None = None, choice: int = 0) -> list[Event]:
    """A medium that comes in one piece.

    Args:
        kind: What it is.
        part: The object that holds its address or its bytes.
        item_id: The id of the output item that it belongs to.
        choice: Of which answer it is.
    """
    inner = next((part[name] for name in (str(part.get("type")), "image_url", "url") if name in part), part)
    inner = {"url": inner} if isinstance(inner, str) else inner if isinstance(inner, dict) else {}
    url = text_or_none(inner.get("url"))
    data, media_type = bytes_of(inner.get("data") or inner.get("b64_json")), None
    if url and url.startswith("data:"):
        data, media_type = data_of(url)
        url = None
    if not (data or url):
        return []  # empty fields on every chunk are no medium
    # Its number does not identify it: servers restart the count in every chunk.
    name = hashlib.sha256(data or str(url).encode("utf-8", "replace")).hexdigest()
    shown = None if url is None else encodable(url)
    return [MediaDelta((kind, name), kind, data, media_type, shown, item_id, replaces=True, last=True, choice=choice)]


class ResponseSound:
    """The sound of a response, and its transcript, which is text unless the same is said as text.

    Args:
        order: The order of the parts.
        texts: The text parts.
    """

    def __init__(self, order: PartOrder, texts: TextParts) -> None:
        self._order, self._texts = order, texts
        self._came = False
        self._transcript: list[str] = []  # before the first sound
        self._spoken = False  # whether the text is the transcript

    def decode(self, kind: str, payload: dict[str, Any]) -> list[Event]:
        """Take one of its events."""
        piece = payload.get("delta")
        match kind.removeprefix("response.audio."):
            case "delta":
                self._came = True
                return [*self._said(""), *self._heard(bytes_of(piece))]
            case "done":
                return self._heard(b"", last=True) if self._came else []
            case "transcript.delta" if isinstance(piece, str):
                if self._came:
                    return self._said(piece)
                self._transcript.append(piece)
        return []

    def whole(self, place: dict[str, Any], part: Any) -> list[Event]:
        """Take a whole content part, if it is a sound: what of it has come in pieces is not said again."""
        if self._came or not isinstance(part, dict) or part.get("type") != "output_audio":
            return []
        self._came = True
        self._transcript = [text_or_none(part.get("transcript")) or ""]
        return [*self._said("", place), *self._heard(bytes_of(part.get("data")), last=True)]

    def close(self) -> list[Event]:
        """Nothing follows: what was said without a sound is all that there is."""
        return self._said("")

    def _said(self, piece: str, place: dict[str, Any] | None = None) -> list[Event]:
        said = "".join([*self._transcript, piece])
        self._transcript = []
        if not said or not (self._spoken or self._texts.empty):
            return []
        self._spoken = True
        return self._texts.add(place or {}, said)

    def _heard(self, data: bytes, *, last: bool = False) -> list[Event]:
        self._order.leave()
        return [MediaDelta("audio", "audio", data, last=last)]
