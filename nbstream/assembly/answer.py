"""One answer being assembled: its parts, in order, and its reason to end."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from nbstream.assembly.artifacts import Artifacts
from nbstream.assembly.builders import Builder, Call, Words, builder_of
from nbstream.assembly.channels import ANALYSIS
from nbstream.assembly.citations import Citations
from nbstream.assembly.echo import Thoughts
from nbstream.assembly.repetition import Overlap, without_repetition
from nbstream.assembly.split import Split, Where
from nbstream.assembly.thinking import ThinkingTags, begins_with_thought
from nbstream.assembly.tool_calls import ToolCallCollector
from nbstream.parts import ReasoningPart, TextPart, joined
from nbstream.result import Choice

if TYPE_CHECKING:
    from nbstream.assembly.builders import WordsKind
    from nbstream.assembly.echo import Said, Way
    from nbstream.events import ActivityReported, Annotated, MediaDelta, PartStarted, TextDelta, ToolCallDelta
    from nbstream.parts import Part

__all__ = ["Answer"]


class Answer:
    """Collects one answer; a request may ask for several.

    A part of the wire is a group of words here: a text may hold reasoning between tags, which is a part of its own.

    Args:
        beginning: What exists already of an answer that is continued.
        resumed: Whether the server knows the beginning and continues its last part; otherwise what comes is new.
    """

    def __init__(self, beginning: tuple[Part, ...] = (), *, resumed: bool = False) -> None:
        self.finish_reason: str | None = None
        self._after_reason = 0  # pieces that came when the server had already said why the answer ends
        self.repetitions: list[str] = []
        """What of it has been dropped because it had come before, as kinds of warnings."""
        self._builders: list[Builder] = [builder_of(part) for part in beginning]
        self.tool_calls = ToolCallCollector(each for each in self._builders if isinstance(each, Call))
        self._artifacts = Artifacts(self._builders if resumed else ())
        self._kept = 0 if resumed else len(self._builders)  # how many of the first builders stay as they are
        self._resumed = resumed
        last = self._builders[-1] if self._builders else None
        self._cursor: Words | None = last if resumed and isinstance(last, Words) else None
        self._groups: dict[int, list[Words]] = {}
        self._group: list[Words] | None = None  # of the part that the wire is at, if it says so
        self._text_pieces = 0
        before = "" if resumed else joined(beginning, TextPart)
        self._overlap: Overlap | None = Overlap(before) if before else None
        self._before = before
        self._reasoning_apart = bool(joined(beginning, ReasoningPart))
        self._thoughts = Thoughts()
        self._citations = Citations(self._kept)
        # What follows an existing beginning is not a beginning: a tag in it is text.
        self._tags = None if joined(beginning, TextPart) else ThinkingTags(self._text)

    @property
    def announced(self) -> bool:
        """Whether the server has said why the answer ends, and nothing has come since: some say so on every chunk."""
        return self.finish_reason is not None and not self._after_reason

    @property
    def ended(self) -> bool:
        """Whether the reason counts if the bytes end now: a last piece may be late, but not one after the other."""
        return self.finish_reason is not None and self._after_reason < 2

    def note_late_piece(self) -> None:
        """Note that a piece of any kind has come although the server has said why the answer ends."""
        self._after_reason += 1

    # --- where words go -----------------------------------------------------------------------------------------------

    def start(self, event: PartStarted) -> None:
        """Begin a part of words, or continue one that was announced before."""
        group = self._groups.get(event.part)
        if group is None:
            self._take_held()  # before a part is added
            group = self._groups[event.part] = self._known(event) or [self._added(event)]
        self._turn_to(group)

    def resume(self, part: int) -> None:
        """Continue an earlier part."""
        if (group := self._groups.get(part)) is not None:
            self._turn_to(group)

    def end(self, part: int) -> None:
        """Note that a part is whole."""
        for words in self._groups.get(part, ()):
            words.end()

    def _turn_to(self, group: list[Words]) -> None:
        if group is not self._group:
            self._take_held()
        self._group, self._cursor = group, group[-1]

    def _known(self, event: PartStarted) -> list[Words]:
        """The part that a resumed stream announces once more; it may hold thoughts in tags."""
        if not self._resumed:
            return []
        if event.item_id is None:
            known = [self._cursor] if self._cursor is not None and self._cursor.kind == event.kind else []
        else:
            kinds = {"text", "reasoning"} if event.kind == "text" else {event.kind}
            place = event.item_id, event.content_index
            words = (each for each in self._builders if isinstance(each, Words) and each.kind in kinds)
            known = [each for each in words if (each.item_id, each.content_index) == place]
        for each in known:
            each.in_text = event.kind == "text"
        if known:
            known[-1].open = True
            known[-1].changed()
        return known

    def _added(self, event: PartStarted) -> Words:
        place = event.item_id, event.content_index
        made = Words(event.kind, *place, new_paragraph=event.new_paragraph, after=self._last(event.kind))
        self._note_words(made)
        self._put(made)
        return made

    def _put(self, builder: Builder) -> None:
        """Put a part at the end."""
        if self._builders:
            self._builders[-1].is_last = False
        self._builders.append(builder)

    def _note_words(self, made: Words) -> None:
        """Take new words into account."""
        if made.kind == "reasoning":
            self._thoughts.note(made)
        self._citations.give_to(made)

    def _last(self, kind: WordsKind) -> Words | None:
        return next((each for each in reversed(self._builders) if isinstance(each, Words) and each.kind == kind), None)

    def _append(self, kind: WordsKind, piece: str, *, in_text: bool = False) -> None:
        cursor = self._cursor
        if cursor is None or cursor.kind != kind:
            cursor = self._cursor = self._begun(kind, in_text=in_text)
        cursor.append(piece)

    def _begun(self, kind: WordsKind, *, in_text: bool) -> Words:
        """The words that a piece of another kind than the one before begins or continues."""
        group = self._group
        if group is None or not (in_text and group[0].in_text):
            self._leave()
            made = Words(kind, in_text=in_text, after=self._last(kind))
            self._put(made)
        else:
            last = group[-1]
            if kind == "text" and last.kind == "text":
                return last  # it was empty when a thought between tags came first
            made = Words(kind, last.item_id, last.content_index, in_text=True, after=self._last(kind))
            empty = last.kind == "text" and not last.size
            self._builders.insert(self._builders.index(last) + (not empty), made)
            self._citations.forget_place()
            group.insert(len(group) - empty, made)
            if not empty:
                last.end()
        self._note_words(made)
        return made

    def _leave(self) -> None:
        """Leave the part of the wire, or the words, that another part comes after."""
        if self._group is None and self._cursor is not None:
            self._cursor.end()
        self._group = self._cursor = None

    # --- words --------------------------------------------------------------------------------------------------------

    def add_text(self, delta: TextDelta) -> None:
        """Take the next piece of text, with whatever tags of reasoning are in it."""
        piece = delta.text
        if self._overlap is not None:
            piece = self._without_overlap(self._overlap, piece)
            if not piece:
                return
        if delta.last and self.finish_reason is None and self._text_pieces >= 2:
            piece = self._without_repetition(piece)
        self._text_pieces += 1
        if self._tags is not None and not self._tags.pass_over(piece):
            self._take(self._tags.split(piece))
        elif (cursor := self._cursor) is not None and cursor.kind == "text":
            cursor.append(piece)  # nearly always
        else:
            self._append("text", piece, in_text=True)

    def _without_overlap(self, overlap: Overlap, piece: str) -> str:
        told = overlap.dropped
        new = overlap.new_in(piece)
        if overlap.is_over:
            self._overlap = None
        if overlap.begins_anew or overlap.dropped != told:
            self.repetitions.append("begun_anew" if overlap.begins_anew else "overlapping_text")
        return new

    def add_reasoning(self, text: str, *, summary: bool = False) -> None:
        """Take the next piece of reasoning that came apart from the text."""
        if (tags := self._tags) is not None:
            if tags.holds and tags.is_in_text:
                self._take_held()
            tags.may_close_unopened = False
        if self._overlap is not None:
            self._take_held()
        self._reasoning_apart = True
        way: Way = "summary" if summary else "thoughts"
        if way == self._thoughts.only_way:  # nearly always
            self._append("reasoning", text)
        else:
            self._think(text, way)

    def revise_reasoning(self, text: str) -> None:
        """Replace the reasoning that came apart from the text."""
        self._take_back_thoughts()
        self.add_reasoning(text)

    def _take_back_thoughts(self) -> None:
        """Forget the thoughts that came apart from the text: all of them follow in other words."""
        for words in islice(self._builders, self._kept, None):
            if isinstance(words, Words) and words.kind == "reasoning" and not words.in_text:
                words.take_back()

    def _think(self, piece: str, way: Way) -> None:
        """Take a piece of reasoning; what comes in two ways is said once."""
        if self._thoughts.come_only(way):
            self._append("reasoning", piece, in_text=way == "tags")
            return
        words = None if self._group is None or way == "tags" else self._group[-1]
        self._say_thoughts(self._thoughts.take(piece, way, words), in_text=way == "tags")

    def _say_thoughts(self, said: Said, *, in_text: bool = False) -> None:
        for words, piece in said:
            if words is None:
                self._append("reasoning", piece, in_text=in_text)
            else:
                words.append(piece)

    def add_refusal(self, text: str) -> None:
        """Take the next piece of a refusal."""
        self._take_held()
        self._append("refusal", text)

    def revise_text(self, text: str, part: int | None = None) -> None:
        """Replace a part, or the whole text, with the server's final wording."""
        self._take_held()
        if self._before and text:
            again = Overlap(self._before)
            text = again.new_in(text) + again.close()
            self.repetitions += ["overlapping_text"] * again.dropped
        own = (each for each in islice(self._builders, self._kept, None) if isinstance(each, Words) and each.in_text)
        group = list(own) if part is None else self._groups.get(part, [])
        if not group:
            self._append("text", text, in_text=True)
            return
        first = self._emptied(group)
        at = self._group, self._cursor
        self._turn_to([first] if part is None else group)
        if self._tags is None or (part is not None and next(own, None) is not first):
            first.append(text)
        else:
            self._split_again(text)
        if part is not None and at[0] is not group:
            self._group, self._cursor = at  # the wire is elsewhere

    def _split_again(self, text: str) -> None:
        """Take the beginning of the text in another wording, with whatever tags are in it."""
        self._tags = ThinkingTags(self._text)
        if self._reasoning_apart and begins_with_thought(text):
            self._take_back_thoughts()  # the text says again what came apart from it
        elif self._reasoning_apart:
            self._tags.may_close_unopened = False
        self._take(self._tags.split(text))

    def _emptied(self, group: list[Words]) -> Words:
        """Replace some words with one empty text."""
        first, *others = group
        first.replace("")
        self._citations.forget_place()
        for words in others:
            first.new_paragraph = first.new_paragraph or words.new_paragraph
            first.cite(words.citations)
        if others:
            gone = set(map(id, others))
            self._builders = [builder for builder in self._builders if id(builder) not in gone]
            for each in self._groups.values():
                each[:] = [first] if each[0] in group else each
        return first

    def cite(self, event: Annotated) -> None:
        """Put a citation to the text that it is about."""
        self._citations.add(event, self._builders, None if event.part is None else self._groups.get(event.part))

    def _take_held(self) -> None:
        """Take what was held back: something else comes, and the text before it is whole."""
        if self._overlap is not None and self._overlap.holds:
            self._end_overlap(self._overlap)
        if self._tags is not None and self._tags.holds:
            self._take(self._tags.close())

    def _end_overlap(self, overlap: Overlap) -> None:
        """Take what might have been a repetition, had it gone on."""
        rest = overlap.close()
        self._overlap = None
        if overlap.dropped:
            self.repetitions.append("overlapping_text")
        if rest:
            self._append("text", rest, in_text=True)

    def _take(self, pieces: list[Split]) -> None:
        for where, text in pieces:
            if where in {Where.ALL_REASONING, Where.CHANNEL}:
                self._turn_into_reasoning(len(ANALYSIS) if where is Where.CHANNEL else 0)
            if where is Where.TEXT:
                self._append("text", text, in_text=True)
            else:
                self._think(text, "tags")

    def _turn_into_reasoning(self, without: int) -> None:
        """What has come as text was reasoning, without so many characters at its beginning."""
        for words in self._builders:
            if isinstance(words, Words) and words.kind == "text":
                if without:
                    words.replace(words.text[without:])
                    without = 0
                self._citations.take_from(words)

    def _without_repetition(self, piece: str) -> str:
        """What is new in the last piece, if it repeats everything."""
        new = without_repetition(self._text(), piece)
        if new != piece:
            self.repetitions.append("repeated_text")
        return new

    # --- everything else ----------------------------------------------------------------------------------------------

    def add_tool_call(self, delta: ToolCallDelta) -> None:
        """Take the next piece of a tool call."""
        begun = self.tool_calls.add(delta)
        if begun is not None:
            self._add(begun)

    def add_media(self, delta: MediaDelta) -> None:
        """Take the next piece of a medium."""
        begun = self._artifacts.add_media(delta)
        if begun is not None:
            self._add(begun, leaves=delta.kind != "audio")  # the transcript of a sound goes on

    def report(self, event: ActivityReported) -> None:
        """Take news of a built-in tool's call."""
        begun = self._artifacts.report(event)
        if begun is not None:
            self._add(begun)

    def _add(self, builder: Builder, *, leaves: bool = True) -> None:
        self._take_held()
        self._put(builder)
        if leaves:
            self._leave()

    def close(self) -> None:
        """Nothing follows."""
        self._take_held()
        self._say_thoughts(self._thoughts.close())
        self._citations.close(self._builders)
        for builder in self._builders:
            builder.close()
        if self.tool_calls.were_cumulative:
            self.repetitions.append("cumulative_text")

    def value(self, index: int) -> Choice:
        """The answer so far. Any thread may ask."""
        parts = self._parts()
        reason = self.finish_reason
        # Some servers say that they stopped where they mean that they call.
        reason = "tool_calls" if self.tool_calls and reason == "stop" else reason
        return Choice(index, finish_reason=reason, parts=parts)

    @property
    def part_count(self) -> int:
        """How many parts it has, without making them."""
        return len(self._builders)

    @property
    def texts(self) -> tuple[Words, ...]:
        """The words that are its text, in their order. Any thread may ask."""
        return tuple(each for each in tuple(self._builders) if isinstance(each, Words) and each.kind == "text")

    def _parts(self) -> tuple[Part, ...]:
        values = (builder.value() for builder in tuple(self._builders))
        return tuple(value for value in values if value is not None)

    def _text(self) -> str:
        return joined(self._parts(), TextPart)
