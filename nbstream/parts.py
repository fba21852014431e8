"""What an answer is made of, as frozen values: text, reasoning, refusals, tool calls, media, built-in tools' activity.

An answer is an ordered list of parts. What users read as `result.text`, `result.reasoning` and so on are views of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from nbstream.media import MediaKind, MediaPart, restore
from nbstream.text.code import code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ActivityPart",
    "Citation",
    "MediaKind",
    "MediaPart",
    "Part",
    "PartViews",
    "ReasoningPart",
    "RefusalPart",
    "TextPart",
    "ToolCall",
    "ToolCallPart",
    "ToolRun",
    "given_parts",
    "joined",
    "parts_of",
    "summary_of",
]

PARAGRAPH_BREAK = "\n\n"

RunState: TypeAlias = Literal["waiting", "running", "completed", "failed", "denied", "unknown"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that the answer names, and the span of text that it supports.

    Attributes:
        annotation: The citation as the server sent it.
        start: Where the span begins in the part's text, in characters; `None` if the server gave no span.
        end: Where it ends, in characters, exclusive.
    """

    annotation: Any = field(hash=False)
    start: int | None = None
    end: int | None = None

    @property
    def url(self) -> str | None:
        """The address of the source, if it has one."""
        return self._field("url")

    @property
    def title(self) -> str | None:
        """The title of the source, or the name of the file."""
        return self._field("title") or self._field("filename")

    def _field(self, name: str) -> str | None:
        """A field of the annotation; Chat Completions puts the fields of a `url_citation` one level down."""
        if not isinstance(self.annotation, dict):
            return None
        inner = self.annotation.get(str(self.annotation.get("type")))
        value = (inner if isinstance(inner, dict) else self.annotation).get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of the answer itself.

    Attributes:
        text: The text, exactly as the server sent it.
        item_id: The id of the output item that it belongs to, if the server names items.
        content_index: Its place among the contents of that item, if the server says so.
        citations: The sources that it names, in the order in which they came.
        new_paragraph: Whether the whole text sets it off from the text before by a blank line, because it begins
            another item.
        open: Whether more of it may come.
        shown: The Markdown to show in place of the text, which is not Markdown then.
    """

    text: str
    item_id: str | None = None
    content_index: int | None = None
    citations: tuple[Citation, ...] = ()
    new_paragraph: bool = False
    open: bool = False
    shown: str | None = None
    type: ClassVar[str] = "text"

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled, also when everything was Markdown."""
        restore(self, state)


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """A piece of what the model thought, which is never part of the answer.

    Attributes:
        text: The text; it may be a summary.
        item_id: The id of the output item that it belongs to, if the server names items.
        content_index: Its place among the contents or summaries of that item, if the server says so.
        new_paragraph: Whether the whole reasoning sets it off from the reasoning before by a blank line.
        open: Whether more of it may come.
    """

    text: str
    item_id: str | None = None
    content_index: int | None = None
    new_paragraph: bool = False
    open: bool = False
    type: ClassVar[str] = "reasoning"


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """What the model said when it refused.

    Attributes:
        text: The text.
        item_id: The id of the output item that it belongs to, if the server names items.
        content_index: Its place among the contents of that item, if the server says so.
        new_paragraph: Whether the whole refusal sets it off from what was said before by a blank line.
        open: Whether more of it may come.
    """

    text: str
    item_id: str | None = None
    content_index: int | None = None
    new_paragraph: bool = False
    open: bool = False
    type: ClassVar[str] = "refusal"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for: `arguments` is the JSON text as it came, which may be invalid."""

    id: str | None
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolRun:
    """What became of a call that nbstream answers.

    Attributes:
        state: `waiting` for an approval; `running`, which is written before the function is called; then `completed`,
            `failed`, `denied`, or `unknown` if it was called and nobody knows how that ended.
        output: What the model is sent back.
        error: Why there is no result, as a stable word: `invalid_arguments`, `unknown_tool`, `denied`, `exception`,
            `timeout`, `interrupted`, `stopped`, `unserialisable`, `not_recorded`; of an MCP server also `tool_error`,
            `server_error`, `no_result`, `too_large`, `lost`, `closed`, `changed_tool`.
        arguments: What it was called with, as JSON, if a reader had edited it.
        seconds: How long it took.
        images: The images that it returned, which the model is sent, too.
        printed: What it printed and displayed where no cell shows that, such as in a panel.
    """

    state: RunState
    output: str = ""
    error: str | None = None
    arguments: str | None = None
    seconds: float | None = None
    images: tuple[MediaPart, ...] = ()
    printed: str = ""

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled, also before results had images."""
        restore(self, state)


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call that the model asks for, where it asked for it.

    Attributes:
        id: The id of the call, which its result has to name.
        name: The tool.
        arguments: Its arguments: JSON as it came, which may be invalid; free text for a custom tool.
        index: The slot that the server gave the call, in whose order `tool_calls` lists them.
        item_id: The id of the output item, if the server names items.
        custom: Whether it calls a custom tool, whose arguments are free text.
        open: Whether more of it may come.
        run: What became of it, if nbstream answers it.
    """

    id: str | None
    name: str
    arguments: str
    index: int = 0
    item_id: str | None = None
    custom: bool = False
    open: bool = False
    run: ToolRun | None = None
    type: ClassVar[str] = "tool_call"

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled; before calls were answered it had no `run`."""
        restore(self, state)


