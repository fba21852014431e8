"""A prompt with what goes with it: images, files, and what the reader should know about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nbstream.errors import UsageError
from nbstream.outcome import StreamWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Attached", "Given", "Prompt", "attached", "listed"]

Prompt: TypeAlias = "str | list[dict[str, Any]]"
Given: TypeAlias = Any
"""One attachment or a list of them."""


_MOST_IMAGES = 50  # of what servers take, that of those that take the least
_LARGEST = 45_000_000  # characters, as they are sent


class Attached(NamedTuple):
    """A prompt, and what the reader should know about what was attached."""

    prompt: Prompt
    warnings: tuple[StreamWarning, ...] = ()


def listed(given: Given) -> list[Any]:
    """One or several, as a list."""
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def attached(prompt: Prompt, *, image: Given = None, file: Given = None) -> Attached:
    """A prompt with images and files.

    Args:
        prompt: Text, OpenAI content parts, or messages, the last of which is then the user's.
        image: An image, or a list of them, see `made_image`; a number stands for what that cell has displayed.
        file: A file, or a list of them, see `made_file`.

    Raises:
        UsageError: Something cannot be attached, or there is nothing to attach it to.

    Example:
        >>> attached("Hi").prompt
        'Hi'
        >>> attached("What is it?", image="https://example.org/a.png").prompt[0]
        {'type': 'text', 'text': 'What is it?'}
    """
    images, files = listed(image), listed(file)
    if not images and not files:
        return Attached(prompt)
    from nbstream.attachments.displayed import images_of_cell
    from nbstream.attachments.files import made_file
    from nbstream.attachments.images import made_image

    images = [each for given in images for each in (images_of_cell(given) if type(given) is int else [given])]
    if len(images) > _MOST_IMAGES:
        raise UsageError(f"{len(images)} images are too many; up to {_MOST_IMAGES} can go with a question")
    made = [*map(made_image, images), *map(made_file, files)]
    if (size := sum(_size(each.part) for each in made)) > _LARGEST:
        most = f"all that goes with a question can be up to {_LARGEST // 1_000_000} MB together"
        raise UsageError(f"the images and files are too large: {size / 1_000_000:.0f} MB; {most}")
    notes = [note for each in made for note in each.notes]
    told = ". ".join(map(_sentence, notes))
    warnings = (StreamWarning("changed_attachment", f"{told}."),) if told else ()
    return Attached(_with(prompt, [each.part for each in made]), warnings)


def _sentence(note: str) -> str:
    """A note with a capital, unless it begins with the name of a file."""
    return note[:1].upper() + note[1:] if note.startswith(("the ", "only ")) else note


def _size(part: dict[str, Any]) -> int:
    """How much of a request a part is."""
    within = part.get("image_url") or part.get("file") or part
    return sum(len(value) for value in within.values() if isinstance(value, str))


def _with(prompt: Prompt, parts: Iterable[dict[str, Any]]) -> Prompt:
    if isinstance(prompt, str):
        return [*([{"type": "text", "text": prompt}] if prompt.strip() else []), *parts]
    if not isinstance(prompt, list) or not all(isinstance(each, dict) for each in prompt):
        return prompt  # which is refused where prompts are checked
    if not any("role" in each for each in prompt):
        return [*prompt, *parts]
    *before, last = prompt
    content = last.get("content")
    if last.get("role") != "user" or not isinstance(content, str | list):
        raise UsageError("images and files go with a question, but the last message is not the user's")
    return [*before, {**last, "content": _with(content, parts)}]
