"""What the chat panel's view shows, as frozen values, and how they are written for the page.

The owner of the conversation makes the values; the view draws them and knows nothing else. Pure: no widget, thread or
clock. Every string is the reader's or the model's and is text: only the view turns any of it into HTML.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from nbstream.display.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.display.marks import Mark

__all__ = ["Attachment", "PanelState", "QueueItem", "TurnView"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message.

    Attributes:
        name: The file's name.
        type: Its MIME type.
        url: A `data:` URL, for an image.
        text: What is in it, for a text file.
    """

    name: str
    type: str = "text/plain"
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A message that is sent as soon as the answer in flight has ended."""

    id: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn of the conversation.

    Attributes:
        id: Unique within the panel; a turn that streams has it from the beginning.
        role: `"user"`, `"assistant"`, or what else was imported.
        text: The text exactly as it is sent, copied and edited. While the turn streams, what it began with.
        state: How the turn ended, in the words of `StreamState`; `"pending"` or `"streaming"` while it has not.
        mark: How it ended, if not in the ordinary way.
        facts: The parts of the footer, in reading order: model, tokens, time, cost.
        reasoning: What the model thought aloud.
        body: What there is to see of an answer, in order; without it, the text.
        siblings: The ids of all versions of this turn, itself included, oldest first; empty if there is only one.
        attachments: The files that go with it.
        included: Whether later requests send it.
        can_include: Whether the reader may decide that, as for a partial answer.
        can_retry: Whether it can be asked for again because it failed.
        can_continue: Whether the model can continue it.
        can_edit: Whether the reader may edit it.
        can_regenerate: Whether another answer in its place can be asked for.
        note: What else is to be said about it, such as that it is not sent to the model.
    """

    id: str
    role: str
    text: str = ""
    state: str = "completed"
    mark: Mark | None = None
    facts: tuple[str, ...] = ()
    reasoning: str = ""
    body: tuple[Segment, ...] = ()
    siblings: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    included: bool = True
    can_include: bool = False
    can_retry: bool = False
    can_continue: bool = False
    can_edit: bool = False
    can_regenerate: bool = False
    note: str = ""

    @property
    def live(self) -> bool:
        """Whether its text is still to come, through a surface."""
        return self.state in {"pending", "streaming"}

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What there is to see of it, in order."""
        return self.body or ((Segment("text", self.text),) if self.text else ())

    def head(self) -> dict[str, Any]:
        """The light part, for the page: all but the text and what is as long as a text.

        Example:
            >>> TurnView("a", "user", "Hi").head()["role"]
            'user'
        """
        mark = self.mark and {"word": self.mark.word, "sentence": self.mark.sentence}
        light = {name: getattr(self, name) for name in _LIGHT}
        return {**light, "facts": list(self.facts), "siblings": list(self.siblings), "mark": mark}


_HEAVY = {"text", "reasoning", "body", "attachments"}
_LIGHT = [each.name for each in fields(TurnView) if each.name not in _HEAVY]


@dataclass(frozen=True, slots=True)
class PanelState:
    """Everything that a panel shows.

    Attributes:
        turns: The conversation, oldest turn first; with the turn that streams, if any.
        queue: The messages that wait to be sent.
        running: The id of the turn that streams.
        model: The model that is asked.
        models: The models to choose from; `None` while nobody has asked for them.
        system: The system prompt.
        parameters: Numbers that go with the request, `None` for the endpoint's own choice: `{"temperature": None}`.
        totals: The parts of the line of totals: turns, tokens, cost.
        paused: Why the queued messages are not sent automatically; empty if they are.
        hint: What the reader should know about the next message.
        notices: What went wrong outside of any turn, such as in a callback.
        deleted: Whether turns were just deleted that can be put back.
        untrusted: What the file of the conversation asks for and the reader has not allowed, a line for each.
        suggestions: What an empty panel offers to send.
        allowed: The tools whose calls run without a question; filled by the view.
        context: A bounded summary of each variable that goes with the prompt.
        exports: The kinds that `PanelActions.export` knows: `"markdown"`, `"notebook"`, `"json"`.
    """

    turns: tuple[TurnView, ...] = ()
    queue: tuple[QueueItem, ...] = ()
    running: str | None = None
    model: str = ""
    models: tuple[str, ...] | None = None
    system: str = ""
    parameters: Mapping[str, float | None] = field(default_factory=dict)
    totals: tuple[str, ...] = ()
    paused: str = ""
    hint: str = ""
    notices: tuple[str, ...] = ()
    deleted: bool = False
    untrusted: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()

    def surroundings(self) -> dict[str, Any]:
        """Everything but the turns, for the page.

        Example:
            >>> PanelState(model="m").surroundings()["model"]
            'm'
        """
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "turns"}
        queue = [asdict(item) for item in self.queue]
        return {**values, "queue": queue, "parameters": dict(self.parameters)}
