"""Takes `<think>` tags and their like out of an answer as it arrives: what stands between them is reasoning.

Some servers leave the tags of reasoning models in the text, cut anywhere. A tag counts only where such models write
it, so that an answer which talks about the tags keeps them:

- an opening tag at the very beginning of the answer, or, once an answer has begun so, the same one at the beginning of
  a later line;
- a closing tag after an opening one, or the first `</think>` of an answer without an opening one (the prompt's template
  has written that one): then everything before it was reasoning. After a space it is a word in a sentence.

A tag in code is text. White space next to a tag belongs to it. An answer that begins with a channel has channels.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from nbstream.assembly.channels import ANALYSIS, BEGINNINGS, BareChannels, Channels, begins_bare_channel, begins_channel
from nbstream.assembly.split import Split, Where

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Split", "ThinkingTags", "Where", "begins_with_thought"]

_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)

# Whether a tag stands in code is found by reading the text before it; a text full of tags is not read over and over.
LOOKS = 16

# No model thinks more often in one answer; what comes then is a flood of tags.
_ROUNDS = 256

# How much white space may come before an opening tag; all of it is held back until it is clear that none comes.
WHITE_SPACE = 256


class _Mode(enum.Enum):
    START = enum.auto()  # nothing but white space since the beginning, or since the last closing tag
    OPENED = enum.auto()  # nothing but white space since an opening tag
    THINKING = enum.auto()
    TEXT = enum.auto()


class ThinkingTags:
    """Splits the pieces of one answer.

    Args:
        text_before: Returns the answer's text so far, as it has been handed out.

    Example:
        >>> tags = ThinkingTags(lambda: "")
        >>> [part.text for piece in ("<thi", "nk>Hm", "m.</think>", " Yes") for part in tags.split(piece)]
        ['Hm', 'm.', 'Yes']
    """

    def __init__(self, text_before: Callable[[], str]) -> None:
        self.may_close_unopened = True
        """Whether a closing tag may come without an opening one; not if reasoning comes apart from the text."""
        self._text_before = text_before
        self._mode = _Mode.START
        self._open, self._close = _TAGS[0]
        self._channels: Channels | BareChannels | None = None
        self._bare: str | None = None  # the text, while it may be the beginning of a channel without marks
        self._held = ""  # the end of the last piece, which may be the beginning of a tag
        self._thinks_in_tags = False
        self._looks = LOOKS
        self._rounds = _ROUNDS

    @property
    def holds(self) -> bool:
        """Whether the last piece ended in what may be the beginning of a tag."""
        return bool(self._held) if self._channels is None else self._channels.holds

    @property
    def is_in_text(self) -> bool:
        """Whether the answer itself has begun, and no thought within it."""
        return self._mode is _Mode.TEXT if self._channels is None else self._channels.is_in_text

    def pass_over(self, piece: str) -> bool:
        """Whether the next piece is text and nothing else, as nearly all are; then it need not be split."""
        return (
            self._mode is _Mode.TEXT
            and not self._held
            and self._bare is None
            and (self._open[0] not in piece or not self._looks)
        )

    def split(self, piece: str) -> list[Split]:
        """Take the next piece and say where its parts belong."""
        if self._channels is not None:
            return self._channels.split(piece)
        rest, self._held = self._held + piece, ""
        parts: list[Split] = []
        if self._bare is not None:
            rest = self._bare_channel(rest, parts)
        while rest:
            if self._mode is _Mode.START:
                rest = self._start(rest, parts)
            elif self._mode is _Mode.TEXT:
                rest = self._text(rest, parts)
            else:
                rest = self._thinking(rest, parts)
        return parts

    def close(self) -> list[Split]:
        """Nothing follows here: what looked like the beginning of a tag was not one."""
        if self._channels is not None:
            return self._channels.close()
        held, self._held = self._held, ""
        if not held or (self._thinks_in_tags and held.isspace()):
            return []
        return [Split(Where.TEXT if self._mode in {_Mode.START, _Mode.TEXT} else Where.REASONING, held)]

    # Each of these takes the rest of a piece in one mode and returns what is left for the next mode.

    def _start(self, rest: str, parts: list[Split]) -> str:
        beginning = rest.lstrip()
        if self._thinks_in_tags:
            rest = beginning  # the white space belonged to the tag before it
        if len(rest) - len(beginning) <= WHITE_SPACE:
            known = _TAGS if not self._thinks_in_tags else ((self._open, self._close),)
            for tags in known if self._rounds else ():
                if beginning.startswith(tags[0]):
                    self._rounds -= 1
                    self._mode = _Mode.OPENED
                    self._thinks_in_tags = True
                    self._open, self._close = tags
                    return beginning[len(tags[0]) :]
            if not self._thinks_in_tags and begins_channel(beginning):
                self._channels = Channels()
                parts += self._channels.split(beginning)
                return ""
            may_begin = [tags[0] for tags in known] + ([] if self._thinks_in_tags else [*BEGINNINGS])
            if any(len(beginning) < len(each) and each.startswith(beginning) for each in may_begin):
                self._held = rest
                return ""
        self._mode = _Mode.TEXT
        if self.may_close_unopened and not self._thinks_in_tags:
            self._bare = ""
            return self._bare_channel(rest, parts)
        return rest

    def _bare_channel(self, rest: str, parts: list[Split]) -> str:
        """Look whether an answer whose beginning has come as text begins with the name of a channel."""
        self._bare = (self._bare or "") + rest
        if begins_bare_channel(self._bare):
            self._channels = BareChannels()
            self._mode = _Mode.START  # nothing is passed over from here on
            parts += self._channels.split(rest)
            rest = ""
        if not ANALYSIS.startswith(self._bare):
            self._bare = None
        return rest

    def _thinking(self, rest: str, parts: list[Split]) -> str:
        if self._mode is _Mode.OPENED:
            rest = rest.lstrip()
            if not rest:
                return ""
            self._mode = _Mode.THINKING
        thought, tag, after = rest.partition(self._close)
        if tag:
            self._mode = _Mode.START
        elif start := self._cut_tag(thought):
            thought, self._held = thought[:-start], thought[-start:]
        if thought:
            parts.append(Split(Where.REASONING, thought))
        return after

    def _text(self, rest: str, parts: list[Split]) -> str:
        sign = self._open[0]
        start = rest.find(sign)
        while start >= 0 and self._looks:
            if rest.startswith((self._open, self._close), start):
                self._looks -= 1
                before = self._before(parts) + rest[:start]
                if rest[start + 1] == "/":
                    unopened = self.may_close_unopened and not self._thinks_in_tags
                    if unopened and not _in_sentence(before) and not _in_code(before):
                        self._mode = _Mode.START
                        self._thinks_in_tags = True
                        parts.append(Split(Where.ALL_REASONING, rest[:start]))
                        return rest[start + len(self._close) :]
                elif self._thinks_in_tags and _begins_line(before) and not _in_code(before):
                    self._mode = _Mode.OPENED
                    parts.append(Split(Where.TEXT, rest[:start]))
                    return rest[start + len(self._open) :]
                else:
                    self.may_close_unopened = False  # this answer talks about the tags
            start = rest.find(sign, start + 1)
        if self._looks and (cut := self._cut_tag(rest)):
            rest, self._held = rest[:-cut], rest[-cut:]
        if rest:
            parts.append(Split(Where.TEXT, rest))
        return ""

    def _cut_tag(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a tag."""
        start = text.rfind(self._open[0], -len(self._close) + 1)
        cut = text[start:] if start >= 0 else ""
        return len(cut) if self._open.startswith(cut) or self._close.startswith(cut) else 0

    def _before(self, parts: list[Split]) -> str:
        """The answer's text before what is being split, of which `parts` have not been handed out yet."""
        texts = [part.text for part in parts if part.where is Where.TEXT]
        if not any(part.where is Where.ALL_REASONING for part in parts):
            texts.insert(0, self._text_before())
        return "".join(texts)


def begins_with_thought(text: str) -> bool:
    """Whether a whole answer has thoughts in it, from its very beginning."""
    return text.lstrip().startswith(tuple(tags[0] for tags in _TAGS) + BEGINNINGS)


def _begins_line(text: str) -> bool:
    return not text.rpartition("\n")[2].strip()


def _in_sentence(text: str) -> bool:
    """Whether what follows is a word in a sentence, in indented code or in a table."""
    line = text.rpartition("\n")[2]
    return line.endswith((" ", "\t")) or line.startswith(("    ", "\t", "|"))


def _in_code(text: str) -> bool:
    """Whether a code fence or a code span is open at the end of `text`."""
    fence = ""
    spans = 0
    for line in text.split("\n"):
        stripped = line.strip()
        mark = stripped[: len(stripped) - len(stripped.lstrip(stripped[:1]))] if stripped[:1] in {"`", "~"} else ""
        if fence:
            fence = "" if stripped == mark and mark.startswith(fence) else fence
        elif len(mark) >= 3:
            fence, spans = mark, 0
        else:
            spans = line.count("`")
    return bool(fence) or spans % 2 == 1
