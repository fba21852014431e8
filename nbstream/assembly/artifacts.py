"""What an answer holds that is neither words nor a call for the caller: media, and what built-in tools do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.assembly.builders import Activity, Media

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from nbstream.assembly.builders import Builder
    from nbstream.events import ActivityReported, MediaDelta

__all__ = ["Artifacts"]


class Artifacts:
    """Puts the pieces of each together.

    Args:
        known: The parts of an answer that is resumed, which go on.
    """

    def __init__(self, known: Sequence[Builder] = ()) -> None:
        self._known = tuple(reversed(known))
        self._media: dict[Hashable, Media] = {}
        self._activities: dict[Hashable, Activity] = {}

    def add_media(self, delta: MediaDelta) -> Media | None:
        """Take the next piece of a medium.

        Returns:
            The medium, if it begins with it.
        """
        begun = None
        media = self._media.get(delta.media) or self._known_media(delta)
        if media is None:
            media = begun = Media(delta.kind)
        self._media[delta.media] = media
        media.media_type = delta.media_type or media.media_type
        media.url = delta.url or media.url
        media.item_id = delta.item_id or media.item_id
        media.name = delta.name or media.name
        media.open = True
        media.add(delta.data, replaces=delta.replaces, partial=delta.replaces and not delta.last)
        media.changed()
        if delta.last:
            media.end()
        return begun

    def report(self, event: ActivityReported) -> Activity | None:
        """Take news of a built-in tool's call.

        Returns:
            The call, if it begins with them.
        """
        begun = None
        activity = self._activities.get(event.activity) or self._known_activity(event)
        if activity is None:
            activity = begun = Activity(event.kind)
        self._activities[event.activity] = activity
        activity.status = event.status or activity.status
        activity.item = activity.item if event.item is None else event.item
        activity.item_id = event.item_id or activity.item_id
        activity.open = True
        if event.input:
            activity.append(event.input)
        activity.changed()
        if event.last:
            activity.end()
        return begun

    def _known_media(self, delta: MediaDelta) -> Media | None:
        known = (each for each in self._known if isinstance(each, Media))
        return next((each for each in known if (each.kind, each.item_id) == (delta.kind, delta.item_id)), None)

    def _known_activity(self, event: ActivityReported) -> Activity | None:
        known = (each for each in self._known if isinstance(each, Activity))
        return next((each for each in known if event.item_id is not None and each.item_id == event.item_id), None)