@dataclass(frozen=True, slots=True)
class ActivityPart:
    """A call of one of the provider's built-in tools: a web search, a run of code, an image, an MCP call, ….

    Attributes:
        kind: The server's word for it, such as `"web_search_call"`.
        status: Where it is, in the server's word, such as `"searching"` or `"completed"`; `None` if it does not say.
        input: What the tool is given, as far as that comes in pieces: code, arguments, commands. Of a call that the
            caller may have to carry out (a shell, a patch, an approval), also what comes whole.
        item: The item as the server sent it last, with its results.
        item_id: The id of the output item, if the server names items.
        open: Whether it is still running.
    """

    kind: str
    status: str | None = None
    input: str = ""
    item: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    item_id: str | None = None
    open: bool = False
    type: ClassVar[str] = "activity"

    @property
    def name(self) -> str:
        """The tool: the one that the server names, else its kind.

        Example:
            >>> ActivityPart("local_shell_call").name, ActivityPart("mcp_call", item={"name": "roll"}).name
            ('local_shell', 'roll')
        """
        name = self.item.get("name")
        return name if isinstance(name, str) and name else self.kind.removesuffix("_call")


Part: TypeAlias = TextPart | ReasoningPart | RefusalPart | ToolCallPart | MediaPart | ActivityPart


def joined(parts: Iterable[Part], kind: type[TextPart | ReasoningPart | RefusalPart]) -> str:
    r"""The whole text of the parts of one kind.

    Args:
        parts: The parts of an answer.
        kind: Which of them count.

    Example:
        >>> parts = TextPart("One"), ReasoningPart("Hm"), TextPart("Two", new_paragraph=True), TextPart("!")
        >>> joined(parts, TextPart)
        'One\n\nTwo!'
    """
    texts: list[str] = []
    for part in parts:
        if isinstance(part, kind) and part.text:
            if part.new_paragraph and texts:
                texts.append(PARAGRAPH_BREAK)
            texts.append(part.text)
    return "".join(texts)


def parts_of(
    text: str = "", *, reasoning: str = "", refusal: str = "", tool_calls: Iterable[ToolCall] = ()
) -> tuple[Part, ...]:
    """The parts of an answer of which only the views are known, in the usual order.

    Example:
        >>> [part.type for part in parts_of("Hi", reasoning="A greeting.")]
        ['reasoning', 'text']
    """
    words = [(ReasoningPart, reasoning), (TextPart, text), (RefusalPart, refusal)]
    calls = (ToolCallPart(call.id, call.name, call.arguments, index) for index, call in enumerate(tool_calls))
    return (*(kind(said) for kind, said in words if said), *calls)


def given_parts(
    parts: tuple[Part, ...] | None,
    text: str,
    reasoning: str,
    refusal: str,
    tool_calls: tuple[ToolCall, ...],
    annotations: tuple[Any, ...] = (),
) -> tuple[Part, ...]:
    """The parts that were given, or those that the views stand for.

    Raises:
        TypeError: Both were given.
    """
    if parts is not None:
        if text or reasoning or refusal or tool_calls or annotations:
            names = "text, reasoning, refusal, tool_calls and annotations"
            raise TypeError(f"an answer is given either as parts or as {names}")
        return parts
    made = parts_of(text, reasoning=reasoning, refusal=refusal, tool_calls=tool_calls)
    if not annotations:
        return made
    cited = TextPart(text, citations=tuple(map(Citation, annotations)))
    return tuple(cited if isinstance(part, TextPart) else part for part in made) if text else (cited, *made)


def summary_of(part: Part) -> dict[str, Any]:
    """What a part is, in a few JSON values: nothing of what it says.

    Example:
        >>> summary_of(TextPart("Hello")), summary_of(ActivityPart("web_search_call", "completed"))
        ({'type': 'text', 'characters': 5}, {'type': 'activity', 'kind': 'web_search_call', 'status': 'completed'})
    """
    match part:
        case TextPart() | ReasoningPart() | RefusalPart():
            facts: dict[str, Any] = {"characters": len(part.text)}
        case ToolCallPart():
            facts = {"name": part.name} | ({} if part.run is None else {"run": part.run.state})
        case MediaPart():
            facts = {"kind": part.kind, "media_type": part.media_type, "bytes": len(part.data)}
        case ActivityPart():
            facts = {"kind": part.kind, "status": part.status}
    return {"type": part.type, **facts}


class PartViews:
    """The views of an answer's parts, for whatever has `parts`."""

    __slots__ = ()

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The answer as the server sent it, without `<think>` tags and a repetition of the whole at its end."""
        return joined(self.parts, TextPart)

    @property
    def code(self) -> str:
        """The code in the answer: its fenced blocks with a blank line between them, or all of it if it has no fence."""
        return code_of(self.text)

    @property
    def reasoning(self) -> str:
        """What the model thought, apart from the answer."""
        return joined(self.parts, ReasoningPart)

    @property
    def refusal(self) -> str:
        """What the model said when it refused."""
        return joined(self.parts, RefusalPart)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the model asks for, in slot order."""
        calls = sorted((part for part in self.parts if isinstance(part, ToolCallPart)), key=lambda call: call.index)
        return tuple(ToolCall(call.id, call.name, call.arguments) for call in calls)

    @property
    def tool_runs(self) -> tuple[ToolCallPart, ...]:
        """The calls that were answered here, or are to be; the `run` of each says what became of it."""
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart) and part.run is not None)

    @property
    def images(self) -> tuple[MediaPart, ...]:
        """The images that have arrived whole: notebooks show each, and `save` writes it to a file."""
        media = (part for part in self.parts if isinstance(part, MediaPart) and part.kind == "image")
        return tuple(part for part in media if part.data and not part.partial)

    @property
    def annotations(self) -> tuple[Any, ...]:
        """Citations and the like, as the server sent them."""
        texts = (part for part in self.parts if isinstance(part, TextPart))
        return tuple(citation.annotation for part in texts for citation in part.citations)

    @property
    def body(self) -> str:
        """What there is to show: the answer, or the refusal in its place."""
        return self.text or self.refusal
