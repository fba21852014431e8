"""The images of earlier answers in a request. Pure.

No API takes an image in an answer. So the next question shows it, and the answer says so; where a server takes no
images at all, the answer says that there was one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["has_answer_images", "with_images_moved"]


def has_answer_images(messages: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there are any."""
    return any(_images_in(message) for message in messages)


def with_images_moved(messages: Iterable[Mapping[str, Any]], *, taken: bool = True) -> Iterator[Mapping[str, Any]]:
    """The messages with the images of answers in the questions that follow them.

    Args:
        messages: Messages in the form of Chat Completions, and items of Responses.
        taken: Whether the server takes images.

    Example:
        >>> image = {"type": "image_url", "image_url": {"url": "https://a.example/cat.png"}}
        >>> said = {"role": "assistant", "content": [image]}, {"role": "user", "content": "Make it bluer."}
        >>> for message in with_images_moved(said):
        ...     print(message["content"])
        [An image; the next message shows it.]
        [{'type': 'text', 'text': '[The image of your answer above:]'}, {'type': 'image_url', 'image_url': \
{'url': 'https://a.example/cat.png'}}, {'type': 'text', 'text': 'Make it bluer.'}]
    """
    given = list(messages)
    shown: list[Any] = []
    for message, following in zip(given, [*given[1:], None], strict=True):
        if images := _images_in(message):
            asked = following is not None and following.get("role") == "user"
            shown = images if taken and asked else []
            yield {**message, "content": _told(message["content"], images, shown=bool(shown))}
        elif shown:
            content = message.get("content")
            rest = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
            which = "image" if len(shown) == 1 else f"{len(shown)} images"
            yield {
                **message,
                "content": [{"type": "text", "text": f"[The {which} of your answer above:]"}, *shown, *rest],
            }
            shown = []
        else:
            yield message


def _images_in(message: Mapping[str, Any]) -> list[Any]:
    content = message.get("content") if message.get("role") == "assistant" else None
    return list(filter(_is_image, content)) if isinstance(content, list) else []


def _is_image(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"


def _told(content: list[Any], images: list[Any], *, shown: bool) -> Any:
    """What an answer says, and that it had images."""
    several = len(images) > 1
    what = f"{len(images)} images" if several else "An image"
    where = f"the next message shows {'them' if several else 'it'}" if shown else "not sent again"
    rest = [part for part in content if not _is_image(part)]
    told = {"type": "text", "text": f"[{what}; {where}.]"}
    if all(isinstance(part, dict) and part.get("type") == "text" for part in rest):  # which every server takes
        return "\n\n".join(str(part.get("text")) for part in [*rest, told])
    return [*rest, told]
