"""The page's half of a live view, as far as its DOM goes: places patches as `live_view.js` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input"}


@dataclass
class Node:
    """An element; texts are kept as they were written."""

    start: str
    name: str
    children: list[Node | str] = field(default_factory=list)
    committed: int = 0

    @property
    def html(self) -> str:
        inside = "".join(child if isinstance(child, str) else child.html for child in self.children)
        return self.start + inside + ("" if self.name in VOID or not self.name else f"</{self.name}>")

    @property
    def last_element(self) -> Node:
        return next(child for child in reversed(self.children) if isinstance(child, Node))


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.root = Node("", "")
        self.open = [self.root]

    def handle_starttag(self, tag: str, _: object) -> None:
        node = Node(self.get_starttag_text() or "", tag)
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_entityref(self, name: str) -> None:
        self.open[-1].children.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.open[-1].children.append(f"&#{name};")


def parsed(html: str) -> list[Node | str]:
    """The nodes of a piece of HTML, which must be whole."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert len(builder.open) == 1, f"cut in the middle of an element: {html!r}"
    return builder.root.children


class Slots:
    """The slots, one for each block."""

    def __init__(self) -> None:
        self.slots: list[Node] = []
        self.placed = 0  # characters of HTML

    def place(self, block: int, depth: int, commit: str, tail: str) -> None:
        while len(self.slots) <= block:
            self.slots.append(Node("", ""))
        target = self.slots[block]
        for _ in range(depth):
            target = target.last_element
        del target.children[target.committed if depth else 0 :]
        target.children += parsed(commit)
        target.committed = len(target.children) if depth else 0
        target.children += parsed(tail)
        self.placed += len(commit) + len(tail)

    def html(self, block: int) -> str:
        return self.slots[block].html

    @property
    def text(self) -> str:
        """The HTML of all blocks, as `render` gives it."""
        return "\n".join(slot.html for slot in self.slots if slot.children)
