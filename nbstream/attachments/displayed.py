"""The images that cells have displayed, so that one can be attached by the number of its cell.

IPython keeps only the values that cells end with. What they display besides, plots above all, is noted here from when
the extension is loaded, as far as it is an image; only the latest are kept.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from nbstream.errors import UsageError
from nbstream.media import image_type
from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["DisplayedImages", "images_of_cell"]

_KEPT = 50
_LARGEST = 20_000_000
_KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif")


class DisplayedImages:
    """Notes the images that the cells of a shell display."""

    noted: ClassVar[deque[tuple[int, bytes]]] = deque(maxlen=_KEPT)

    def __init__(self) -> None:
        self._fresh: list[bytes] = []  # of the cell that runs

    @classmethod
    def watch(cls, shell: Any) -> None:
        """Begin to note them, where there is a notebook; once."""
        publisher: Any = getattr(shell, "display_pub", None)
        if hasattr(publisher, "register_hook") and not getattr(shell, "nbstream_displayed", None):
            shell.nbstream_displayed = made = cls()
            shell.events.register("post_run_cell", made.end)
            publisher.register_hook(made.note)

    @classmethod
    def leave(cls, shell: Any) -> None:
        """Note them no longer."""
        made = getattr(shell, "nbstream_displayed", None)
        if made is not None:
            shell.events.unregister("post_run_cell", made.end)
            shell.display_pub.unregister_hook(made.note)
            shell.nbstream_displayed = None

    def end(self, result: Any) -> None:
        """Note the number of the cell, which only its result says for sure; plots have been displayed by now."""
        number = getattr(result, "execution_count", None)
        self.noted.extend((number, image) for image in self._fresh if number is not None)
        self._fresh = []

    def note(self, message: Any) -> Any:
        """Take a message on its way to the front end, which is not changed."""
        content = message.get("content", {})
        if "data" in content and (image := _image_in(content["data"])) is not None:
            self._fresh = [*self._fresh[1 - _KEPT :], image]
        return message


def images_of_cell(number: int) -> list[bytes]:
    """The images that a cell has displayed, or that it ends with.

    Args:
        number: Its number, as in `In [5]`.

    Raises:
        UsageError: None are known.
    """
    images = [image for cell, image in DisplayedImages.noted if cell == number]
    images += _values_of(number)
    if images:
        return list(dict.fromkeys(images))
    raise UsageError(
        f"no image is known of cell {number}; nbstream knows those that were displayed since %load_ext nbstream was run"
    )


def _values_of(number: int) -> Iterator[bytes]:
    """The image that the value of a cell is shown as."""
    shell: Any = running_shell()
    values = {} if shell is None else shell.user_ns.get("_oh", {})
    if number in values:
        data, _ = shell.display_formatter.format(values[number], include=set(_KINDS))
        if (image := _image_in(data)) is not None:
            yield image


def _image_in(data: Mapping[str, Any]) -> bytes | None:
    """The image in the data of an output, which may be bytes or base64."""
    given = next((data[kind] for kind in _KINDS if kind in data), None)
    if isinstance(given, str):
        try:
            given = base64.b64decode(given)
        except binascii.Error:
            return None
    return given if isinstance(given, bytes) and len(given) <= _LARGEST and image_type(given) else None
